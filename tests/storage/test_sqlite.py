"""What is particular to the embedded database: its files, backups, neighbours and errors."""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, select, text

from fettle.core.errors import FettleError, Unavailable
from fettle.storage import Database, Transaction, open_database
from fettle.storage import sqlite as backend

NUMBERS = Table(
    "numbers", MetaData(), Column("number", Integer, primary_key=True), Column("filler", LargeBinary)
)


def m001_initial(tx: Transaction) -> None:
    tx.create(NUMBERS)


def m002_add_note(tx: Transaction) -> None:
    tx.execute(text("ALTER TABLE numbers ADD COLUMN note TEXT"))


def m003_breaks(tx: Transaction) -> None:
    raise RuntimeError("broken")


def opened(folder: Path) -> Database:
    database = open_database(f"sqlite:///{folder}/fettle.db")
    database.migrate("numbers", [m001_initial])
    return database


def numbers(database: Database) -> list[int]:
    with database.read() as tx:
        return list(tx.execute(select(NUMBERS.c.number).order_by(NUMBERS.c.number)).scalars())


def test_commits_are_durable_and_foreign_keys_are_checked(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.write() as tx:
        settings = {
            name: tx.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    database.close()


def test_closing_leaves_one_whole_file(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=1))
    database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fettle.db", "fettle.db-gate"]


def test_the_first_migration_of_a_room_needs_no_backup(tmp_path: Path) -> None:
    database = opened(tmp_path)
    database.migrate("another", [m001_initial])
    assert not (tmp_path / "backups").exists()
    database.close()


def test_a_copy_is_kept_before_existing_tables_change(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=7))
    database.migrate("numbers", [m001_initial, m002_add_note])
    database.migrate("numbers", [m001_initial, m002_add_note])
    (copy,) = (tmp_path / "backups").iterdir()
    assert copy.name == "fettle-before-numbers-m002_add_note.db"
    with contextlib.closing(sqlite3.connect(copy)) as raw:
        assert raw.execute("SELECT * FROM numbers").fetchall() == [(7, None)]
    with pytest.raises(RuntimeError):
        database.migrate("numbers", [m001_initial, m002_add_note, m003_breaks])
    with pytest.raises(RuntimeError):
        database.migrate("numbers", [m001_initial, m002_add_note, m003_breaks])
    assert len(list((tmp_path / "backups").iterdir())) == 3
    database.close()


def test_another_programs_lock_is_waited_out(tmp_path: Path) -> None:
    database = opened(tmp_path)
    foreign = sqlite3.connect(tmp_path / "fettle.db", isolation_level=None, check_same_thread=False)
    foreign.execute("BEGIN IMMEDIATE")
    future = database.submit(lambda tx: tx.execute(insert(NUMBERS).values(number=1)).rowcount)
    assert numbers(database) == []
    assert not future.done()
    foreign.execute("COMMIT")
    assert future.result(timeout=60) == 1
    foreign.close()
    database.close()


def test_a_lock_that_stays_is_named_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "PATIENCE_S", 0.1)
    database = opened(tmp_path)
    foreign = sqlite3.connect(tmp_path / "fettle.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="another program") as caught, database.write():
        pass
    assert "close that" in caught.value.hint
    foreign.execute("COMMIT")
    foreign.close()
    with database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=1))
    assert numbers(database) == [1]
    database.close()


def test_a_full_disk_is_an_error_that_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    database = opened(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (400_000, before[1])
    )  # stands in for a disk with little space left
    kept: list[int] = []
    try:
        with pytest.raises(Unavailable) as caught:
            for number in range(1000):
                with database.write() as tx:
                    tx.execute(insert(NUMBERS).values(number=number, filler=b"x" * 20_000))
                kept.append(number)
        assert "space" in caught.value.hint or "full" in caught.value.hint
        futures = [
            database.submit(
                lambda tx, n=n: tx.execute(insert(NUMBERS).values(number=n, filler=b"x" * 20_000))
            )
            for n in range(2000, 2050)
        ]
        late = [n for n, future in zip(range(2000, 2050), futures, strict=True) if future.exception() is None]
        assert len(late) < len(futures)
        assert numbers(database) == kept + late
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=5000))
        assert tx.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    assert numbers(database) == [*kept, *late, 5000]
    database.close()


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "fettle.db").write_bytes(b"this is a text, and not a database at all" * 100)
    with pytest.raises(Unavailable, match="damaged or not a database"):
        opened(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be read or written"):
        opened(tmp_path / "file")
    (tmp_path / "folder" / "fettle.db").mkdir(parents=True)
    with pytest.raises(Unavailable, match="cannot be written"):
        opened(tmp_path / "folder")


def test_a_forked_child_works_on_connections_of_its_own(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=1))
    child = os.fork()
    if child == 0:
        try:
            with database.write() as tx:
                tx.execute(insert(NUMBERS).values(number=2))
            submitted = database.submit(lambda tx: tx.execute(insert(NUMBERS).values(number=3)).rowcount)
            os._exit(0 if submitted.result(30) == 1 and numbers(database) == [1, 2, 3] else 1)
        except FettleError:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=4))
    assert numbers(database) == [1, 2, 3, 4]
    database.close()
