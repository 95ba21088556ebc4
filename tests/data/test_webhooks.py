"""Webhooks of a workspace: posted where an event happens, may refuse it, and lead nobody into a private network."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import polars as pl
import pytest

from fettle.core.errors import Invalid
from fettle.data import hooks, versions

ROWS = pl.DataFrame({"x": [1, 2]})


class Listener(HTTPServer):
    """Keeps what it is told; refuses what is forbidden."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.told: list[dict] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Listener)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.told.append(body)
        self.send_response(403 if "forbidden" in body.get("message", "") else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep still."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_a_webhook_is_told_and_may_refuse(workspace, listener, monkeypatch):
    monkeypatch.setenv("FETTLE_OUTGOING_PRIVATE", "127.0.0.1")
    workspace.data.hook("before-commit", listener.url, dataset="d*")
    versions.commit_frame(workspace, "d", ROWS)
    versions.commit_frame(workspace, "other", ROWS)
    assert [(each["event"], each["dataset"]) for each in listener.told] == [("before-commit", "d")]
    with pytest.raises(hooks.HookRefused, match="403"):
        versions.commit_frame(workspace, "d", ROWS[:1], message="forbidden")
    assert len(workspace.data.log("d")) == 1


def test_a_webhook_does_not_reach_into_the_private_network_of_whoever_commits(
    workspace, listener, monkeypatch
):
    monkeypatch.delenv("FETTLE_OUTGOING_PRIVATE", raising=False)
    workspace.data.hook("before-commit", listener.url)
    with pytest.raises(hooks.HookRefused, match="private network"):
        versions.commit_frame(workspace, "d", ROWS)
    assert listener.told == []


@pytest.mark.parametrize("target", ["ftp://host/x", "python tools/check.py", "https://user:secret@host/x"])
def test_what_is_no_address_is_refused(workspace, target):
    with pytest.raises(Invalid):
        workspace.data.hook("before-commit", target)
    assert workspace.data.hooks() == []
