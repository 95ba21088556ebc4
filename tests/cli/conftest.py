"""Commands are run as a user runs them, in this process, in a folder of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fettle.cli.app import run
from tests.conftest import new_workspace


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return msgspec.json.decode(self.out)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a workspace and nothing else; no settings leak in from outside."""
    for name in ("FETTLE_WORKSPACE", "FETTLE_TOKEN", "FETTLE_SERVE_PORT", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    new_workspace(folder).close()
    return folder


@pytest.fixture
def fettle(home: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run `fettle` with the given words."""

    def call(*words: str) -> Said:
        capfd.readouterr()
        code = run(words)
        printed = capfd.readouterr()
        return Said(code, printed.out, printed.err)

    return call
