"""A process that writes until it is killed, and says on standard output what was acknowledged to it.

    python storage_writer.py WORKLOAD PLACE

Every line is one acknowledged write; the pipe is written at once, without a buffer.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text

from fettle.core.errors import Conflict
from fettle.storage import Migration, Transaction, open_blobs, open_database, open_journal

ROWS = Table("rows", MetaData(), Column("id", Integer, primary_key=True), Column("body", String))
ECHOES = Table("echoes", MetaData(), Column("id", Integer, primary_key=True), Column("body", String))


def m001_initial(tx: Transaction) -> None:
    tx.create(ROWS, ECHOES)


def body_of(number: int) -> bytes:
    """What is written for a number: some short, some long, all told apart."""
    return f"{number}:".encode() * (1 + number % 7 * 400)


def commits(place: str) -> Iterator[str]:
    """One transaction a number, which writes two tables."""
    database = open_database(place)
    database.migrate("rows", [m001_initial])
    while True:
        with database.write() as tx:
            number = (tx.execute(select(func.max(ROWS.c.id))).scalar() or 0) + 1
            for table in (ROWS, ECHOES):
                tx.execute(insert(table).values(id=number, body=body_of(number).decode()))
        yield str(number)


def group_commits(place: str) -> Iterator[str]:
    """Many submitted works share commits."""
    database = open_database(place)
    database.migrate("rows", [m001_initial])

    def work(tx: Transaction) -> int:
        number = (tx.execute(select(func.max(ROWS.c.id))).scalar() or 0) + 1
        for table in (ROWS, ECHOES):
            tx.execute(insert(table).values(id=number, body=body_of(number).decode()))
        return number

    while True:
        for future in [database.submit(work) for _ in range(50)]:
            yield str(future.result())


def blobs(place: str) -> Iterator[str]:
    """Blobs of many sizes, each with content that follows from its key; some are replaced over and over."""
    store = open_blobs(place)
    for number in itertools.count():
        key = f"folder {number % 10}/{number % 50}" if number % 3 else f"new/{os.getpid()}-{number}"
        store.put(key, body_of(number))
        yield f"{key} {number}"


def counter(place: str) -> Iterator[str]:
    """A number counted up by compare-and-set."""
    store = open_blobs(place)
    while True:
        found = store.info("counter")
        value = int(store.get("counter")) + 1 if found else 1
        try:
            store.swap("counter", str(value).encode(), tag=found.tag if found else None)
        except Conflict:
            continue
        yield str(value)


def journal(place: str) -> Iterator[str]:
    """Records with the number of the process and a running number."""
    writer = open_journal(Path(place), segment_bytes=64 << 10)
    for number in itertools.count():
        writer.append(b"%d %d " % (os.getpid(), number) + body_of(number))
        yield f"{os.getpid()} {number}"


def migrations(place: str) -> Iterator[str]:
    """One migration after another, each slow enough to be killed in: a column is added and every row rewritten."""
    database = open_database(place)
    with database.read() as tx:
        recorded = tx.execute(
            text("SELECT count(*) FROM storage_migrations WHERE room = 'rows'")
        ).scalar_one()
    done = [_migration(number) for number in range(2, recorded + 1)]
    for number in range(recorded + 1, recorded + 40):
        done.append(_migration(number))
        database.migrate("rows", [m001_initial, *done])
        yield str(number)


def _migration(number: int) -> Migration:
    def migrate(tx: Transaction) -> None:
        tx.execute(text(f"ALTER TABLE rows ADD COLUMN c{number} TEXT"))
        tx.execute(text(f"UPDATE rows SET c{number} = body || '{number}'"))

    migrate.__name__ = f"m{number:03d}_adds_c{number}"
    return migrate


WORKLOADS = {each.__name__: each for each in (commits, group_commits, blobs, counter, journal, migrations)}

if __name__ == "__main__":
    for acknowledged in WORKLOADS[sys.argv[1]](sys.argv[2]):
        os.write(1, f"{acknowledged}\n".encode())
