"""A PostgreSQL whose processes are killed while runs log: trainings notice nothing, every point arrives once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from fettle.core.errors import FettleError
from fettle.tracking import outbox as boxes
from fettle.tracking.outbox import Outbox
from fettle.workspace import Workspace
from tests.conftest import new_postgres_database, started_postgres
from tests.faults.test_storage_restarts import _kill_a_backend


def test_points_arrive_once_through_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "_PAUSE_S", 0.02)
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    with started_postgres() as server:
        url = new_postgres_database(server.get_uri())
        with Workspace.open(f"{url}&blobs={tmp_path / 'blobs'}") as ws:
            run = ws.tracking.start("churn").id
            box = Outbox(ws, run)
            stop = threading.Event()
            logged = [0] * 4

            def work(number: int) -> None:
                while not stop.is_set():
                    for _ in range(20):
                        box.add(logged[number], {f"t{number}": 0.5})
                        logged[number] += 1
                    time.sleep(0.002)

            threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for _ in range(3):
                time.sleep(0.5)
                _kill_a_backend(server.pgdata, url)
            stop.set()
            for thread in threads:
                thread.join()
            _until_it_is_back(box)
            for number, count in enumerate(logged):
                assert count
                assert ws.tracking.history(run, f"t{number}").arrays()[0].tolist() == list(range(count))
            assert box.close("finished")
            box.leave(discarded=True)


def _until_it_is_back(box: Outbox) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            return box.flush()
        except FettleError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
