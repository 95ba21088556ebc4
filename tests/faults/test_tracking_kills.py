"""Kill -9 of trainings and of the server at random instants: every acknowledged point is there, exactly once.

Eight writers (two processes of four threads) log all the time. At each instant one of the processes, or the server, or
both are killed and started again. `FETTLE_TRACKING_KILLS` sets how many instants (default 15), `FETTLE_SEED` repeats.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from fettle import tracking
from fettle.core.errors import NotFound
from fettle.tracking.outbox import runs_folder
from fettle.workspace import Workspace

KILLS = int(os.environ.get("FETTLE_TRACKING_KILLS", "15"))
SEED = int(os.environ.get("FETTLE_SEED", str(time.time_ns() % 1_000_000)))
WRITER = Path(__file__).with_name("tracking_writer.py")
THREADS = 4
RUN = "victim"


class Writers:
    """One process of writers, and what it was heard to say."""

    def __init__(self, url: str, name: str) -> None:
        self.heard: dict[str, int] = {}
        self.process = subprocess.Popen(
            [sys.executable, str(WRITER), url, RUN, name, str(THREADS)], stdout=subprocess.PIPE
        )
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            for line in pipe:
                if line.endswith(b"\n"):
                    key, _, step = line.decode().rpartition(" ")
                    self.heard[key] = int(step)

    def kill(self) -> dict[str, int]:
        """The last step of each of its metrics whose `log` had returned."""
        self.process.kill()
        self._thread.join()
        assert self.process.wait() == -9
        return self.heard

    def wait(self) -> None:
        while len(self.heard) < THREADS:
            assert self.process.poll() is None
            time.sleep(0.005)


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(
        [sys.executable, str(WRITER), "serve", str(folder), str(port)], stdout=subprocess.PIPE
    )
    try:
        yield server
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def ready(server: subprocess.Popen[bytes]) -> None:
    assert server.stdout is not None
    assert server.stdout.readline().startswith(b"http"), server.poll()


@pytest.mark.timeout(240 + 10 * KILLS)
def test_every_acknowledged_point_is_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    print(f"FETTLE_SEED={SEED}")
    chance = random.Random(SEED)
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with Workspace.create(tmp_path) as ws:
        ws.tracking.start("kills", run_id=RUN)
    acknowledged: dict[str, int] = {}
    names = iter(range(10**6))
    crews = [Writers(url, f"w{next(names)}") for _ in range(2)]
    left = KILLS
    while left > 0:
        with serving(tmp_path, port) as server:
            for _ in range(min(left, chance.randint(1, 4))):  # the server lives through some kills of writers
                for crew in crews:
                    crew.wait()
                time.sleep(chance.random() * 0.4)
                left -= 1
                turn = chance.randrange(len(crews))
                acknowledged |= crews[turn].kill()
                crews[turn] = Writers(url, f"w{next(names)}")
            ready(server)
            time.sleep(chance.random() * 0.3)
    for crew in crews:
        crew.wait()
        acknowledged |= crew.kill()
    with serving(tmp_path, port) as server:
        ready(server)
        with Workspace.open(url) as ws:
            assert tracking.recover(ws) == [RUN]
            assert tracking.recover(ws) == []
            assert not list(runs_folder(ws).glob("*/*"))
    with Workspace.open(tmp_path) as ws:
        found = {key: stored(ws, key) for key in acknowledged}
    assert len(found) >= THREADS * (KILLS + 2)
    for key, steps in found.items():
        assert steps.tolist() == list(range(len(steps))), f"{key} has gaps or doubles"
        assert len(steps) in (acknowledged[key] + 1, acknowledged[key] + 2), (
            "one may be there that was not told yet"
        )


def stored(ws: Workspace, key: str) -> np.ndarray:
    try:
        return ws.tracking.history(RUN, key).arrays()[0]
    except NotFound:
        return np.empty(0, np.int64)
