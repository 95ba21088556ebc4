"""A small room of acts over a real SQLite database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from fettle.acts import Context, Site, act, store
from fettle.core.clock import FrozenClock
from fettle.core.errors import Invalid
from fettle.storage.open import open_blobs, open_database

notes = sa.Table(
    "test_notes", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text)
)


class Note(msgspec.Struct, frozen=True):
    id: int
    text: str


@act("notes.add")
def add(ctx: Context, text: str, *, times: int = 1) -> Note:
    """Write a note down.

    Args:
        text: What it says.
        times: How often it is written; each is a row
            of its own.

    Raises:
        Invalid: The text is empty.
    """
    if not text:
        raise Invalid("A note needs a text.")
    for _ in range(times):
        ctx.tx.execute(notes.insert().values(text=text))
    count = ctx.tx.execute(sa.select(sa.func.count()).select_from(notes)).scalar_one()
    ctx.emit("notes.added", "note", times=times)
    if text == "explode":
        raise RuntimeError("after the write")
    return Note(count, text)


@act("notes.count", reads=True)
def count(ctx: Context) -> int:
    """Count the notes."""
    return ctx.tx.execute(sa.select(sa.func.count()).select_from(notes)).scalar_one()


@act("notes.seen", audited=False)
def seen(ctx: Context) -> int:
    """Note that somebody looked."""
    ctx.tx.execute(notes.insert().values(text="seen"))
    return 1


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    database = open_database(f"sqlite:///{tmp_path / 'acts.db'}")
    database.migrate("acts", store.MIGRATIONS)
    with database.write() as tx:
        tx.create(notes)
    yield Site(database, open_blobs(str(tmp_path / "blobs")), FrozenClock(datetime(2026, 1, 1, tzinfo=UTC)))
    database.close()
