"""Files made in place, by one process or two, and what a kill in between leaves."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from fettle.core.errors import Conflict
from fettle.data.copies import placing, write
from fettle.data.copies.places import all_copies
from fettle.data.errands.copies import add, checkout, commit, status
from fettle.workspace import Workspace
from tests.data.copies.conftest import content, fill


@pytest.fixture
def files(ws: Workspace, project: Path) -> Path:
    """A committed folder."""
    folder = project / "files"
    fill(folder, {f"{number % 7}/{number}.txt": f"{number} " * (number % 90) for number in range(400)})
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("run.sh")
    fill(folder, {"big": "x" * 1_000_000})
    add(ws, ["files"])
    commit(ws)
    return folder


def empty(folder: Path) -> dict[str, tuple[int, bytes]]:
    before = content(folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    return before


@pytest.mark.parametrize("how", ["one", "two", "killed", "no process"])
def test_every_file_comes(ws: Workspace, files: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    real = os.fork

    def forked() -> int:
        if how == "no process":
            raise OSError("no more processes")
        process = real()
        if process and how == "killed":
            os.kill(process, signal.SIGKILL)
        return process

    monkeypatch.setattr(write, "MANY", 0)
    monkeypatch.setattr(placing, "worth_a_process", lambda count: how != "one")
    monkeypatch.setattr(os, "fork", forked)
    before = empty(files)
    (done,) = checkout(ws, "files").copies
    assert done.written == len(before)
    assert content(files) == before
    assert not list(files.rglob(".fettle-part-*"))
    assert status(ws).clean


def test_the_next_look_finds_folders_as_they_are_known(ws: Workspace, files: Path) -> None:
    empty(files)
    checkout(ws, "files")
    (copy,) = all_copies(str(ws.folder))
    before = Path(copy.index_file).read_bytes()
    assert status(ws).clean
    assert Path(copy.index_file).read_bytes() == before


@pytest.mark.parametrize("size", [0, 5])
def test_the_beginning_of_a_file_is_what_a_kill_leaves(ws: Workspace, files: Path, size: int) -> None:
    before = empty(files)
    (copy,) = all_copies(str(ws.folder))
    copy.write(copy.state._replace(pending=copy.state.staged))
    fill(files, {"3/80.txt": "80 " * 80})
    whole = before["3/80.txt"][1]
    (files / "3" / "80.txt").write_bytes(whole[:size])
    checkout(ws, "files")
    assert content(files) == before
    assert status(ws).clean


def test_what_is_no_beginning_is_the_users_own(ws: Workspace, files: Path) -> None:
    (copy,) = all_copies(str(ws.folder))
    copy.write(copy.state._replace(pending=copy.state.staged, staged="", base="", base_tree=""))
    (files / "3" / "80.txt").write_text("mine")
    with pytest.raises(Conflict, match="would overwrite 1"):
        checkout(ws, "files")
    assert (files / "3" / "80.txt").read_text() == "mine"
