"""The replay: every row at its own time, labels a day late, nothing lost when the endpoint goes away."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fettle.projects.replay import Line, Replay, request_id
from fettle.storage.clockfile import SharedClock

START = datetime(1996, 5, 7, tzinfo=UTC)


class Ear:
    """An endpoint that remembers what it was asked, when, and drops the connection now and then."""

    def __init__(self, clock: SharedClock, drop: set[int]) -> None:
        self.asked: list[tuple[str, datetime]] = []
        self.labels: list[tuple[str, Any, datetime]] = []
        self.calls = 0
        ear = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ear.calls += 1
                if ear.calls in drop:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if self.path == "/labels":
                    ear.labels += [(each["id"], each["label"], clock.now()) for each in body["labels"]]
                else:
                    ear.asked.append((self.headers["X-Request-Id"], clock.now()))
                answer = json.dumps({"version": 1, "predictions": [{"prediction": "UP"}]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Keep still."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def clock(tmp_path: Path) -> SharedClock:
    return SharedClock(tmp_path / "clock", START)


def listening(ear: Ear) -> Iterator[Ear]:
    thread = threading.Thread(target=ear.server.serve_forever, daemon=True)
    thread.start()
    yield ear
    ear.server.shutdown()
    ear.server.server_close()


@pytest.fixture(params=[set(), {1, 7, 8, 30}], ids=["steady", "breaking"])
def ear(request: pytest.FixtureRequest, clock: SharedClock) -> Iterator[Ear]:
    yield from listening(Ear(clock, request.param))


def test_rows_go_out_at_their_own_time_and_labels_a_day_later(ear: Ear, clock: SharedClock):
    times = [START + timedelta(hours=hour) for hour in range(96)]
    rows = [{"x": hour} for hour in range(96)]
    labels = [f"label-{hour}" for hour in range(96)]
    line = Line(lambda: ear.url)
    replay = Replay(line, clock, times, rows, labels, delay=24, batch=24)
    replay.run(0, 96)
    line.close()

    assert [each for each, _ in ear.asked] == [request_id(index) for index in range(96)]
    assert [at for _, at in ear.asked] == times
    assert replay.tally.requests == 96
    assert replay.tally.failures == 0
    assert replay.tally.answers == dict.fromkeys(range(96), "UP")
    told = {name: (label, at) for name, label, at in ear.labels}
    assert set(told) == {request_id(index) for index in range(72)}
    for index in range(72):
        label, at = told[request_id(index)]
        assert label == labels[index]
        assert at - times[index] >= timedelta(hours=24)


def test_an_endpoint_that_never_answers_is_a_failure_not_a_hang(clock: SharedClock):
    replay = Replay(Line(lambda: None, patience_s=0.2), clock, [START], [{"x": 1}], ["a"], delay=1, batch=10)
    replay.run(0, 1)
    assert replay.tally.failures == 1
