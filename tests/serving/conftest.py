"""A workspace with two registered versions of a real ONNX model, and an endpoint that follows its champion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from fettle.serving.endpoint import open_server
from fettle.serving.log import read
from fettle.serving.records import Label, Prediction
from fettle.workspace import Workspace
from tests.conftest import new_workspace
from tests.serving.models import MODEL, register_version

ENDPOINT = "prices"


def make_workspace(folder: Path) -> Workspace:
    """A workspace with versions 1 and 2 of the model; 1 is champion and deployed."""
    workspace = new_workspace(folder)
    for seed in (1, 2):
        register_version(workspace, seed)
    workspace.registry.promote(MODEL, 1)
    workspace.serving.deploy(ENDPOINT, MODEL)
    return workspace


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of the test's own."""
    with make_workspace(tmp_path) as workspace:
        yield workspace


@dataclass
class Running:
    """A worker that answers, and the workspace it belongs to."""

    ws: Workspace
    url: str

    def logged(self, request_id: str) -> list[Prediction | Label]:
        """What stands in the log under one id."""
        records = read(self.ws.folder / "serving" / ENDPOINT)
        return [record for _, _, record in records if record.id == request_id]


@pytest.fixture(scope="module", params=["fast", "plain"])
def running(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Running]:
    """One worker for the tests of a module, with the fast lane and without."""
    with (
        make_workspace(tmp_path_factory.mktemp("serving")) as workspace,
        open_server(workspace, ENDPOINT, fast=request.param == "fast") as server,
        server.in_thread() as url,
    ):
        yield Running(workspace, url)


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, timeout=20) as client:
        yield client


@pytest.fixture
def row(client: httpx.Client) -> dict:
    """A row that the model takes."""
    return client.get("/").json()["example"]["rows"][0]
