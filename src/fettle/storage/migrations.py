"""Which migrations a database has seen, and in what order the others are applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, inspect, select

from fettle.core.errors import Conflict, Invalid
from fettle.storage.ports import Migration
from fettle.storage.transactions import SqlTransaction

APPLIED = Table(
    "storage_migrations",
    MetaData(),
    Column("room", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
)

Block = Callable[[], AbstractContextManager[SqlTransaction]]


def apply(
    room: str, migrations: Sequence[Migration], *, read: Block, write: Block, backup: Callable[[str], None]
) -> None:
    """Apply what is missing, each migration in a transaction of its own together with its record.

    Args:
        room: Whose tables.
        migrations: All migrations of the room, oldest first.
        read: Opens a snapshot.
        write: Opens a transaction that excludes all other writers.
        backup: Called with a label before the first migration of tables that exist already; no transaction is open.
    """
    names = checked_names(room, migrations)
    with read() as tx:
        done = applied(tx, room)
    if done and len(done) < len(names):
        backup(f"{room}-{names[len(done)]}")
    while len(done) < len(names):
        with write() as tx:
            tx.create(APPLIED)
            done = applied(tx, room)
            _require_known(room, done, names)
            if len(done) == len(names):
                break
            position = len(done)
            migrations[position](tx)
            tx.execute(insert(APPLIED).values(room=room, number=position + 1, name=names[position]))
        done = [*done, names[position]]
    _require_known(room, done, names)


def applied(tx: SqlTransaction, room: str) -> list[str]:
    """Names of the migrations that the room has had, oldest first."""
    if not inspect(tx.connection).has_table(APPLIED.name):
        return []
    rows = tx.execute(select(APPLIED.c.name).where(APPLIED.c.room == room).order_by(APPLIED.c.number))
    return [name for (name,) in rows]


def checked_names(room: str, migrations: Sequence[Migration]) -> list[str]:
    """The names of the functions, held to `m001_…`, `m002_…` without gaps."""
    names = [migration.__name__ for migration in migrations]
    for position, name in enumerate(names, start=1):
        if not re.fullmatch(rf"m{position:03d}_\w+", name):
            raise Invalid(
                f"The migrations of {room!r} are out of order.",
                found=f"{name!r} in place {position}",
                hint=f"Name it m{position:03d}_what_it_does; never reorder or rename one that was released.",
            )
    return names


def _require_known(room: str, done: list[str], names: list[str]) -> None:
    if done != names[: len(done)]:
        strange = next((name for name, known in zip(done, names, strict=False) if name != known), done[-1])
        raise Conflict(
            f"The tables of {room!r} were written by a newer or different fettle.",
            found=f"migration {strange!r}, which this version does not know",
            hint="Upgrade: pip install --upgrade fettle-ml",
        )
