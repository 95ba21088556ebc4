"""What the registry's tests share: a workspace on either database, and people with roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fettle.acts import Role
from fettle.workspace import Workspace

BUNDLES = [f"{number:064x}" for number in range(1, 30)]

Doing = Callable[..., Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """A fresh workspace, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        opened = Workspace.create(tmp_path)
    else:
        url = request.getfixturevalue("fresh_postgres_url")
        opened = Workspace.open(f"{url}&blobs={tmp_path}")
        assert isinstance(opened, Workspace)
    yield opened
    opened.close()


def acting(ws: Workspace, actor: str, role: Role) -> Doing:
    """How somebody calls acts: `ada("registry.promote", model="fraud", version=1)`."""

    def call(name: str, **arguments: Any) -> Any:
        return ws.perform(name, arguments, actor=actor, role=role)

    return call


def register(ws: Workspace, count: int = 1, model: str = "fraud", **more: Any) -> None:
    """Register versions 1 … count of a model, by `user:author`."""
    author = acting(ws, "user:author", Role.EDITOR)
    for bundle in BUNDLES[:count]:
        author("registry.register", model=model, bundle=bundle, **more)
