"""Eight acts of eight rooms, each through all four surfaces: Python, HTTP, the remote client, the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from fettle.core.errors import FettleError
from fettle.workspace import Workspace

SURFACES = ("python", "http", "remote", "command")

ACTS: dict[str, tuple[dict[str, Any], Callable[[Any], bool]]] = {
    "data.datasets": ({}, lambda found: found == []),
    "tracking.start": (
        {"experiment": "tries", "params": {"lr": 0.1}},
        lambda run: run["params"] == {"lr": 0.1},
    ),
    "pipelines.start": ({"name": "flow"}, lambda flow: flow["status"] == "running"),
    "registry.models": ({}, lambda found: found == []),
    "serving.endpoints": ({}, lambda found: found == []),
    "monitoring.watch": (
        {"endpoint": "fraud", "window": "14d", "stride": "7d", "min_rows": 600},
        lambda watch: (watch["window_s"], watch["min_rows"]) == (14 * 86_400, 600),
    ),
    "retraining.request": (
        {"project": "fraud", "reason": "a person asks"},
        lambda intent: intent["state"] == "observed",
    ),
    "governance.verify": ({}, lambda verdict: verdict["whole"] is True),
}

WRONG: dict[str, tuple[str, dict[str, Any], str, int, int]] = {
    "unknown argument": ("tracking.start", {"experiment": "e", "colour": "red"}, "colour", 422, 2),
    "wrong type": ("registry.show", {"model": "fraud", "version": "many"}, "version", 422, 2),
    "unknown name": ("registry.versions", {"model": "fraud"}, "no model 'fraud'", 404, 3),
}


@pytest.fixture
def call(
    request: pytest.FixtureRequest, served: tuple[Workspace, str], tmp_path: Path, monkeypatch
) -> Iterator[Any]:
    """Call an act on the surface of the test's parameter; raises or returns plain values."""
    workspace, url = served
    workspace.retraining.policy("fraud")
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    surface = request.param
    if surface == "python":
        yield lambda act, arguments: msgspec.to_builtins(workspace.call(act, **arguments))
    elif surface == "http":
        yield lambda act, arguments: over_http(url, act, arguments)
    elif surface == "remote":
        with Workspace.open(url) as remote:
            yield lambda act, arguments: msgspec.to_builtins(remote.call(act, **arguments))
    else:
        yield lambda act, arguments: by_command(workspace.url, act, arguments)


class Refused(Exception):
    """A refusal with its status or exit code, whatever the surface."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def over_http(url: str, act: str, arguments: dict[str, Any]) -> Any:
    answer = httpx.post(f"{url}/api/v1/{act.replace('.', '/')}", json=arguments, timeout=30)
    if answer.is_error:
        assert {"code", "message", "found", "hint"} <= set(answer.json()["error"])
        raise Refused(answer.text, answer.status_code)
    return answer.json()


def by_command(workspace: str, act: str, arguments: dict[str, Any]) -> Any:
    room, _, verb = act.partition(".")
    words = [sys.executable, "-m", "fettle", room, verb.replace("_", "-"), "-w", workspace, "--json"]
    for name, value in arguments.items():
        if isinstance(value, dict):
            words += [f"--{name}={json.dumps(value)}"]
        else:
            words += [f"--{name.replace('_', '-')}={value}"]
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}, timeout=60
    )
    if done.returncode:
        assert "Traceback" not in done.stderr
        raise Refused(done.stdout + done.stderr, done.returncode)
    return json.loads(done.stdout)


@pytest.mark.parametrize("call", SURFACES, indirect=True)
@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_the_same_on_every_surface(call: Any, act: str):
    arguments, right = ACTS[act]
    assert right(call(act, arguments))


@pytest.mark.parametrize("call", SURFACES, indirect=True)
@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_on_every_surface(call: Any, case: str, request: pytest.FixtureRequest):
    act, arguments, told, status, exit_code = WRONG[case]
    with pytest.raises((FettleError, Refused)) as caught:
        call(act, arguments)
    assert told in str(caught.value)
    if isinstance(caught.value, Refused):
        assert caught.value.code in (status, exit_code)
    else:
        assert (caught.value.status, caught.value.exit_code) == (status, exit_code)
