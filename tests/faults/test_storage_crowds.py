"""Many processes writing at once: no update is lost, and nobody is told that the database is locked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select

from fettle.storage import Transaction, open_database

COUNTS = Table(
    "counts",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("writer", String, nullable=False),
)
WRITERS, ROUNDS = 12, 40

COUNTING = """
import sys
from tests.faults.test_storage_crowds import count
count(sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


def m001_initial(tx: Transaction) -> None:
    tx.create(COUNTS)


def count(place: str, writer: str, rounds: int) -> None:
    """Read the highest number and write the next, over and over, now with and now without company in the commit."""

    def step(tx: Transaction) -> None:
        highest = tx.execute(select(func.max(COUNTS.c.id))).scalar() or 0
        tx.execute(insert(COUNTS).values(id=highest + 1, writer=writer))

    database = open_database(place)
    for turn in range(rounds):
        if turn % 20 == 19:  # now and then as if freshly started
            database.close()
            database = open_database(place)
        database.migrate("counts", [m001_initial])
        if turn % 2:
            database.submit(step).result()
        else:
            with database.write() as tx:
                step(tx)
        with database.read() as tx:
            mine = select(func.count()).where(COUNTS.c.writer == writer)
            assert tx.execute(mine).scalar_one() == turn + 1
    database.close()


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_crowd_of_processes_counts_without_a_gap(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = (
        f"sqlite:///{tmp_path}/fettle.db"
        if backend == "sqlite"
        else request.getfixturevalue("fresh_postgres_url")
    )
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING, place, f"writer {number}", str(ROUNDS)], stderr=subprocess.PIPE
        )
        for number in range(WRITERS)
    ]
    said = [process.communicate()[1].decode() for process in crowd]
    assert [process.returncode for process in crowd] == [0] * WRITERS, "\n".join(said)
    database = open_database(place)
    with database.read() as tx:
        numbers = tx.execute(select(COUNTS.c.id).order_by(COUNTS.c.id)).scalars().all()
    database.close()
    assert numbers == list(range(1, WRITERS * ROUNDS + 1))
