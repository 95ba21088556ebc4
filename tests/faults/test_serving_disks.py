"""The disk fills up under a worker: no answer leaves unlogged, the refusal says why, and space helps at once."""

from __future__ import annotations

import resource
from pathlib import Path

import httpx

from fettle.serving.endpoint import open_server
from fettle.serving.log import read
from fettle.workspace import Workspace
from tests.serving.models import MODEL, register_version

LARGEST_FILE_BYTES = 40_000


def test_an_answer_that_cannot_be_logged_is_not_given(tmp_path: Path):
    with Workspace.create(tmp_path) as ws:
        register_version(ws)
        ws.registry.promote(MODEL, 1)
        ws.serving.deploy("prices", MODEL)
        with open_server(ws, "prices") as server, server.in_thread() as url:
            statuses = fill(url)
        logged = [record.id for _, _, record in read(ws.folder / "serving" / "prices")]
    assert set(statuses.values()) == {200, 503}
    assert logged == [id for id, status in statuses.items() if status == 200]
    assert statuses["after"] == 200


def fill(url: str) -> dict[str, int]:
    """Ask until the log has no room, then make room and ask again; returns the status of each request by its id."""
    statuses: dict[str, int] = {}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with httpx.Client(base_url=url, timeout=20) as client:
        row = client.get("/").json()["example"]["rows"][0]
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, limits[1]))
            said = ""
            while not said:
                id = f"r{len(statuses)}"
                reply = client.post(
                    "/predict", json={"rows": [row | {"note": "x" * LARGEST_FILE_BYTES}], "id": id}
                )
                statuses[id] = reply.status_code
                assert len(statuses) < 1_000
                said = "" if reply.status_code == 200 else reply.json()["error"]["message"]
            assert "disk is full" in said
            assert client.get("/health/live").status_code == 200
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        statuses["after"] = client.post("/predict", json={"rows": [row], "id": "after"}).status_code
    return statuses
