"""Carriers killed with SIGKILL between event and delivery: every event arrives, under one id, and none is forgotten."""

from __future__ import annotations

import collections
import http.server
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fettle.core.clock import FrozenClock
from fettle.governance import carrier
from fettle.governance.acts import notices
from fettle.storage.outgoing import PRIVATE_HOSTS
from fettle.workspace import Workspace

EVENTS = 60
KILLS = 6

CARRY = """
import sys
from fettle.workspace import Workspace
from fettle.governance.carrier import Carrier
import time
ws = Workspace.open(sys.argv[1])
ws.call("governance.due")
print("ready", flush=True)
Carrier(ws).start()
time.sleep(60)
"""


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A receiver that answers slowly; its address, and (delivery, event) of every request."""
    seen: list[tuple[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append((self.headers["webhook-id"], body["id"]))
            time.sleep(0.02)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    monkeypatch.setenv(PRIVATE_HOSTS, "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that are killed are the point
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", seen
    server.shutdown()
    server.server_close()


def test_no_notice_is_lost_to_a_kill(
    workspace: Workspace, heard: tuple[str, list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = heard
    chance = random.Random(20)
    subscription = workspace.governance.subscribe(url, ["registry.registered"]).subscription
    for number in range(KILLS):
        for each in range(EVENTS // KILLS):
            workspace.registry.adopt("fraud", f"s3://bucket/{number}/{each}")
        process = subprocess.Popen(
            [sys.executable, "-c", CARRY, str(Path(workspace.folder).parent)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    monkeypatch.setattr(notices, "MACHINE", FrozenClock(datetime.now(UTC) + timedelta(minutes=10)))
    carrier.deliver_all(workspace)

    events = {each.id for each in workspace.governance.events(kind="registry.registered", limit=1000)}
    assert len(events) == EVENTS
    ids = collections.defaultdict(set)
    for delivery, event in seen:
        ids[event].add(delivery)
    assert ids.keys() == events
    assert all(len(each) == 1 for each in ids.values())
    log = workspace.governance.deliveries(subscription.id, limit=1000)
    assert len(log) == EVENTS and {each.status for each in log} == {"delivered"}
