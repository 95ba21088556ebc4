"""On a machine with other people: who may read and write what a training keeps there."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fettle import tracking
from fettle.core.errors import Unavailable
from fettle.storage.files import FileBlobStore
from fettle.tracking.refused import Refused, keep, refused_folder
from fettle.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


@pytest.fixture
def anything_goes() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {
        str(each.relative_to(folder)): stat.S_IMODE(each.stat().st_mode)
        for each in [folder, *folder.rglob("*")]
    }


@pytest.mark.usefixtures("anything_goes")
def test_the_journal_of_a_run_is_nobody_elses(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(type(workspace), "call", away)
        with pytest.warns(UserWarning, match="away"), tracking.run(workspace, "churn") as run:
            run.log(loss=1.0)
            run.log_text("secret", "a.txt")
    for top in ("tracking", "tracking.new"):
        found = modes(workspace.folder / top)
        folders = {name: mode for name, mode in found.items() if (workspace.folder / top / name).is_dir()}
        assert set(folders.values()) == {0o700}
    found = modes(workspace.folder / "tracking")
    contents = {name: mode for name, mode in found.items() if name.endswith(".seg") or "/files/" in name}
    assert len(contents) >= 3
    assert set(contents.values()) == {0o600}


@pytest.mark.usefixtures("anything_goes")
def test_what_was_refused_is_nobody_elses(workspace: Workspace) -> None:
    keep(workspace, Refused("key", "tracking.set", {}, "why"), None)
    assert modes(refused_folder(workspace))["."] == 0o700


@pytest.mark.usefixtures("anything_goes")
def test_objects_are_written_by_their_owner_only(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path / "blobs")
    store.put("objects/ab/c", b"content")
    found = modes(tmp_path / "blobs")
    assert found["objects/ab/c"] == 0o644
    assert {found[name] for name in (".", "objects", "objects/ab", ".pending", ".locks")} == {0o755}


@pytest.mark.usefixtures("anything_goes")
def test_a_folder_that_hands_its_group_down_is_written_by_the_group(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team").chmod(0o2775)
    FileBlobStore(tmp_path / "team" / "blobs").put("objects/ab/c", b"content")
    found = modes(tmp_path / "team" / "blobs")
    assert {found[name] & 0o777 for name in (".", "objects", "objects/ab", ".pending")} == {0o775}
