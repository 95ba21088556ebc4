from __future__ import annotations

from pathlib import Path

import pytest

from fettle.acts import Role
from fettle.core.clock import FrozenClock
from fettle.core.errors import Denied, Invalid, NotFound
from fettle.governance import access
from fettle.governance.records import Token
from fettle.workspace import Workspace
from tests.conftest import new_workspace


@pytest.fixture
def workspace(tmp_path: Path, clock: FrozenClock):
    with new_workspace(tmp_path, clock=clock) as opened:
        yield opened


def identify(workspace: Workspace, secret: str) -> Token | None:
    with workspace.database.read() as tx:
        return access.identify(tx, secret, now=workspace.clock.now())


def test_a_secret_lets_its_actor_in_until_it_is_revoked(workspace: Workspace) -> None:
    granted = workspace.governance.grant("user:ada", "approver")
    assert identify(workspace, granted.secret) == granted.token
    assert identify(workspace, granted.secret + "x") is None
    assert identify(workspace, "") is None
    revoked = workspace.governance.revoke(granted.token.id)
    assert revoked.revoked_at == workspace.clock.now()
    assert identify(workspace, granted.secret) is None
    assert workspace.governance.revoke(granted.token.id) == revoked
    assert workspace.governance.tokens() == [revoked]


def test_a_secret_ends_at_its_time_but_still_closes_the_door(
    workspace: Workspace, clock: FrozenClock
) -> None:
    granted = workspace.governance.grant("service:ci", "editor", expires_in="90d")
    clock.advance(90 * 86_400 - 1)
    assert identify(workspace, granted.secret) is not None
    clock.advance(1)
    assert identify(workspace, granted.secret) is None
    with workspace.database.read() as tx:
        assert access.any_token(tx)


def test_the_secret_is_nowhere_in_the_workspace(workspace: Workspace) -> None:
    granted = workspace.governance.grant("user:ada", "viewer")
    workspace.close()
    for path in Path(workspace.folder).rglob("*"):
        if path.is_file():
            assert granted.secret.encode() not in path.read_bytes(), path


def test_only_administrators_grant(workspace: Workspace) -> None:
    with pytest.raises(Denied):
        workspace.perform(
            "governance.grant", {"actor": "user:eve", "role": "admin"}, actor="user:eve", role=Role.APPROVER
        )
    with pytest.raises(Denied):
        workspace.perform("governance.tokens", {}, actor="user:eve", role=Role.VIEWER)
    with pytest.raises(Invalid):
        workspace.governance.grant("user:ada", "emperor")
    with pytest.raises(NotFound):
        workspace.governance.revoke("none")
