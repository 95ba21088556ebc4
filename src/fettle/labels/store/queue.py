"""The queue: which item is whose next, and for whom items are kept meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.labels.records import Project
from fettle.labels.store.tables import annotations, cursors, items, leases
from fettle.storage.upserts import upsert

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

LEASES_LOOKED_AT = 64


def find_next(
    tx: Transaction,
    project: Project,
    annotator: str,
    *,
    count: int,
    now: datetime,
    beyond: Sequence[int] = (),
) -> list[int]:
    """The first open items, in their places, that this annotator has not done and others do not keep.

    A cursor remembers the place before which nothing is left for this annotator, so that the work does not grow with
    what was done already.
    """
    query = sa.select(cursors.c.place).where(
        cursors.c.project == project.name, cursors.c.annotator == annotator
    )
    start = tx.execute(query).scalar_one_or_none() or 0
    held = _held_by_others(tx, project, annotator, now)
    want = count + len(held) + len(beyond)
    mine = sa.exists().where(
        annotations.c.project == items.c.project,
        annotations.c.item == items.c.item,
        annotations.c.annotator == annotator,
    )
    waiting = (
        sa.select(items.c.item, items.c.place, items.c.answers)
        .where(items.c.project == project.name, items.c.open.is_(True), items.c.place >= start, ~mine)
        .order_by(items.c.place)
        .limit(want)
    )
    rows = tx.execute(waiting).all()
    _set_cursor(tx, project.name, annotator, rows[0].place if rows else _END)
    free = [
        row.item
        for row in rows
        if row.answers + held.get(row.item, 0) < project.annotators and row.item not in beyond
    ]
    return free[:count]


_END = 2_000_000_000


def find_disputed(
    tx: Transaction, project: Project, annotator: str, *, count: int, now: datetime
) -> list[int]:
    """The items whose answers differ most, that this annotator has not answered and nobody else keeps."""
    mine = sa.exists().where(
        annotations.c.project == items.c.project,
        annotations.c.item == items.c.item,
        annotations.c.annotator == annotator,
    )
    held = _held_by_others(tx, project, annotator, now)
    query = (
        sa.select(items.c.item)
        .where(items.c.project == project.name, items.c.entropy > 0, ~mine)
        .order_by(items.c.entropy.desc(), items.c.item)
        .limit(count + len(held))
    )
    return [item for item in tx.execute(query).scalars() if item not in held][:count]


def _held_by_others(tx: Transaction, project: Project, annotator: str, now: datetime) -> dict[int, int]:
    """How many others keep each item now."""
    query = (
        sa.select(leases.c.item, sa.func.count())
        .where(leases.c.project == project.name, leases.c.annotator != annotator, leases.c.expires_at > now)
        .group_by(leases.c.item)
    )
    return dict(map(tuple, tx.execute(query)))


def lease(tx: Transaction, project: str, numbers: Sequence[int], annotator: str, until: datetime) -> None:
    """Keep items for an annotator; leases that ran out long ago are removed on the way."""
    if numbers:
        rows = [
            {"project": project, "item": each, "annotator": annotator, "expires_at": until}
            for each in numbers
        ]
        tx.execute(upsert(leases), rows)


def sweep_leases(tx: Transaction, project: str, now: datetime) -> None:
    """Remove the leases that ran out."""
    tx.execute(leases.delete().where(leases.c.project == project, leases.c.expires_at <= now))


def held(tx: Transaction, project: str, annotator: str, now: datetime) -> dict[int, datetime]:
    """The items kept for an annotator, in the order of the queue, and until when."""
    query = (
        sa.select(leases.c.item, leases.c.expires_at)
        .join(items, (items.c.project == leases.c.project) & (items.c.item == leases.c.item))
        .where(leases.c.project == project, leases.c.annotator == annotator, leases.c.expires_at > now)
        .order_by(items.c.place)
        .limit(LEASES_LOOKED_AT)
    )
    return dict(map(tuple, tx.execute(query)))


def kept_until(tx: Transaction, project: str, item: int, annotator: str, now: datetime) -> datetime | None:
    """Until when an item is kept for an annotator; None if it is not."""
    mine = (leases.c.project == project) & (leases.c.item == item) & (leases.c.annotator == annotator)
    query = sa.select(leases.c.expires_at).where(mine, leases.c.expires_at > now)
    return tx.execute(query).scalar_one_or_none()


def release(tx: Transaction, project: str, item: int, annotator: str) -> None:
    where = (leases.c.project == project) & (leases.c.item == item) & (leases.c.annotator == annotator)
    tx.execute(leases.delete().where(where))


def lower_cursors(tx: Transaction, project: str, place: int, annotator: str = "") -> None:
    """Let annotators (or one) look again from `place` on."""
    where = (cursors.c.project == project) & (cursors.c.place > place)
    if annotator:
        where &= cursors.c.annotator == annotator
    tx.execute(cursors.update().where(where).values(place=place))


def _set_cursor(tx: Transaction, project: str, annotator: str, place: int) -> None:
    tx.execute(upsert(cursors), {"project": project, "annotator": annotator, "place": place})
