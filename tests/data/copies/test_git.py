"""Beside a real git: pointers travel with commits, data stays out, hooks bring it along and keep others' hooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fettle.core.errors import Conflict, Invalid
from fettle.data.copies import git
from fettle.data.errands.copies import add, checkout, commit, hooks_install, status
from fettle.workspace import Workspace
from tests.data.copies.conftest import content, fill

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def run_git(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    found = subprocess.run(["git", *identity, *words], capture_output=True, text=True, check=False)
    assert found.returncode == 0 or not check, found.stderr
    return found


@pytest.fixture
def repository(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository; `fettle` on the path is the one under test, on its fast lane."""
    run_git("init", "-q")
    tools = tmp_path / "tools"
    tools.mkdir()
    command = "import sys; from fettle.cli.quick import try_run; sys.exit(try_run(sys.argv[1:]) or 0)"
    (tools / "fettle").write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{command}" "$@"\n')
    (tools / "fettle").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return project


def test_git_checkout_and_fettle_checkout_bring_back_a_state(
    repository: Path, ws: Workspace, images: Path
) -> None:
    (added,) = add(ws, ["images"])
    assert added.notes == ["images was added to .gitignore; git tracks images.data.toml instead"]
    assert (repository / ".gitignore").read_text() == "/images\n"
    commit(ws, "images")
    run_git("add", ".")
    run_git("commit", "-qm", "one")
    assert set(run_git("ls-files").stdout.split()) == {".gitignore", "images.data.toml"}
    one = content(images)
    fill(images, {"cats/1.png": "two"})
    add(ws, ["images"])
    commit(ws, "images")
    run_git("commit", "-qam", "two")
    two = content(images)
    run_git("checkout", "-q", "HEAD~1")
    checkout(ws)
    assert content(images) == one
    assert run_git("status", "--porcelain").stdout == ""
    run_git("checkout", "-q", "-")
    checkout(ws, "images.data.toml")
    assert content(images) == two
    assert run_git("status", "--porcelain").stdout == ""


def test_hooks_bring_the_data_along_and_keep_others(repository: Path, ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    commit(ws, "images")
    run_git("add", ".")
    run_git("commit", "-qm", "one")
    one = content(images)
    other = repository / ".git" / "hooks" / "pre-commit"
    other.parent.mkdir(exist_ok=True)
    other.write_text("#!/bin/sh\necho the other hook ran >> ../others\ntest ! -e forbidden\n")
    other.chmod(0o755)
    made = hooks_install(ws)
    assert made.kept == ["pre-commit"]
    assert hooks_install(ws).kept == ["pre-commit"]
    ours = other.read_text()
    other.write_text("#!/bin/sh\n# a third one\n")
    with pytest.raises(Conflict, match="two other hooks"):
        hooks_install(ws)
    other.write_text(ours)
    fill(images, {"cats/1.png": "two"})
    refused = run_git("commit", "-qm", "dirty", "--allow-empty", check=False)
    assert refused.returncode != 0
    assert "uncommitted changes" in refused.stderr
    add(ws, ["images"])
    commit(ws, "images")
    (repository / "forbidden").touch()
    assert run_git("commit", "-qam", "two", check=False).returncode != 0
    (repository / "forbidden").unlink()
    run_git("commit", "-qam", "two")
    assert (repository.parent / "others").read_text().count("ran") == 3
    two = content(images)
    run_git("checkout", "-q", "-b", "old", "HEAD~1")
    assert content(images) == one
    run_git("merge", "-q", "main")
    assert content(images) == two
    assert status(ws).clean


def test_names_are_ignored_exactly(repository: Path, ws: Workspace) -> None:
    for name in ("a*b", "[x]", "#tag", "!bang", "end ", "back\\slash"):
        fill(repository / name, {"file": "x"})
        add(ws, [name], dataset="data")
    fill(repository, {"axb/file": "x", ".gitignore.txt": ""})
    seen = run_git("status", "--porcelain", "-z", "-uall").stdout.split("\0")
    assert set(seen) - {""} == {"?? .gitignore", "?? axb/file", "?? .gitignore.txt"}


def test_outside_of_git_nothing_is_written(ws: Workspace, images: Path) -> None:
    (added,) = add(ws, ["images"])
    assert added.notes == []
    assert not (images.parent / ".gitignore").exists()
    if git.repository_of(str(images)) is None:
        with pytest.raises(Invalid, match="no git repository"):
            hooks_install(ws)
