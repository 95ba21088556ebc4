"""A PostgreSQL restarted the hard way under load: what was acknowledged stays, and writers find back by themselves."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, select, text

from fettle.core.errors import FettleError, Unavailable
from fettle.storage import Database, Transaction, open_database
from fettle.storage.upserts import insert_new
from tests.conftest import new_postgres_database, started_postgres

ROWS = Table("rows", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False))


def m001_initial(tx: Transaction) -> None:
    tx.create(ROWS)


def write(
    database: Database, numbers: range, stop: threading.Event, acknowledged: list[int], doubts: list[int]
) -> None:
    """Write number after number; one whose answer was lost is written again, which the key makes harmless."""
    for number in numbers:
        while not stop.is_set():
            try:
                with database.write() as tx:
                    tx.execute(insert_new(ROWS), {"id": number})
            except Unavailable:
                doubts.append(number)
                continue
            acknowledged.append(number)
            break


def test_acknowledged_commits_survive_immediate_restarts() -> None:
    with started_postgres() as server:
        url = new_postgres_database(server.get_uri())
        database = open_database(url)
        database.migrate("rows", [m001_initial])
        stop = threading.Event()
        acknowledged: list[list[int]] = [[] for _ in range(4)]
        doubts: list[int] = []
        threads = [
            threading.Thread(
                target=write,
                args=(database, range(n * 10**6, n * 10**6 + 10**6), stop, acknowledged[n], doubts),
            )
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for _ in range(3):
            before = sum(map(len, acknowledged))
            while sum(map(len, acknowledged)) < before + 50:
                time.sleep(0.01)
            _kill_a_backend(server.pgdata, url)
        before = sum(map(len, acknowledged))
        while sum(map(len, acknowledged)) < before + 50:
            time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        with database.read() as tx:
            found = set(tx.execute(select(ROWS.c.id)).scalars())
        database.close()
    assert set().union(*acknowledged) <= found
    assert doubts, "the restarts were felt"
    for mine in acknowledged:
        assert mine == sorted(set(mine))


def _kill_a_backend(folder: Path, url: str) -> None:
    """Kill -9 one server process: PostgreSQL then throws all connections out and recovers from its log."""
    database = open_database(url)
    try:
        with database.read() as tx:
            pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
            assert (folder / "postmaster.pid").exists()
            os.kill(pid, signal.SIGKILL)
    except FettleError:
        pass
    database.close()
