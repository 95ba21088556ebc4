"""The SQL of lists of traces: narrowed, ordered, and page by page behind the last one shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from fettle.storage.texts import contains
from fettle.tracking.records.browse import TraceBrief
from fettle.tracking.store.experiments import experiments
from fettle.tracking.store.traces import spans, traces

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

NAME = "mlflow.traceName"
SHOWN = 300
"""Characters of what was asked and answered."""
_ORDERS: dict[str, Any] = {
    "at": sa.type_coerce(traces.c.at, sa.BigInteger),
    "took": sa.func.coalesce(traces.c.duration_ms, -1),
}


class Narrowed(NamedTuple):
    """Which traces are wanted.

    Attributes:
        experiment: The number of their experiment; None means all.
        run: The id of their run; empty means all.
        state: How they ended; empty means all.
        words: What their id, name, question or answer must all hold.
    """

    experiment: int | None
    run: str
    state: str
    words: Sequence[str]


def states_of(tx: Transaction, wanted: Narrowed) -> dict[str, int]:
    """State → how many traces, whatever state is asked for."""
    query = sa.select(traces.c.state, sa.func.count()).where(*_conditions(wanted._replace(state="")))
    return dict(map(tuple, tx.execute(query.group_by(traces.c.state))))


def list_briefs(
    tx: Transaction, wanted: Narrowed, order: str, after: tuple[int, str] | None, limit: int
) -> list[tuple[int, TraceBrief]]:
    """Traces in an order, such as `-at`, behind a place in it; each with its place."""
    down, place = order.startswith("-"), _ORDERS[order.removeprefix("-")]
    query = sa.select(
        *(traces.c[name] for name in ("id", "at", "duration_ms", "state", "run", "tags")),
        sa.func.substr(traces.c.request, 1, SHOWN).label("request"),
        sa.func.substr(traces.c.response, 1, SHOWN).label("response"),
        traces.c.experiment,
        place.label("place"),
    ).where(*_conditions(wanted))
    if after is not None:
        here, there = sa.tuple_(place, traces.c.id), sa.tuple_(sa.literal(after[0]), sa.literal(after[1]))
        query = query.where(here < there if down else here > there)
    columns = (place.desc(), traces.c.id.desc()) if down else (place, traces.c.id)
    rows = tx.execute(query.order_by(*columns).limit(limit)).mappings().all()
    names = {row.number: row.name for row in tx.execute(sa.select(experiments.c.number, experiments.c.name))}
    many = _spans(tx, [row["id"] for row in rows])
    return [(row["place"], _brief(row, names, many)) for row in rows]


def _brief(row: Any, names: dict[int, str], many: dict[str, int]) -> TraceBrief:
    said = {name: row[name] for name in ("id", "at", "duration_ms", "state", "run", "request", "response")}
    return TraceBrief(
        **said,
        name=str(row["tags"].get(NAME, "")),
        experiment=names.get(row["experiment"], ""),
        spans=many.get(row["id"], 0),
    )


def _spans(tx: Transaction, ids: Sequence[str]) -> dict[str, int]:
    query = sa.select(spans.c.trace, sa.func.count()).where(spans.c.trace.in_(ids)).group_by(spans.c.trace)
    return dict(map(tuple, tx.execute(query)))


def _conditions(wanted: Narrowed) -> list[sa.ColumnElement[bool]]:
    texts = (traces.c.id, traces.c.request, traces.c.response, sa.type_coerce(traces.c.tags, sa.Text))
    found: list[sa.ColumnElement[bool]] = [
        sa.or_(*(contains(each, word) for each in texts)) for word in wanted.words
    ]
    if wanted.experiment is not None:
        found.append(traces.c.experiment == wanted.experiment)
    if wanted.run:
        found.append(traces.c.run == wanted.run)
    if wanted.state:
        found.append(traces.c.state == wanted.state)
    return found or [sa.true()]
