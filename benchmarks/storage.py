"""Storage beside the plainest code that does the same job with the same durability; one JSON line each.

python benchmarks/storage.py
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert

from fettle.storage import Transaction, open_blobs, open_database, open_journal, read_journal

ROWS = Table("rows", MetaData(), Column("id", Integer, primary_key=True), Column("body", LargeBinary))
BODY = b"x" * 100
BLOB = b"x" * 4096


def m001_initial(tx: Transaction) -> None:
    tx.create(ROWS)


def add(tx: Transaction) -> None:
    tx.execute(insert(ROWS), {"body": BODY})


def each_us(count: int, act: Callable[[int], object], *, rounds: int = 3) -> float:
    """Microseconds of one act, the best of some rounds."""
    best = float("inf")
    for turn in range(rounds):
        start = time.perf_counter()
        for number in range(count):
            act(turn * count + number)
        best = min(best, time.perf_counter() - start)
    return best / count * 1e6


def show(what: str, ours_us: float, peer: str, peer_us: float) -> None:
    figures = {
        "what": what,
        "fettle_us": round(ours_us, 2),
        peer: round(peer_us, 2),
        "ratio": round(peer_us / ours_us, 2),
    }
    print(json.dumps(figures), flush=True)


def commits(folder: Path) -> None:
    database = open_database(f"sqlite:///{folder}/ours.db")
    database.migrate("rows", [m001_initial])

    def commit(_: int) -> None:
        with database.write() as tx:
            add(tx)

    raw = sqlite3.connect(folder / "plain.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)")
    plain_us = each_us(300, lambda _: raw.execute("INSERT INTO rows (body) VALUES (?)", (BODY,)))
    show("durable commit of a row", each_us(300, commit), "sqlite3_us", plain_us)

    def group(_: int) -> None:
        for future in [database.submit(add) for _ in range(500)]:
            future.result()

    show("the same, 500 submitted at once", each_us(4, group) / 500, "sqlite3_us", plain_us)
    database.close()


def blobs(folder: Path) -> None:
    store = open_blobs(folder / "blobs")
    (folder / "plain").mkdir()

    def plain(number: int) -> None:
        temporary = folder / "plain" / f".{number}"
        with open(temporary, "wb") as file:
            file.write(BLOB)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(folder / "plain" / str(number))
        descriptor = os.open(folder / "plain", os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    show(
        "durable put of 4 KiB",
        each_us(200, lambda number: store.put(f"a/{number}", BLOB)),
        "write_fsync_rename_fsync_us",
        each_us(200, plain),
    )
    store.close()


def journals(folder: Path) -> None:
    journal = open_journal(folder / "journal")
    with open(folder / "plain.log", "ab", buffering=0) as file:
        plain_us = each_us(100_000, lambda _: file.write(BODY))
    show(
        "append of 100 bytes, kill-safe",
        each_us(100_000, lambda _: journal.append(BODY)),
        "write_us",
        plain_us,
    )
    start = time.perf_counter()
    count = sum(1 for _ in read_journal(folder / "journal"))
    print(
        json.dumps(
            {"what": "read a record", "fettle_us": round((time.perf_counter() - start) / count * 1e6, 2)}
        )
    )
    journal.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for measure in (commits, blobs, journals):
            measure(Path(place))
