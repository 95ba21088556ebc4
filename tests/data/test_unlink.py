"""Unlinking a working copy: what was added by mistake is forgotten, and nothing of the user's is touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fettle.core.errors import Conflict, Invalid
from fettle.workspace import Workspace


@pytest.fixture
def folder(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "images"
    (made / "cats").mkdir(parents=True)
    (made / "cats" / "1.png").write_text("cat")
    (made / "labels.csv").write_text("a,b\n1,2\n")
    return made


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_was_added_by_mistake_is_forgotten(workspace, folder):
    before = files(folder)
    workspace.data.add([folder])
    (done,) = workspace.data.rm([folder], cached=True)
    assert "no working copy of images any more" in done.lines()[0]
    assert files(folder) == before
    assert workspace.data.status().copies == []
    workspace.data.add(["images"], dataset="other")
    assert workspace.data.commit("images").dataset == "other"


def test_versions_stay_and_what_still_names_the_folder_is_told(workspace, folder, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    workspace.data.add(["images"])
    made = workspace.data.commit("images")
    (done,) = workspace.data.rm(["images"], cached=True)
    told = "\n".join(done.lines())
    assert "images.data.toml still names images" in told
    assert "/images of .gitignore" in told
    assert workspace.data.show("images").id == made.commit
    workspace.data.checkout("images")
    assert workspace.data.status().clean


def test_what_is_only_staged_is_not_lost_unasked(workspace, folder):
    workspace.data.add(["images"])
    (folder / "cats" / "1.png").unlink()
    with pytest.raises(Conflict, match="nowhere else"):
        workspace.data.rm(["images"], cached=True)
    assert len(workspace.data.status().copies) == 1
    workspace.data.rm(["images"], cached=True, force=True)
    assert workspace.data.status().copies == []


def test_a_file_that_is_a_copy_of_its_own_is_forgotten_too(workspace, folder):
    workspace.data.add(["images/labels.csv"])
    workspace.data.rm(["images/labels.csv"], cached=True)
    assert (folder / "labels.csv").read_text() == "a,b\n1,2\n"
    assert workspace.data.status().copies == []


def test_the_advice_never_is_to_delete_data(workspace, folder):
    workspace.data.add(["images"])
    with pytest.raises(Invalid) as refused:
        workspace.data.rm(["images"])
    assert "--cached" in refused.value.hint
    assert "delete" not in refused.value.hint


def test_files_inside_are_taken_out_as_before(workspace, folder):
    workspace.data.add(["images"])
    workspace.data.commit("images")
    (done,) = workspace.data.rm(["images/cats"])
    assert (done.removed, done.deleted) == (1, 1)
    assert not (folder / "cats" / "1.png").exists()
