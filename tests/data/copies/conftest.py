"""A project folder with a workspace, and a dataset's folder in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fettle.workspace import Workspace
from tests.conftest import new_workspace


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the current one."""
    folder = (tmp_path / "project").resolve()
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ws(project: Path) -> Iterator[Workspace]:
    """The project's workspace."""
    with new_workspace(project) as opened:
        yield opened


@pytest.fixture
def images(project: Path) -> Path:
    """A folder with a few files, some of them small and one of a few megabytes."""
    folder = project / "images"
    fill(folder, {f"cats/{number}.png": f"cat {number}" for number in range(20)})
    fill(folder, {"dogs/1.png": "dog", "labels.csv": "a,b\n1,2\n", "big.bin": "x" * 3_000_000})
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("dogs/1.png")
    return folder


def fill(folder: Path, files: dict[str, str]) -> None:
    """Write files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All files of a folder: whether they are executable or links, and their bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = (2, os.fsencode(path.readlink()))
        elif path.is_file():
            found[str(path.relative_to(folder))] = (int(path.stat().st_mode & 0o100 > 0), path.read_bytes())
    return found


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, tuple[int, bytes]]]:
    """What a folder holds, for comparison."""
    return content
