"""Real disks that are full or read-only: clear errors, nothing half-written, and going on once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, select, text

from fettle.core.errors import Unavailable
from fettle.storage import Transaction, open_blobs, open_database, open_journal, put_object, read_journal

ROWS = Table("rows", MetaData(), Column("id", Integer, primary_key=True), Column("body", LargeBinary))


def m001_initial(tx: Transaction) -> None:
    tx.create(ROWS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        # only root may mount; RLIMIT_FSIZE stands in for a full disk in tests/storage
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room; the file to remove to make some."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return filler
    raise AssertionError("unreachable: the disk has an end")


def test_a_full_disk_and_the_database(small_disk: Path) -> None:
    database = open_database(f"sqlite:///{small_disk}/fettle.db")
    database.migrate("rows", [m001_initial])
    filler = fill(small_disk)
    kept: list[int] = []
    with pytest.raises(Unavailable) as caught:
        for number in range(2000):
            with database.write() as tx:
                tx.execute(insert(ROWS).values(id=number, body=os.urandom(5000)))
            kept.append(number)
    assert "full" in str(caught.value)
    with database.read() as tx:
        assert tx.execute(select(ROWS.c.id).order_by(ROWS.c.id)).scalars().all() == kept
    filler.unlink()
    with database.write() as tx:
        tx.execute(insert(ROWS).values(id=5000, body=b"room again"))
        assert tx.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    database.close()
    again = open_database(f"sqlite:///{small_disk}/fettle.db")
    with again.read() as tx:
        assert tx.execute(select(ROWS.c.id).order_by(ROWS.c.id)).scalars().all() == [*kept, 5000]
    again.close()


def test_a_full_disk_and_blobs(small_disk: Path) -> None:
    store = open_blobs(small_disk / "blobs")
    digest = put_object(store, b"kept")
    filler = fill(small_disk)
    with pytest.raises(Unavailable, match="The disk is full") as caught:
        put_object(store, os.urandom(100_000))
    assert "Free some space" in caught.value.hint
    assert [each.key[-64:] for each in store.list()] == [digest]
    assert list((small_disk / "blobs" / ".pending").iterdir()) == []
    filler.unlink()
    assert store.get(f"objects/{digest[:2]}/{digest}") == b"kept"
    put_object(store, os.urandom(100_000))


def test_a_full_disk_and_the_journal(small_disk: Path) -> None:
    journal = open_journal(small_disk / "journal")
    filler = fill(small_disk)
    kept = 0
    with pytest.raises(Unavailable, match="The disk is full"):
        while True:
            journal.append(b"x" * 1000)
            kept += 1
    assert kept > 200, "space that was reserved is usable on a full disk"
    assert sum(1 for _ in read_journal(small_disk / "journal")) == kept
    with pytest.raises(Unavailable, match="The disk is full"):
        open_journal(small_disk / "another")
    filler.unlink()
    journal.append(b"room again")
    journal.close()
    records = [record for _, record in read_journal(small_disk / "journal")]
    assert records == [b"x" * 1000] * kept + [b"room again"]


def test_a_disk_that_became_read_only_serves_reads(small_disk: Path) -> None:
    database = open_database(f"sqlite:///{small_disk}/fettle.db")
    database.migrate("rows", [m001_initial])
    with database.write() as tx:
        tx.execute(insert(ROWS).values(id=1, body=b"kept"))
    database.close()
    store = open_blobs(small_disk / "blobs")
    store.put("a", b"kept")
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    store = open_blobs(small_disk / "blobs")
    assert store.get("a") == b"kept"
    for writing in (
        lambda: store.put("a", b"lost"),
        lambda: open_blobs(small_disk / "new blobs"),
        lambda: open_journal(small_disk / "journal"),
        lambda: open_database(f"sqlite:///{small_disk}/new.db"),
    ):
        with pytest.raises(Unavailable, match="cannot be"):
            writing()
    assert store.get("a") == b"kept"
