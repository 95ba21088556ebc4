"""Slots of time with their sums, and the windows over them that are judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from fettle.monitoring.records import Window
from fettle.monitoring.store.tables import SlotKey, chunks, slots, windows

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def find_slots(
    tx: Transaction, endpoint: str, first: int, last: int, version: tuple[str, int] | None = None
) -> dict[SlotKey, tuple[bytes, datetime]]:
    """Sums of the slots first … last, of one version or of all."""
    here = (slots.c.endpoint == endpoint) & slots.c.slot.between(first, last)
    if version is not None:
        here &= (slots.c.model == version[0]) & (slots.c.version == version[1])
    rows = tx.execute(sa.select(slots).where(here))
    return {SlotKey(row.model, row.version, row.slot): (row.sums, row.last_at) for row in rows}


def put_slots(tx: Transaction, endpoint: str, sums: dict[SlotKey, tuple[bytes, datetime]]) -> None:
    if not sums:
        return
    keys = [key._asdict() for key in sums]
    here = (
        (slots.c.endpoint == endpoint)
        & (slots.c.model == sa.bindparam("of_model"))
        & (slots.c.version == sa.bindparam("of_version"))
        & (slots.c.slot == sa.bindparam("of_slot"))
    )
    tx.execute(
        slots.delete().where(here), [{f"of_{name}": value for name, value in key.items()} for key in keys]
    )
    tx.execute(
        slots.insert(),
        [
            {"endpoint": endpoint, "sums": data, "last_at": last_at} | key._asdict()
            for key, (data, last_at) in sums.items()
        ],
    )


class WindowRow(NamedTuple):
    """A window as it is kept: ``window`` is None until it was first judged."""

    model: str
    version: int
    slot: int
    start_at: datetime
    end_at: datetime
    due_at: datetime | None
    window: Window | None


def touch_windows(tx: Transaction, endpoint: str, touched: dict[SlotKey, tuple[datetime, datetime]]) -> None:
    """Make windows due at their end, so that the next pass judges them (again)."""
    if not touched:
        return
    known: set[SlotKey] = set()
    for chunk in chunks(sorted({key.slot for key in touched})):
        query = sa.select(windows.c.model, windows.c.version, windows.c.slot).where(
            (windows.c.endpoint == endpoint) & windows.c.slot.in_(chunk)
        )
        known |= {SlotKey(*row) for row in tx.execute(query)}
    fresh = [
        {"endpoint": endpoint, "start_at": start_at, "end_at": end_at, "due_at": end_at, "window": None}
        | key._asdict()
        for key, (start_at, end_at) in touched.items()
        if key not in known
    ]
    if fresh:
        tx.execute(windows.insert(), fresh)
    for key in touched.keys() & known:
        tx.execute(windows.update().where(_window(endpoint, key)).values(due_at=windows.c.end_at))


def put_window(tx: Transaction, endpoint: str, key: SlotKey, window: Window, due_at: datetime | None) -> None:
    tx.execute(windows.update().where(_window(endpoint, key)).values(window=window, due_at=due_at))


def _window(endpoint: str, key: SlotKey) -> sa.ColumnElement[bool]:
    return (
        (windows.c.endpoint == endpoint)
        & (windows.c.model == key.model)
        & (windows.c.version == key.version)
        & (windows.c.slot == key.slot)
    )


def find_windows(
    tx: Transaction,
    endpoint: str,
    *,
    due_at: datetime | None = None,
    slots_in: Sequence[int] | None = None,
    newest: int | None = None,
) -> list[WindowRow]:
    """Windows by start: those due at a time, those that begin in some slots, or the newest."""
    query = sa.select(windows).where(windows.c.endpoint == endpoint)
    if due_at is not None:
        query = query.where(windows.c.due_at <= due_at)
    if slots_in is not None:
        query = query.where(windows.c.slot.in_(slots_in))
    query = query.order_by(windows.c.slot.desc(), windows.c.version.desc()).limit(newest)
    rows = [
        WindowRow(row.model, row.version, row.slot, row.start_at, row.end_at, row.due_at, row.window)
        for row in tx.execute(query)
    ]
    return rows[::-1]


def is_due(tx: Transaction, endpoint: str, at: datetime) -> bool:
    query = (
        sa.select(windows.c.slot).where((windows.c.endpoint == endpoint) & (windows.c.due_at <= at)).limit(1)
    )
    return tx.execute(query).first() is not None
