"""A real server over a real workspace, on a free port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from fettle.server.app import create_app
from fettle.server.run import bind
from fettle.workspace import Workspace
from tests.conftest import new_workspace


@contextmanager
def serve(workspace: Workspace, *, require_token: bool = False) -> Iterator[str]:
    """Serve a workspace; yields the URL."""
    listener = bind("127.0.0.1", 0)
    app = create_app(workspace, require_token=require_token)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Workspace, str]]:
    """An embedded workspace and the URL of a server of it."""
    with new_workspace(tmp_path / "team") as workspace, serve(workspace) as url:
        yield workspace, url


@pytest.fixture
def http(served: tuple[Workspace, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served[1], timeout=20) as client:
        yield client
