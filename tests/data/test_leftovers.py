"""A version copied over an older one: what the older one had put there goes, what is the user's own stays."""

from pathlib import Path

import pytest

from fettle.core.errors import Conflict


@pytest.fixture
def images(workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two versions: the second one has a file less, one renamed and one changed."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "images"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "1.png").write_text("one")
    (folder / "old" / "link").symlink_to("1.png")
    (folder / "big.bin").write_bytes(bytes(range(256)) * 4096)
    (folder / "labels.csv").write_text("a\n1\n")
    workspace.data.add([folder])
    workspace.data.commit("images")
    workspace.data.tag("images", "v1")
    (folder / "old" / "1.png").unlink()
    (folder / "old" / "link").unlink()
    (folder / "big.bin").unlink()
    (folder / "new.png").write_text("two")
    workspace.data.add([folder])
    workspace.data.commit("images")
    return folder


def names(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if not each.is_dir()}


def test_an_older_version_leaves_nothing_behind(workspace, images, tmp_path):
    target = tmp_path / "out"
    assert workspace.data.get("images@v1", target).removed is None
    with pytest.raises(Conflict):
        workspace.data.get("images", target)
    made = workspace.data.get("images", target, force=True)
    assert names(target) == {"labels.csv", "new.png"}
    assert not (target / "old").exists()
    assert (made.files, made.removed, made.others, made.rows) == (2, 3, [], None)
    back = workspace.data.get("images@v1", target, force=True)
    assert names(target) == {"labels.csv", "old/1.png", "old/link", "big.bin"}
    assert back.removed == 1


def test_files_of_the_user_stay_and_are_named(workspace, images, tmp_path):
    target = tmp_path / "out"
    workspace.data.get("images@v1", target)
    (target / "old" / "1.png").write_text("changed by hand")
    (target / "notes.txt").write_text("mine")
    made = workspace.data.get("images", target, force=True)
    assert (made.removed, made.others) == (2, ["notes.txt", "old/1.png"])
    assert (target / "notes.txt").read_text() == "mine"
    assert (target / "old" / "1.png").read_text() == "changed by hand"


def test_a_folder_of_a_version_is_cleared_alike(workspace, images, tmp_path):
    target = tmp_path / "out"
    workspace.data.get("images@v1/old", target)
    (images / "old").mkdir(exist_ok=True)
    (images / "old" / "2.png").write_text("three")
    workspace.data.add([images])
    workspace.data.commit("images")
    assert workspace.data.get("images@main/old", target, force=True).removed == 2
    assert names(target) == {"2.png"}


def test_a_file_that_is_no_table_has_no_rows(workspace, images, tmp_path, capsys):
    from fettle.cli.output import emit_report

    emit_report(workspace.data.get("images/new.png", tmp_path / "a.png"), as_json=False)
    assert "rows" not in capsys.readouterr().out


def test_a_new_branch_is_told_by_its_name(workspace, images):
    made = workspace.data.branch("images", "trial", at="v1")
    assert (made.name, made.kind, made.commit) == ("trial", "branch", workspace.data.show("images@v1").id)
