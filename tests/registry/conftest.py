"""What the registry's tests share: a workspace on either database, and people with roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fettle.acts import Role
from fettle.workspace import Workspace
from tests.bundles import kept, tiny
from tests.conftest import new_workspace

BUNDLES = [tiny(number).digest for number in range(30)]
"""Digests of bundles; `register` keeps those that it registers, `kept(ws.blobs, number)` keeps one."""

Doing = Callable[..., Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """A fresh workspace, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        opened = new_workspace(tmp_path)
    else:
        opened = Workspace.open(request.getfixturevalue("team_url"))
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
    for number in range(count):
        author("registry.register", model=model, bundle=kept(ws.blobs, number), **more)
