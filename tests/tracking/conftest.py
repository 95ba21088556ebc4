"""What several tests of tracking begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fettle.acts import Surface
from fettle.workspace import Workspace
from tests.conftest import new_workspace


@pytest.fixture(params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Surface]:
    """A fresh workspace in either database."""
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    if request.param == "sqlite":
        opened = new_workspace(tmp_path / "embedded")
    else:
        url = request.getfixturevalue("fresh_postgres_url")
        opened = Workspace.open(f"{url}&blobs={tmp_path / 'blobs'}")
    with opened:
        yield opened
