"""Kill -9 at random instants: nothing that was acknowledged is lost, nothing is half there, and the next one goes on.

`FETTLE_KILLS` sets how often each workload is killed (default 4), `FETTLE_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from fettle.storage import Database, open_blobs, open_database, open_journal, read_journal
from tests.faults.storage_writer import ECHOES, ROWS, body_of, m001_initial

KILLS = int(os.environ.get("FETTLE_KILLS", "4"))
SEED = int(os.environ.get("FETTLE_SEED", str(time.time_ns() % 1_000_000)))
WRITER = Path(__file__).with_name("storage_writer.py")


@pytest.fixture
def chance() -> random.Random:
    print(f"FETTLE_SEED={SEED}")
    return random.Random(SEED)


def killed(workload: str, place: object, chance: random.Random, *, writers: int = 1) -> list[list[str]]:
    """Start writers, kill them all at a random instant after each was heard of; what each had acknowledged by then."""
    running = [
        subprocess.Popen([sys.executable, str(WRITER), workload, str(place)], stdout=subprocess.PIPE)
        for _ in range(writers)
    ]
    heard: list[list[str]] = [[] for _ in running]
    threads = [
        threading.Thread(target=_listen, args=(process, lines))
        for process, lines in zip(running, heard, strict=True)
    ]
    for thread in threads:
        thread.start()
    while not all(heard) and all(process.poll() is None for process in running):
        time.sleep(0.002)
    time.sleep(chance.random() * 0.2)
    for process in running:
        process.kill()
    for thread in threads:
        thread.join()
    codes = [process.wait() for process in running]
    assert all(code == -9 for code in codes), codes
    return heard


def _listen(process: subprocess.Popen[bytes], lines: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout as pipe:
        for line in pipe:
            if line.endswith(b"\n"):
                lines.append(line.decode().rstrip())


def rows(database: Database) -> dict[int, str]:
    with database.read() as tx:
        found = {row.id: row.body for row in tx.execute(select(ROWS))}
        echoed = {row.id: row.body for row in tx.execute(select(ECHOES))}
    assert found == echoed, "half a transaction is there"
    return found


@pytest.mark.parametrize("workload", ["commits", "group_commits"])
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_killed_writers_lose_no_commit(
    workload: str, backend: str, tmp_path: Path, chance: random.Random, request: pytest.FixtureRequest
) -> None:
    place = (
        f"sqlite:///{tmp_path}/fettle.db"
        if backend == "sqlite"
        else request.getfixturevalue("fresh_postgres_url")
    )
    acknowledged: set[int] = set()
    for _ in range(KILLS):
        for lines in killed(workload, place, chance, writers=2):
            acknowledged.update(map(int, lines))
        database = open_database(place)
        found = rows(database)
        if backend == "sqlite":
            with database.read() as tx:
                assert tx.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        database.close()
        assert acknowledged <= set(found)
        assert sorted(found) == list(range(1, len(found) + 1))
        assert all(body == body_of(number).decode() for number, body in found.items())
    assert acknowledged


def test_killed_writers_leave_whole_blobs(tmp_path: Path, chance: random.Random) -> None:
    latest: dict[str, int] = {}
    for _ in range(KILLS):
        for line in killed("blobs", tmp_path, chance)[0]:
            key, _, number = line.rpartition(" ")
            latest[key] = int(number)
        store = open_blobs(tmp_path)
        found = {each.key: store.get(each.key) for each in store.list()}
        store.close()
        assert set(latest) <= set(found)
        for data in found.values():
            number = int(data.split(b":")[0])
            assert data == body_of(number)
        for key, number in latest.items():
            if key.startswith("new/"):
                assert found[key] == body_of(number)


def test_killed_counters_skip_and_repeat_nothing(tmp_path: Path, chance: random.Random) -> None:
    counted: list[int] = []
    for _ in range(KILLS):
        for lines in killed("counter", tmp_path, chance, writers=3):
            counted.extend(map(int, lines))
        assert len(set(counted)) == len(counted)
        store = open_blobs(tmp_path)
        value = int(store.get("counter"))
        store.close()
        assert max(counted) <= value <= max(counted) + 3


def test_killed_journals_keep_every_record_in_order(tmp_path: Path, chance: random.Random) -> None:
    acknowledged: list[tuple[int, int]] = []
    for _ in range(KILLS):
        for line in killed("journal", tmp_path, chance)[0]:
            process, number = map(int, line.split())
            acknowledged.append((process, number))
        found = []
        for _, record in read_journal(tmp_path):
            process, number, body = record.split(b" ", 2)
            assert body == body_of(int(number))
            found.append((int(process), int(number)))
        assert set(acknowledged) <= set(found)
        assert len(set(found)) == len(found)
        for process in {each for each, _ in found}:
            mine = [number for each, number in found if each == process]
            assert mine == list(range(len(mine)))
    open_journal(tmp_path).close()
    assert not list(tmp_path.glob("*.torn*")), "a kill alone tears no frame"


def test_a_killed_migration_is_done_wholly_or_not_at_all(tmp_path: Path, chance: random.Random) -> None:
    place = f"sqlite:///{tmp_path}/fettle.db"
    database = open_database(place)
    database.migrate("rows", [m001_initial])
    with database.write() as tx:
        for number in range(400):
            tx.execute(ROWS.insert().values(id=number, body=f"body {number}"))
    database.close()
    for _ in range(KILLS):
        done = int(killed("migrations", place, chance)[0][-1])
        database = open_database(place)
        with database.read() as tx:
            columns = [row.name for row in tx.execute(text("PRAGMA table_info(rows)"))]
            recorded = tx.execute(
                text("SELECT count(*) FROM storage_migrations WHERE room = 'rows'")
            ).scalar_one()
            bodies = tx.execute(text("SELECT count(*) FROM rows WHERE body = 'body ' || id")).scalar_one()
            last = tx.execute(
                text(f"SELECT count(*) FROM rows WHERE {columns[-1]} LIKE 'body %'")
            ).scalar_one()
        database.close()
        assert recorded >= done
        assert len(columns) == 2 + recorded - 1
        assert bodies == last == 400
    backups = list((tmp_path / "backups").glob("*.db"))
    assert backups
    for backup in backups:
        copy = open_database(f"sqlite:///{backup}")
        with copy.read() as tx:
            assert (
                tx.execute(text("SELECT count(*) FROM rows WHERE body = 'body ' || id")).scalar_one() == 400
            )
        copy.close()
