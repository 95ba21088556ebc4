"""How far projects are: counts, and the pace of annotators."""

from __future__ import annotations

from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.labels.records import Pace
from fettle.labels.store.tables import annotations, items

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


RECENT = 200


def counts(tx: Transaction, project: str) -> dict[str, int]:
    """How many items there are, are done, are begun, are disputed; and how many answers there are."""
    where = items.c.project == project
    spread = sa.select(items.c.answers, items.c.open, sa.func.count()).where(where)
    rows = [tuple(row) for row in tx.execute(spread.group_by(items.c.answers, items.c.open))]
    disputed = sa.select(sa.func.count()).where(where, items.c.entropy > 0)
    flagged = sa.select(sa.func.count(sa.distinct(annotations.c.item))).where(
        annotations.c.project == project, annotations.c.flagged.is_(True)
    )
    return {
        "items": sum(number for _, _, number in rows),
        "done": sum(number for _, still, number in rows if not still),
        "begun": sum(number for answers, still, number in rows if still and answers),
        "answers": sum(answers * number for answers, _, number in rows),
        "disputed": tx.execute(disputed).scalar_one(),
        "flagged": tx.execute(flagged).scalar_one(),
    }


def paces(tx: Transaction, project: str) -> list[Pace]:
    """What each annotator has done, the busiest first; the pace is that of the last `RECENT` answers."""
    c = annotations.c
    counted = sa.select(
        c.annotator,
        sa.func.sum(sa.case((c.state == "labelled", 1), else_=0)).label("labelled"),
        sa.func.sum(sa.case((c.state == "skipped", 1), else_=0)).label("skipped"),
        sa.func.sum(sa.case((c.flagged, 1), else_=0)).label("flagged"),
        sa.func.max(c.at).label("last_at"),
    )
    rows = tx.execute(counted.where(c.project == project).group_by(c.annotator)).all()
    made = [
        Pace(
            row.annotator,
            int(row.labelled),
            int(row.skipped),
            int(row.flagged),
            _usual_s(tx, project, row.annotator),
            row.last_at,
        )
        for row in rows
    ]
    return sorted(made, key=lambda each: (-each.labelled, each.annotator))


def _usual_s(tx: Transaction, project: str, annotator: str) -> float:
    c = annotations.c
    mine = sa.select(c.seconds).where(c.project == project, c.annotator == annotator)
    recent = tx.execute(mine.order_by(c.turn.desc()).limit(RECENT)).scalars()
    measured = [each for each in recent if each > 0]
    return median(measured) if measured else 0.0


def values(tx: Transaction, project: str) -> dict[str, int]:
    """How often each value was answered."""
    c = annotations.c
    where = (c.project == project) & (c.state == "labelled")
    query = sa.select(c.value, sa.func.count()).where(where).group_by(c.value)
    return dict(map(tuple, tx.execute(query)))


def last_at(tx: Transaction, project: str) -> datetime | None:
    return tx.execute(
        sa.select(sa.func.max(annotations.c.at)).where(annotations.c.project == project)
    ).scalar_one_or_none()


def annotator_names(tx: Transaction, project: str) -> list[str]:
    query = sa.select(annotations.c.annotator).where(annotations.c.project == project).distinct()
    return sorted(tx.execute(query).scalars())
