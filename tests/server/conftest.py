"""A real server over a real workspace, on a free port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fettle.server.app import create_app
from fettle.workspace import Workspace
from tests.conftest import new_workspace
from tests.listening import listening


@contextmanager
def serve(workspace: Workspace, *, require_token: bool = False) -> Iterator[str]:
    """Serve a workspace; yields the URL."""
    with listening(create_app(workspace, require_token=require_token)) as url:
        yield url


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Workspace, str]]:
    """An embedded workspace and the URL of a server of it."""
    with new_workspace(tmp_path / "team") as workspace, serve(workspace) as url:
        yield workspace, url


@pytest.fixture
def http(served: tuple[Workspace, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served[1], timeout=20) as client:
        yield client
