"""Lists of traces as pages show them."""

from __future__ import annotations

from typing import Literal

from fettle.acts import Context, act
from fettle.core.errors import Invalid
from fettle.tracking.acts import experiments
from fettle.tracking.records.browse import TracePage
from fettle.tracking.store import browse as store

MOST_TRACES = 1000
MOST_WORDS = 20


@act("tracking.trace_page", reads=True, plumbing=True)
def trace_page(
    ctx: Context,
    *,
    experiment: str = "",
    run: str = "",
    state: Literal["", "STATE_UNSPECIFIED", "IN_PROGRESS", "OK", "ERROR"] = "",
    words: str = "",
    order_by: Literal["-at", "at", "-took", "took"] = "-at",
    cursor: str | None = None,
    limit: int = 50,
) -> TracePage:
    """List traces in short, with how many there are in which state.

    Args:
        experiment: Only those of this experiment.
        run: Only those of this run.
        state: Only those that ended so.
        words: Only those whose id, question, answer or tags hold all of these words.
        order_by: By when they began or how long they took; with `-` the newest or slowest first.
        cursor: A page's `next`.
        limit: At most so many; 0 only counts.
    """
    number = experiments.named(ctx, experiment).number if experiment else None
    wanted = store.Narrowed(number, run, state, words.split()[:MOST_WORDS])
    most = max(0, min(limit, MOST_TRACES))
    after = _place(cursor) if cursor else None
    found = store.list_briefs(ctx.tx, wanted, order_by, after, most + 1) if most else []
    shown = [each for _, each in found[:most]]
    following = f"{found[most - 1][0]}~{shown[-1].id}" if len(found) > most else None
    return TracePage(shown, following, store.states_of(ctx.tx, wanted))


def _place(cursor: str) -> tuple[int, str]:
    place, _, id = cursor.partition("~")
    digits = place.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18 or not id:
        raise Invalid("That is no cursor of a list of traces.", found=repr(cursor[:80]), hint="Begin anew.")
    return int(place), id
