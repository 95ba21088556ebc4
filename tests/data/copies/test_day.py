"""The user's day with a folder: add, status, commit, change, look, go back."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.copies import pointers
from fettle.data.copies.status import CopyStatus
from fettle.data.errands.copies import add, checkout, commit, restore, rm, status
from fettle.data.repositories import repository
from fettle.data.versions import resolve
from fettle.workspace import Workspace
from tests.data.copies.conftest import content, fill


def only(ws: Workspace, path: str | None = None) -> CopyStatus:
    (found,) = status(ws, path).copies
    return found


def lists(ws: Workspace) -> tuple[list[tuple[str, str]], list[str], list[str], list[str]]:
    found = only(ws)
    return found.staged, found.modified, found.new, found.deleted


def test_a_folder_becomes_a_version_and_comes_back(ws: Workspace, images: Path) -> None:
    before = content(images)
    (added,) = add(ws, ["images"])
    assert (added.dataset, added.branch, added.new, added.files) == ("images", "main", 25, 25)
    assert len(only(ws).staged) == 25
    made = commit(ws, "images", message="first")
    assert only(ws).clean
    assert resolve(ws, "images").id == made.commit
    assert resolve(ws, "images").files == 25
    shutil.rmtree(images)
    assert len(only(ws).deleted) == 25
    (done,) = checkout(ws, "images").copies
    assert done.written == 25
    assert content(images) == before
    assert only(ws).clean
    (again,) = checkout(ws, "images").copies
    assert (again.written, again.removed) == (0, 0)


def test_changes_are_seen_staged_and_committed(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    first = commit(ws, message="first")
    fill(images, {"cats/3.png": "CAT 3", "labels.csv": "a,b\n1,2\n3,4\n", "birds/1.png": "bird"})
    (images / "dogs" / "1.png").unlink()
    (images / "cats" / "4.png").chmod(0o755)
    (images / "cats" / "5.png").touch()
    changed = ["cats/3.png", "cats/4.png", "labels.csv"]
    assert lists(ws) == ([], changed, ["birds/1.png"], ["dogs/1.png"])
    (added,) = add(ws, ["images"])
    assert (added.new, added.modified, added.deleted) == (1, 3, 1)
    staged = dict(only(ws).staged)
    assert staged == {**dict.fromkeys(changed, "modified"), "birds/1.png": "new", "dogs/1.png": "deleted"}
    (again,) = add(ws, ["images"])
    assert (again.new, again.modified, again.deleted) == (0, 0, 0)
    second = commit(ws, message="second")
    after = content(images)
    checkout(ws, "images", first.commit)
    assert (images / "cats" / "3.png").read_text() == "cat 3"
    assert not (images / "birds").exists()
    assert only(ws).clean
    checkout(ws, "images", "main")
    assert content(images) == after
    assert resolve(ws, second.commit and f"images@{second.commit}").parents == [first.commit]


def test_a_part_is_staged_by_its_path(ws: Workspace, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ws, ["images"])
    commit(ws)
    fill(images, {"cats/1.png": "1", "dogs/1.png": "2", "labels.csv": "3"})
    (images / "cats" / "2.png").unlink()
    add(ws, ["images/cats", "images/labels.csv"])
    assert lists(ws)[0] == [("cats/1.png", "modified"), ("cats/2.png", "deleted"), ("labels.csv", "modified")]
    assert lists(ws)[1:] == (["dogs/1.png"], [], [])
    assert only(ws, "images/cats").modified == []
    assert only(ws, "images/dogs").modified == ["dogs/1.png"]
    monkeypatch.chdir(images / "dogs")
    shutil.rmtree(images / "cats")
    add(ws, ["../cats", "1.png"])
    assert lists(ws)[1:] == ([], [], [])
    with pytest.raises(NotFound, match="nothing"):
        add(ws, ["../nothing"])


def test_one_file_is_a_copy_too(ws: Workspace, project: Path) -> None:
    fill(project, {"train.csv": "a\n1\n", "other.csv": "b\n"})
    (added,) = add(ws, ["train.csv"])
    assert (added.dataset, added.files) == ("train-csv", 1)
    commit(ws)
    assert only(ws).clean
    (project / "train.csv").write_text("a\n2\n")
    assert only(ws).modified == ["train.csv"]
    add(ws, ["train.csv"])
    commit(ws)
    (project / "train.csv").unlink()
    checkout(ws, "train.csv", "main~1")
    assert (project / "train.csv").read_text() == "a\n1\n"
    assert (project / "other.csv").exists()
    assert pointers.read(str(project / "train.csv")).kind == "file"  # type: ignore[union-attr]  # it was just written


def test_nothing_of_the_users_is_overwritten(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    first = commit(ws)
    fill(images, {"labels.csv": "new", "more.txt": "more"})
    add(ws, ["images"])
    commit(ws)
    checkout(ws, "images", first.commit)
    fill(images, {"labels.csv": "mine", "more.txt": "my own", "cats/1.png": "painted"})
    before = content(images)
    with pytest.raises(Conflict, match="overwrite 2 changed files") as error:
        checkout(ws, "images", "main")
    assert error.value.found == "labels.csv, more.txt"
    assert content(images) == before
    assert not only(ws).interrupted
    fill(images, {"labels.csv": "a,b\n1,2\n", "more.txt": "more"})
    (done,) = checkout(ws, "images", "main").copies
    assert (done.written, done.kept) == (1, 1)
    assert only(ws).modified == ["cats/1.png"]
    fill(images, {"labels.csv": "mine"})
    checkout(ws, "images", "main", force=True)
    assert only(ws).clean
    assert (images / "cats" / "1.png").read_text() == "cat 1"


def test_staged_changes_are_kept_from_a_checkout(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    commit(ws)
    fill(images, {"labels.csv": "staged"})
    add(ws, ["images"])
    commit(ws)
    fill(images, {"labels.csv": "staged again"})
    add(ws, ["images"])
    with pytest.raises(Conflict, match="staged"):
        checkout(ws, "images", "main~1")
    checkout(ws, "images", "main~1", force=True)
    assert (images / "labels.csv").read_text() == "a,b\n1,2\n"
    assert only(ws).clean


def test_a_folder_and_a_file_change_places(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    first = commit(ws)
    shutil.rmtree(images / "dogs")
    fill(images, {"dogs": "now a file"})
    (images / "labels.csv").unlink()
    fill(images, {"labels.csv/1": "now a folder"})
    add(ws, ["images"])
    second = commit(ws)
    after = content(images)
    checkout(ws, "images", first.commit)
    assert (images / "dogs" / "1.png").read_text() == "dog"
    checkout(ws, "images", second.commit)
    assert content(images) == after
    assert only(ws).clean
    checkout(ws, "images", first.commit)
    shutil.rmtree(images / "dogs")
    fill(images, {"dogs/mine": "mine"})
    with pytest.raises(Conflict, match="overwrite"):
        checkout(ws, "images", second.commit)
    assert (images / "dogs" / "mine").read_text() == "mine"


def test_a_sparse_copy_has_what_was_asked_for(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    commit(ws)
    checkout(ws, "images", path=["cats/1*.png", "*.csv"])
    expected = {"labels.csv", "cats/1.png", *(f"cats/1{number}.png" for number in range(10))}
    assert set(content(images)) == expected
    assert only(ws).clean
    fill(images, {"labels.csv": "sparse"})
    (images / "cats" / "1.png").unlink()
    add(ws, ["images"])
    made = commit(ws)
    assert made.files == 24  # what is not here was not deleted
    assert set(content(images)) == expected - {"cats/1.png"}
    checkout(ws, "images", path=["."])
    assert len(content(images)) == 24
    assert (images / "labels.csv").read_text() == "sparse"
    assert only(ws).clean


def test_links_come_from_a_cache_that_notices_changes(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    commit(ws)
    before = content(images)
    shutil.rmtree(images)
    checkout(ws, "images", link=True)
    assert content(images) == before
    assert only(ws).clean
    cat = images / "cats" / "1.png"
    assert cat.stat().st_nlink == 2
    assert stat.S_IMODE(cat.stat().st_mode) == 0o444
    assert stat.S_IMODE((images / "run.sh").stat().st_mode) == 0o555
    cat.chmod(0o644)
    cat.write_text("bad 1")  # in place, so in the cache too
    assert only(ws).modified == ["cats/1.png"]
    cat.unlink()
    checkout(ws, "images")
    assert cat.read_text() == "cat 1"
    checkout(ws, "images", link=False, force=True)
    assert content(images) == before


def test_files_are_put_back(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    commit(ws)
    fill(images, {"labels.csv": "staged", "cats/1.png": "staged", "cats/new.png": "new"})
    add(ws, ["images"])
    fill(images, {"labels.csv": "broken"})
    (images / "dogs" / "1.png").unlink()
    (done,) = restore(ws, ["images"])
    assert done.restored == 2
    assert (images / "labels.csv").read_text() == "staged"
    assert (images / "dogs" / "1.png").exists()
    assert len(only(ws).staged) == 3
    restore(ws, ["images/cats/1.png"], committed=True)
    assert (images / "cats" / "1.png").read_text() == "cat 1"
    assert {path for path, _ in only(ws).staged} == {"labels.csv", "cats/new.png"}
    restore(ws, ["images"], committed=True)
    assert (images / "labels.csv").read_text() == "a,b\n1,2\n"
    assert lists(ws) == ([], [], ["cats/new.png"], [])
    with pytest.raises(NotFound, match="neither"):
        restore(ws, ["images/never"])


def test_files_are_taken_out(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    commit(ws)
    fill(images, {"cats/1.png": "changed"})
    with pytest.raises(Conflict, match="1 files were changed"):
        rm(ws, ["images/cats"])
    assert len(list((images / "cats").iterdir())) == 20
    (done,) = rm(ws, ["images/cats"], force=True)
    assert (done.removed, done.deleted) == (20, 20)
    assert not (images / "cats").exists()
    rm(ws, ["images/labels.csv"], cached=True)
    assert (images / "labels.csv").exists()
    found = only(ws)
    assert len(found.staged) == 21
    assert found.new == ["labels.csv"]
    assert commit(ws).files == 4
    with pytest.raises(NotFound):
        rm(ws, ["images/cats"])
    with pytest.raises(Invalid, match="whole working copy"):
        rm(ws, ["images"])


def test_two_copies_of_one_branch_merge_when_they_touch_different_files(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    commit(ws)
    other = images.parent / "other"
    shutil.copy(f"{images}.data.toml", f"{other}.data.toml")
    checkout(ws, "other")
    assert content(other) == content(images)
    fill(images, {"cats/1.png": "one"})
    fill(other, {"cats/2.png": "two", "cats/3.png": "three"})
    add(ws, ["images", "other"])
    commit(ws, "images")
    made = commit(ws, "other")
    assert made.notes == ["changes of others were merged: 1 files written, 0 removed"]
    assert content(other)["cats/1.png"] == (0, b"one")
    assert status(ws).clean
    fill(images, {"cats/2.png": "another two"})
    add(ws, ["images"])
    with pytest.raises(Conflict):
        commit(ws, "images")
    (found,) = status(ws, "images", remote=True).copies
    assert found.head == made.commit != found.commit


def test_staged_bytes_are_held_until_they_are_committed(ws: Workspace, images: Path) -> None:
    from fettle.data.engine import leases

    def held() -> list[list[str]]:
        repo = repository(ws)
        return [each.roots for _name, each in leases.held(repo.blobs, repo.prefix)]

    (added,) = add(ws, ["images"])
    assert held() == [[added.tree]]
    commit(ws)
    assert held() == []
    fill(images, {"labels.csv": "changed"})
    (added,) = add(ws, ["images"])
    assert held() == [[added.tree]]
    restore(ws, ["images"], committed=True)
    assert held() == []


def test_what_cannot_be_is_said(ws: Workspace, project: Path, images: Path) -> None:
    with pytest.raises(NotFound, match="no folder or file"):
        add(ws, ["nothing"])
    with pytest.raises(Invalid, match="workspace itself"):
        add(ws, ["."])
    with pytest.raises(Invalid, match="belongs to the workspace"):
        add(ws, [".fettle"])
    with pytest.raises(Invalid, match="cannot name a dataset"):
        add(ws, ["images"], dataset="a/b")
    with pytest.raises(Invalid, match="Nothing was named"):
        add(ws, [])
    with pytest.raises(NotFound, match="not clear"):
        commit(ws)
    assert status(ws).lines() == ["No folder is linked to a dataset yet: fettle data add FOLDER"]
    add(ws, ["images/cats"])
    with pytest.raises(Conflict, match="holds a working copy"):
        add(ws, ["images"])
    with pytest.raises(Conflict, match="not of 'others'"):
        add(ws, ["images/cats"], dataset="others")
    commit(ws, "cats")
    with pytest.raises(Invalid, match="Nothing is staged"):
        commit(ws, "cats")
    with pytest.raises(NotFound):
        checkout(ws, "images/cats", "no-such-branch")
    with pytest.raises(NotFound, match="no working copy"):
        restore(ws, ["images/dogs"])
    with pytest.raises(NotFound):
        checkout(ws, "no-such-dataset")
    assert not (project / "no-such-dataset").exists()
    os.mkfifo(images / "cats" / "pipe")
    with pytest.raises(Invalid, match="pipe"):
        add(ws, ["images/cats"])


def test_a_moved_project_keeps_its_copies(project: Path, images: Path) -> None:
    with Workspace.create(project) as first:
        add(first, ["images"])
        commit(first)
    moved = project.with_name("moved")
    project.rename(moved)
    os.chdir(moved)
    with Workspace.create(moved) as again:
        assert only(again).clean
        assert only(again).path == str(moved / "images")
