"""How carefully columns are handled: proposed by recognisers, confirmed by a person."""

from __future__ import annotations

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Denied
from fettle.privacy.records import Classified, Finding, Level

_ORDER: dict[str, int] = {"public": 0, "internal": 1, "personal": 2, "sensitive": 3}


@act("privacy.propose")
def propose(ctx: Context, dataset: str, findings: list[Finding]) -> list[Classified]:
    """Keep what recognisers found as proposals; what a person has confirmed is not touched.

    Args:
        dataset: The dataset.
        findings: What was found, column by column; they hold no values.
    """
    from fettle.privacy import store

    ids.check_name("dataset", dataset)
    known = {each.column: each for each in store.list_classes(ctx.tx, dataset)}
    made = [
        Classified(
            dataset,
            each.column,
            each.level,
            each.kind,
            "proposed",
            each.confidence,
            ctx.now,
            ctx.actor,
            each.why,
        )
        for each in findings
        if each.column not in known or known[each.column].status == "proposed"
    ]
    store.put_classes(ctx.tx, made)
    ctx.emit("privacy.proposed", f"dataset:{dataset}", columns=len(made))
    return store.list_classes(ctx.tx, dataset)


@act("privacy.confirm")
def confirm(
    ctx: Context,
    dataset: str,
    column: str,
    level: Level | None = None,
    *,
    kind: str | None = None,
    note: str = "",
) -> Classified:
    """Say how carefully a column is handled: a person's word, which no recogniser changes.

    Whoever lowers a column that was taken for personal or sensitive must be an approver.

    Args:
        dataset: The dataset.
        column: The column; it need not have been proposed.
        level: public, internal, personal or sensitive; None: as proposed.
        kind: What it holds, such as `email`; None: as proposed.
        note: Why; it is in the audit for good, so no personal data.
    """
    from fettle.core.errors import NotFound
    from fettle.privacy import store

    ids.check_name("dataset", dataset)
    known = {each.column: each for each in store.list_classes(ctx.tx, dataset)}
    before = known.get(column)
    if before is None and level is None:
        raise NotFound.among(
            "proposal for the column", column, known, hint="Give the level to confirm it without a proposal."
        )
    was: Level = before.level if before else "internal"
    _check_lowering(ctx, column, was, level or was)
    made = Classified(
        dataset=dataset,
        column=column,
        level=level or was,
        kind=kind if kind is not None else before.kind if before else "",
        status="confirmed",
        confidence=before.confidence if before else 0.0,
        at=ctx.now,
        by=ctx.actor,
        note=note or (before.note if before and before.level == (level or was) else ""),
    )
    store.put_classes(ctx.tx, [made])
    ctx.emit("privacy.confirmed", f"dataset:{dataset}", column=column, level=made.level, before=was)
    return made


@act("privacy.classification", reads=True)
def classification(ctx: Context, dataset: str = "") -> list[Classified]:
    """List what is known of the columns of a dataset, or of all datasets.

    Args:
        dataset: The dataset; empty: all.
    """
    from fettle.privacy import store

    return store.list_classes(ctx.tx, dataset)


def _check_lowering(ctx: Context, column: str, before: Level, after: Level) -> None:
    lowered = _ORDER[after] < _ORDER[before] and before in ("personal", "sensitive")
    if lowered and ctx.role < Role.APPROVER:
        raise Denied(
            f"Lowering {column!r} from {before} to {after} needs the role approver.",
            found=f"{ctx.actor} is {ctx.role.name.lower()} here",
            hint="Ask an approver to confirm it.",
            subject=f"column:{column}",
        )
