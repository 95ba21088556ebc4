"""A worker's life: it starts or says why not, follows its alias under load, and leaves politely."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import httpx
import pytest

from fettle.core.clock import FrozenClock
from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.serving.endpoint import Server, listen, open_server, serve
from fettle.serving.log import read
from fettle.serving.records import Prediction
from fettle.workspace import Workspace
from tests.bundles import kept
from tests.serving.conftest import ENDPOINT
from tests.serving.models import MODEL, packed, register_version

PROGRAM = """
import sys
from fettle.serving import serve
from fettle.workspace import Workspace
serve(Workspace.open(sys.argv[1]), sys.argv[2], announce=lambda url: print(url, flush=True))
print("ended well", flush=True)
"""


@contextmanager
def process(ws: Workspace) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A worker as a process of its own; yields it with its URL."""
    command = [sys.executable, "-c", PROGRAM, str(ws.folder), ENDPOINT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        try:
            yield worker, worker.stdout.readline().strip()
        finally:
            worker.kill()


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


class Asking:
    """Clients that ask without pause, and count what they get."""

    def __init__(self, url: str, row: dict, clients: int = 4) -> None:
        self.statuses: Counter[int] = Counter()
        self.versions: Counter[int] = Counter()
        self.broken: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url, row)) for _ in range(clients)]

    def __enter__(self) -> Asking:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def _ask(self, url: str, row: dict) -> None:
        with httpx.Client(base_url=url, timeout=20) as client:
            while not self._stop.is_set():
                try:
                    reply = client.post("/predict", json=row)
                except httpx.HTTPError as error:
                    self.broken.append(repr(error))
                    return
                self.statuses[reply.status_code] += 1
                if reply.status_code == 200:
                    self.versions[reply.json()["version"]] += 1


def row_of(url: str) -> dict:
    return httpx.get(url).json()["example"]["rows"][0]


@contextmanager
def running(ws: Workspace) -> Iterator[tuple[Server, str]]:
    with open_server(ws, ENDPOINT) as server, server.in_thread() as url:
        yield server, url


def test_a_port_in_use_is_said_before_anything_is_loaded(ws: Workspace):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port} on 127.0.0.1 is in use") as caught:
            serve(ws, ENDPOINT, port=port)
    assert caught.value.exit_code == 7
    assert "--port" in caught.value.hint


@pytest.mark.parametrize("host", ["no such host", "203.0.113.9"])
def test_a_host_that_is_not_here_is_said(host: str):
    with pytest.raises(Invalid):
        listen(host, 0)


def test_an_endpoint_that_does_not_exist_is_said(ws: Workspace):
    with pytest.raises(NotFound, match="There is no endpoint 'prizes'"):
        serve(ws, "prizes")


def test_a_version_whose_files_are_gone_is_not_started(ws: Workspace):
    for blob in list(ws.blobs.list("objects/")):
        ws.blobs.delete(blob.key)
    with pytest.raises(NotFound):
        serve(ws, ENDPOINT)


def test_promotion_and_rollback_take_effect_without_a_failed_request(ws: Workspace):
    with running(ws) as (server, url), Asking(url, row_of(url)) as asking:
        until(lambda: asking.versions[1] > 20)
        ws.registry.promote(MODEL, 2)
        until(lambda: asking.versions[2] > 20)
        ws.registry.rollback(MODEL)
        seen = asking.versions[1]
        until(lambda: asking.versions[1] > seen + 20)
        assert server.station.meter.swaps == 2
    assert asking.broken == []
    assert set(asking.statuses) == {200}


def test_fifty_swaps_under_load_fail_no_request_and_log_each_once(ws: Workspace):
    with running(ws) as (server, url), Asking(url, row_of(url)) as asking:
        for swap in range(50):
            ws.registry.promote(MODEL, 2 - swap % 2)
            until(lambda wanted=swap + 1: server.station.meter.swaps == wanted)
    assert asking.broken == []
    assert set(asking.statuses) == {200}
    assert min(asking.versions[1], asking.versions[2]) > 0
    logged = [record for _, _, record in read(ws.folder / "serving" / ENDPOINT)]
    assert len(logged) == len({record.id for record in logged}) == asking.statuses[200]
    assert Counter(record.version for record in logged if isinstance(record, Prediction)) == asking.versions


def test_each_version_answers_with_its_own_model(ws: Workspace):
    with running(ws) as (server, url):
        row = row_of(url)
        first = httpx.post(f"{url}/predict", json=row).json()
        ws.registry.promote(MODEL, 2)
        until(lambda: server.station.desk.live.version == 2)
        second = httpx.post(f"{url}/predict", json=row).json()
    assert first["predictions"][0]["probabilities"] != second["predictions"][0]["probabilities"]


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_and_says_so(ws: Workspace):
    broken = ws.registry.register(MODEL, kept(ws.blobs, "no graph"))
    with running(ws) as (server, url), Asking(url, row_of(url), clients=1) as asking:
        ws.registry.promote(MODEL, broken.version)
        until(lambda: server.station.problem != "")
        assert f"Version {broken.version} of {MODEL} cannot be put live" in httpx.get(url).json()["problem"]
        assert httpx.get(f"{url}/health/ready").status_code == 200
        until(lambda: f"Version {broken.version}" in ws.serving.show(ENDPOINT).workers[0].problem)
        ws.registry.promote(MODEL, 2)
        until(lambda: asking.versions[2] > 5)
        until(lambda: server.station.problem == "")
    assert set(asking.statuses) == {200}


def test_a_damaged_file_is_not_loaded(ws: Workspace):
    with running(ws) as (server, url):
        model_digest = next(each.digest for each in packed(2).manifest.files if each.name == "model.onnx")
        key = next(each.key for each in ws.blobs.list("objects/") if model_digest in each.key)
        ws.blobs.put(key, bytes(len(ws.blobs.get(key))))  # of the same size, as a disk that rots leaves it
        ws.registry.promote(MODEL, 2)
        until(lambda: server.station.problem != "")
        assert httpx.post(f"{url}/predict", json=row_of(url)).json()["version"] == 1


def test_redeploying_points_a_running_worker_at_another_model(ws: Workspace):
    register_version(ws, 3, "other")
    ws.registry.promote("other", 1)
    with running(ws) as (server, url):
        ws.serving.deploy(ENDPOINT, "other")
        until(lambda: server.station.desk.live.model == "other")
        assert httpx.post(f"{url}/predict", json=row_of(url)).json()["model"] == "other"
        assert httpx.get(f"{url}/v2/models/other").status_code == 200
        inputs = [{"name": "price", "shape": [1], "datatype": "FP64", "data": [1.0]}]
        assert httpx.post(f"{url}/v2/models/{MODEL}/infer", json={"inputs": inputs}).status_code == 404


def test_a_worker_is_seen_with_its_traffic(ws: Workspace):
    with running(ws) as (_, url):
        row = row_of(url)
        for _ in range(5):
            httpx.post(f"{url}/predict", json=row)
        httpx.post(f"{url}/predict", content=b"{")
        until(lambda: ws.serving.show(ENDPOINT).workers[0].requests == 6)
        [worker] = ws.serving.show(ENDPOINT).workers
        assert (worker.state, worker.url, worker.pid, worker.errors) == ("ready", url, os.getpid(), 1)
        assert worker.p99_ms > 0
        assert sum(each.requests for each in ws.serving.traffic(ENDPOINT)) == 6
    assert ws.serving.show(ENDPOINT).workers[0].state == "stopped"


@pytest.mark.parametrize("fast", [True, False])
def test_stopping_finishes_what_was_begun(ws: Workspace, fast: bool):
    with open_server(ws, ENDPOINT, fast=fast) as server, server.in_thread() as url:
        body = json.dumps({"rows": [row_of(url)] * 2_000, "id": "last"}).encode()
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with (
            closing(socket.create_connection(address)) as idle,
            closing(socket.create_connection(address)) as begun,
        ):
            begun.sendall(b"POST /predict HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body[:1000])
            until(lambda: len(server.server_state.connections) == 2)
            time.sleep(0.1)  # let the first half of the request be read
            server.stop()
            assert idle.recv(1) == b""
            assert server.station.state == "stopping"
            begun.sendall(body[1000:])
            with begun.makefile("rb") as answer:
                whole = answer.read()
    assert whole.startswith(b"HTTP/1.1 200")
    assert len(json.loads(whole.partition(b"\r\n\r\n")[2])["predictions"]) == 2_000
    assert sum(1 for _ in read(ws.folder / "serving" / ENDPOINT)) == 2_000
    with pytest.raises(OSError):
        socket.create_connection(address)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_well(ws: Workspace, sent: signal.Signals):
    with process(ws) as (worker, url), Asking(url, row_of(url)) as asking:
        until(lambda: asking.statuses[200] > 20)
        worker.send_signal(sent)
        assert worker.wait(20) == 0
        assert worker.stdout is not None
        assert worker.stdout.read() == "ended well\n"
    assert set(asking.statuses) == {200}
    logged = sum(1 for _ in read(ws.folder / "serving" / ENDPOINT))
    assert asking.statuses[200] <= logged <= asking.statuses[200] + len(asking.broken)
    assert ws.serving.show(ENDPOINT).workers[0].state == "stopped"


def test_undeploying_ends_the_worker(ws: Workspace):
    with process(ws) as (worker, _):
        ws.serving.undeploy(ENDPOINT)
        assert worker.wait(20) == 0


def test_the_clock_of_requests_may_be_another(ws: Workspace):
    at = datetime(1997, 3, 1, 10, 30, tzinfo=UTC)
    with open_server(ws, ENDPOINT, clock=FrozenClock(at)) as server, server.in_thread() as url:
        httpx.post(f"{url}/predict", json=row_of(url))
    [(_, _, record)] = read(ws.folder / "serving" / ENDPOINT)
    assert record.at == at
