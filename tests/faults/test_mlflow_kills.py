"""Kill -9 of the server at random instants under clients that speak MLflow's protocol and repeat as its clients do.

Eight writers log batches, one sends files, one sends files in parts. `FETTLE_MLFLOW_KILLS` sets how many kills (default
3), `FETTLE_SEED` repeats.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fettle.workspace import Workspace
from tests.faults.test_tracking_kills import ready, serving

KILLS = int(os.environ.get("FETTLE_MLFLOW_KILLS", "3"))
SEED = int(os.environ.get("FETTLE_SEED", str(time.time_ns() % 1_000_000)))
WRITERS, BATCH = 8, 25
API, PROXY = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts"


class Client:
    """Asks until it is answered; a broken connection or a 5xx says nothing of what was done."""

    def __init__(self, port: int, stop: threading.Event) -> None:
        self._port, self._stop = port, stop

    def once(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes, Any] | None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                return answer.status, answer.read(), answer.headers
            except (OSError, http.client.HTTPException):
                return None

    def ask(self, method: str, path: str, body: Any = b"") -> tuple[bytes, Any] | None:
        """Body and headers of the 200; None when the test is over first."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        while not self._stop.is_set():
            found = self.once(method, path, body)
            if found is not None and found[0] < 500:
                assert found[0] == 200, found[:2]
                return found[1], found[2]
            time.sleep(0.02)
        return None


class Crew:
    """All writers, and what was acknowledged to them."""

    def __init__(self, port: int, run: str) -> None:
        self.run, self.stop = run, threading.Event()
        self.client = Client(port, self.stop)
        self.batches = [0] * WRITERS
        self.files: dict[str, bytes] = {}
        self.failures: list[BaseException] = []
        work = [(self.log, each) for each in range(WRITERS)] + [(self.send, 0), (self.send_parts, 0)]
        self._threads = [threading.Thread(target=self._guarded, args=each) for each in work]
        for each in self._threads:
            each.start()

    def _guarded(self, work: Any, number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # told by the main thread
            self.failures.append(error)
            self.stop.set()

    def log(self, number: int) -> None:
        while not self.stop.is_set():
            steps = range(self.batches[number] * BATCH, (self.batches[number] + 1) * BATCH)
            points = [{"key": f"w{number}", "value": s / 8, "timestamp": s, "step": s} for s in steps]
            if self.client.ask("POST", f"{API}/runs/log-batch", {"run_id": self.run, "metrics": points}):
                self.batches[number] += 1

    def send(self, _: int) -> None:
        for number in range(10**6):
            data = os.urandom(1000) * 3000
            if self.stop.is_set():
                return
            if self.client.ask("PUT", f"{PROXY}/artifacts/0/{self.run}/artifacts/whole/{number}", data):
                self.files[f"whole/{number}"] = data

    def send_parts(self, _: int) -> None:
        for number in range(10**6):
            if self.stop.is_set():
                return
            data = [os.urandom(1000) * 900 for _ in range(3)]
            if self._in_parts(f"{number}", data):
                self.files[f"parts/{number}"] = b"".join(data)

    def _in_parts(self, name: str, data: list[bytes]) -> bool:
        folder, parts = f"0/{self.run}/artifacts/parts", []
        begun = self.client.ask(
            "POST", f"{PROXY}/mpu/create/{folder}", {"path": name, "num_parts": len(data)}
        )
        if begun is None:
            return False
        made = json.loads(begun[0])
        for each, part in zip(made["credentials"], data, strict=True):
            sent = self.client.ask("PUT", urlsplit(each["url"]).path, part)
            if sent is None:
                return False
            parts.append({"part_number": each["part_number"], "etag": sent[1]["etag"]})
        asked = {"path": name, "upload_id": made["upload_id"], "parts": parts}
        return self.client.ask("POST", f"{PROXY}/mpu/complete/{folder}", asked) is not None

    def join(self) -> None:
        self.stop.set()
        for each in self._threads:
            each.join()
        if self.failures:
            raise self.failures[0]


@pytest.mark.timeout(240 + 20 * KILLS)
def test_what_was_acknowledged_is_there_once(tmp_path: Path) -> None:
    print(f"FETTLE_SEED={SEED}")
    chance = random.Random(SEED)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with Workspace.create(tmp_path) as ws:
        run = ws.call("tracking.start", experiment="Default").id
    crew = Crew(port, run)
    for _ in range(KILLS):
        with serving(tmp_path, port) as server:
            ready(server)
            time.sleep(chance.random() * 1.0)
    with serving(tmp_path, port) as server:
        ready(server)
        time.sleep(0.5)
        crew.join()
        check_points(crew)
        check_files(crew)


def check_points(crew: Crew) -> None:
    assert sum(crew.batches) > 0
    for number, batches in enumerate(crew.batches):
        found = crew.client.once("GET", f"{API}/metrics/get-history?run_id={crew.run}&metric_key=w{number}")
        assert found is not None
        points = json.loads(found[1]).get("metrics", [])
        steps = [each["step"] for each in points]
        assert steps == list(range(len(steps)))  # each once, and none that is half of a batch
        assert len(steps) % BATCH == 0 and batches <= len(steps) // BATCH <= batches + 1
        assert all(each["value"] == each["step"] / 8 for each in points)


def check_files(crew: Crew) -> None:
    """What was acknowledged came whole; what else has a name is whole too."""
    for path, data in crew.files.items():
        found = crew.client.once("GET", f"{PROXY}/artifacts/0/{crew.run}/artifacts/{path}")
        assert found is not None and found[0] == 200 and found[1] == data, path
    for folder in ("whole", "parts"):
        found = crew.client.once("GET", f"{API}/artifacts/list?run_id={crew.run}&path={folder}")
        assert found is not None
        for each in json.loads(found[1]).get("files", []):
            got = crew.client.once("GET", f"{PROXY}/artifacts/0/{crew.run}/artifacts/{each['path']}")
            assert got is not None and got[0] == 200
            assert len(got[1]) == each["file_size"] == (3_000_000 if folder == "whole" else 2_700_000)
