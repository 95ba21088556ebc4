"""A worker is killed with SIGKILL again and again while clients ask; whatever a client was told must be in the log."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from fettle.serving.log import read, workers
from fettle.serving.records import Label, Prediction
from fettle.workspace import Workspace
from tests.serving.models import MODEL, register_version

KILLS = 10
CLIENTS = 4
ENDPOINT = "prices"
PROGRAM = """
import sys
from fettle.serving import serve
from fettle.workspace import Workspace
serve(Workspace.open(sys.argv[1]), "prices", announce=lambda url: print(url, flush=True))
"""


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path) as workspace:
        for seed in (1, 2):
            register_version(workspace, seed)
        workspace.registry.promote(MODEL, 1)
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        workspace.serving.deploy(ENDPOINT, MODEL, port=port)
        yield workspace


class Client(threading.Thread):
    """Asks under ids of its own, tells a label for each, and asks again under the same id where it got no answer."""

    def __init__(self, name: str, url: str, row: dict, stop: threading.Event) -> None:
        super().__init__(name=name)
        self.row, self.stop = row, stop
        self.http = httpx.Client(base_url=url, timeout=10)
        self.answered: dict[str, dict] = {}
        self.labelled: dict[str, str] = {}
        self.refused: list[str] = []
        self.retries = 0

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            id = f"{self.name}-{number}"
            number += 1
            reply = self.insist("/predict", {"rows": [self.row | {"price": number / 100}], "id": id})
            if reply is None:
                return
            self.answered[id] = reply["predictions"][0]
            label = reply["predictions"][0]["prediction"]
            if self.insist("/labels", {"labels": [{"id": id, "label": label}]}) is None:
                return
            self.labelled[id] = label

    def insist(self, path: str, body: dict) -> dict | None:
        """Ask until there is an answer; None if the test is over first."""
        while True:
            try:
                reply = self.http.post(path, json=body)
            except httpx.HTTPError:
                self.retries += 1
                if self.stop.wait(0.02):
                    return None
                continue
            if reply.status_code not in (200, 202):
                self.refused.append(f"{path} {reply.status_code} {reply.text}")
            return reply.json()


def start(ws: Workspace) -> tuple[subprocess.Popen[str], str]:
    """Start a worker and wait for its URL."""
    worker = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(ws.folder)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    with worker.stdout:
        return worker, worker.stdout.readline().strip()


def test_nothing_that_was_answered_is_lost_when_the_worker_is_killed(ws: Workspace):
    seeded = random.Random(17)
    stop = threading.Event()
    worker, url = start(ws)
    row = httpx.get(url).json()["example"]["rows"][0]
    clients = [Client(f"c{number}", url, row, stop) for number in range(CLIENTS)]
    try:
        for each in clients:
            each.start()
        for kill in range(KILLS):
            time.sleep(seeded.uniform(0.05, 0.6))
            if kill % 3 == 0:
                ws.registry.promote(MODEL, 2 - kill % 2)
            worker.kill()
            worker.wait()
            worker, again = start(ws)
            assert again == url
        time.sleep(0.3)
    finally:
        stop.set()
        for each in clients:
            each.join()
            each.http.close()
        worker.terminate()
        worker.wait(20)

    records = [record for _, _, record in read(ws.folder / "serving" / ENDPOINT)]
    answers: dict[str, list[dict | None]] = {}
    labels: dict[str, set[str]] = {}
    for record in records:
        if isinstance(record, Prediction):
            assert record.status == 200
            answers.setdefault(record.id, []).append(record.answer)
        elif isinstance(record, Label):
            labels.setdefault(record.id, set()).add(record.label)

    assert len(workers(ws.folder / "serving" / ENDPOINT)) == KILLS + 1
    retries = sum(each.retries for each in clients)
    assert retries > 0
    assert sum(map(len, answers.values())) - len(answers) <= retries
    for client in clients:
        assert client.refused == []
        assert client.answered
        for id, answer in client.answered.items():
            assert answer in answers[id]
        for id, label in client.labelled.items():
            assert label in labels[id]
