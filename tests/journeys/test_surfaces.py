"""Eight acts of eight rooms, each through all four surfaces: Python, HTTP, the remote client, the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import polars as pl
import pytest

from fettle.acts import Role
from fettle.core.errors import FettleError
from fettle.data import versions
from fettle.registry.records import GateResult
from fettle.workspace import Workspace
from tests.bundles import kept

SURFACES = ("python", "http", "remote", "command")

ACTS: dict[str, tuple[dict[str, Any], Callable[[Any], bool]]] = {
    "data.branch": (
        {"dataset": "churn", "name": "trial"},
        lambda ref: (ref["name"], ref["kind"]) == ("trial", "branch"),
    ),
    "tracking.start": (
        {"experiment": "tries", "params": {"lr": 0.1}},
        lambda run: run["params"] == {"lr": 0.1},
    ),
    "pipelines.start": ({"name": "flow"}, lambda flow: flow["status"] == "running"),
    "registry.promote": (
        {"model": "churn", "version": 1, "reason": "tried"},
        lambda version: version["aliases"] == ["champion"],
    ),
    "serving.deploy": (
        {"endpoint": "churn", "model": "churn", "alias": "steady"},
        lambda endpoint: (endpoint["name"], endpoint["port"]) == ("churn", 0),
    ),
    "monitoring.watch": (
        {"endpoint": "fraud", "window": "14d", "stride": "7d", "min_rows": 600},
        lambda watch: (watch["window_s"], watch["min_rows"]) == (14 * 86_400, 600),
    ),
    "retraining.request": (
        {"project": "fraud", "reason": "a person asks"},
        lambda intent: intent["state"] == "observed",
    ),
    "governance.revoke": ({"token": "TOKEN"}, lambda token: token["revoked_at"] is not None),
}
"""Acts of eight rooms that change something, with what their answer must show."""

NEEDS = {"registry.promote": "approver", "governance.revoke": "admin"}

WRONG: dict[str, tuple[str, dict[str, Any], str, int, int]] = {
    "unknown argument": ("tracking.start", {"experiment": "e", "colour": "red"}, "colour", 422, 2),
    "wrong type": ("registry.show", {"model": "fraud", "version": "many"}, "version", 422, 2),
    "unknown name": ("registry.versions", {"model": "fraud"}, "no model 'fraud'", 404, 3),
}


class Calls:
    """Calls acts on one surface, as the owner of a token where the surface knows tokens."""

    def __init__(self, workspace: Workspace, url: str, surface: str) -> None:
        self.workspace = workspace
        self.surface = surface
        self._url = url
        made = workspace.governance.grant("user:spare", "viewer")
        self.spare = made.token.id
        self.secrets = {
            role: workspace.governance.grant(f"user:{role}", role).secret for role in ("viewer", "admin")
        }

    def __call__(
        self, act: str, arguments: dict[str, Any], *, key: str | None = None, role: str = "admin"
    ) -> Any:
        given = {name: self.spare if value == "TOKEN" else value for name, value in arguments.items()}
        if self.surface == "http":
            return over_http(self._url, act, given, key, self.secrets[role])
        if self.surface == "command":
            return by_command(self._url, act, given, key, self.secrets[role])
        if self.surface == "remote":
            with Workspace.open(self._url, token=self.secrets[role]) as remote:
                return msgspec.to_builtins(remote.call(act, idempotency_key=key, **given))
        actor, level = f"user:{role}", Role[role.upper()]
        made = self.workspace.perform(act, given, actor=actor, role=level, idempotency_key=key)
        return msgspec.to_builtins(made)


@pytest.fixture
def call(
    request: pytest.FixtureRequest,
    served: tuple[Workspace, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Calls:
    """The surface of the test's parameter over a workspace that has one of everything."""
    workspace, url = served
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    versions.commit_frame(workspace, "churn", pl.DataFrame({"x": [1.0, 2.0]}))
    gate = GateResult("accuracy", True, 0.9, 0.8)
    for name in ("one", "two"):
        workspace.registry.register("churn", kept(workspace.blobs, name), gates=[gate])
    workspace.registry.promote("churn", 2, to="steady")
    workspace.retraining.policy("fraud")
    return Calls(workspace, url, request.param)


class Refused(Exception):
    """A refusal with its status or exit code, whatever the surface."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def over_http(url: str, act: str, arguments: dict[str, Any], key: str | None, secret: str) -> Any:
    headers = {"Authorization": f"Bearer {secret}"} | ({"Idempotency-Key": key} if key else {})
    answer = httpx.post(f"{url}/api/v1/{act.replace('.', '/')}", json=arguments, headers=headers, timeout=30)
    if answer.is_error:
        assert {"code", "message", "found", "hint"} <= set(answer.json()["error"])
        raise Refused(answer.text, answer.status_code)
    return answer.json()


def by_command(url: str, act: str, arguments: dict[str, Any], key: str | None, secret: str) -> Any:
    room, _, verb = act.partition(".")
    words = [sys.executable, "-m", "fettle", room, verb.replace("_", "-"), "-w", url, "--json"]
    for name, value in {**({"idempotency_key": key} if key else {}), **arguments}.items():
        said = json.dumps(value) if isinstance(value, dict) else value
        words.append(f"--{name.replace('_', '-')}={said}")
    given = os.environ | {"NO_COLOR": "1", "FETTLE_TOKEN": secret}
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=given, timeout=60)
    if done.returncode:
        assert "Traceback" not in done.stderr
        raise Refused(done.stdout + done.stderr, done.returncode)
    return json.loads(done.stdout)


def marks(workspace: Workspace, act: str) -> tuple[list, list]:
    """The audit entries of an act, and the events of its actor."""
    entries = [
        each
        for each in workspace.governance.audit(limit=200)
        if each.act == act and each.actor == "user:admin"
    ]
    events = [each for each in workspace.governance.events(limit=200) if each.actor == "user:admin"]
    return entries, events


@pytest.mark.parametrize("call", SURFACES, indirect=True)
@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_the_same_on_every_surface(call: Calls, act: str):
    """Its result, its audit entry, its event, its idempotency key and its permission."""
    arguments, right = ACTS[act]
    with pytest.raises((FettleError, Refused)) as refused:
        call(act, arguments, role="viewer")
    assert NEEDS.get(act, "editor") in str(refused.value)
    assert marks(call.workspace, act) == ([], [])

    first = call(act, arguments, key="once")
    assert right(first)
    assert call(act, arguments, key="once") == first
    entries, events = marks(call.workspace, act)
    assert len(entries) == 1
    assert len(events) == 1
    assert call.workspace.governance.verify().whole


@pytest.mark.parametrize("call", SURFACES, indirect=True)
@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_on_every_surface(call: Calls, case: str):
    act, arguments, told, status, exit_code = WRONG[case]
    with pytest.raises((FettleError, Refused)) as caught:
        call(act, arguments)
    assert told in str(caught.value)
    if isinstance(caught.value, Refused):
        assert caught.value.code in (status, exit_code)
    else:
        assert (caught.value.status, caught.value.exit_code) == (status, exit_code)
