"""Push and pull: to folders, buckets and other workspaces; nothing twice, nothing lost, and no version overrun."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data import hooks, versions
from fettle.data.engine import fsck
from fettle.data.places import open_place
from fettle.data.repositories import repository
from fettle.workspace import Workspace
from tests.conftest import new_workspace


def frame(*ids: int) -> pl.DataFrame:
    return pl.DataFrame({"id": list(ids), "x": [each / 2 for each in ids]})


@pytest.fixture(params=["folder", "s3", "workspace"])
def place(request, tmp_path: Path) -> str:
    if request.param == "s3":
        return request.getfixturevalue("fresh_s3_url")
    if request.param == "workspace":
        new_workspace(tmp_path / "there").close()
    return str(tmp_path / "there")


@pytest.fixture
def other(tmp_path: Path):
    with new_workspace(tmp_path / "other") as opened:
        yield opened


def test_what_is_pushed_can_be_pulled_elsewhere(workspace, other, place):
    versions.commit_frame(workspace, "d", frame(1, 2), key=["id"])
    workspace.data.tag("d", "v1")
    head = versions.commit_frame(workspace, "d", frame(1, 2, 3))

    sent = workspace.data.push("d", to=place)
    assert (sent.how, sent.commit, sent.commits, sent.tags) == ("new", head.id, 2, 1)
    assert sent.packs + sent.frames > 0
    again = workspace.data.push("d", to=place)
    assert (again.how, again.commits, again.bytes) == ("up to date", 0, 0)

    got = other.data.pull("d", source=place)
    assert (got.how, got.commit, got.tags) == ("new", head.id, 1)
    assert versions.load(other, "d").equals(frame(1, 2, 3))
    assert versions.load(other, "d@v1").equals(frame(1, 2))
    assert [each.id for each in other.data.log("d")] == [each.id for each in workspace.data.log("d")]
    assert other.data.pull("d", source=place).how == "up to date"


def test_only_what_is_new_travels(workspace, place):
    versions.commit_frame(workspace, "d", frame(*range(200_000)))
    first = workspace.data.push("d", to=place)
    versions.commit_frame(workspace, "d", frame(7, 8), append=True)
    second = workspace.data.push("d", to=place)
    assert (second.how, second.commits) == ("advanced", 1)
    assert 0 < second.bytes < first.bytes / 10


def test_two_who_push_do_not_overrun_each_other_and_pull_merges(workspace, other, place):
    versions.commit_frame(workspace, "d", frame(1, 2, 3), key=["id"])
    workspace.data.push("d", to=place)
    other.data.pull("d", source=place)
    versions.commit_frame(other, "d", frame(1, 2, 3, 4))
    other.data.push("d", to=place)
    versions.commit_frame(workspace, "d", frame(2, 3))

    with pytest.raises(Conflict, match="not here"):
        workspace.data.push("d", to=place)
    pulled = workspace.data.pull("d", source=place)
    assert (pulled.how, pulled.fault) == ("merged", "")
    assert versions.load(workspace, "d").sort("id").equals(frame(2, 3, 4))
    assert workspace.data.push("d", to=place).how == "advanced"
    assert other.data.pull("d", source=place).how == "advanced"
    assert versions.load(other, "d").sort("id").equals(frame(2, 3, 4))


def test_force_moves_the_branch_there(workspace, other, place):
    versions.commit_frame(workspace, "d", frame(1))
    workspace.data.push("d", to=place)
    versions.commit_frame(other, "d", frame(9))
    with pytest.raises(Conflict):
        other.data.push("d", to=place)
    assert other.data.push("d", to=place, force=True).how == "forced"
    with new_workspace(other.folder.parent / "third") as third:
        third.data.pull("d", source=place)
        assert versions.load(third, "d").equals(frame(9))


def test_a_damaged_store_is_found_and_repaired_from_where_it_was_pushed(workspace, place):
    versions.commit_frame(workspace, "d", frame(*range(50_000)))
    workspace.data.push("d", to=place)
    for pack in (workspace.folder / "blobs" / "data" / "packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[24] ^= 1
        pack.chmod(0o644)
        pack.write_bytes(bytes(data))
    found = workspace.data.fsck(full=True)
    assert found.fault
    assert any("table/" in path for each in found.faults for path in each.paths)
    mended = workspace.data.fsck(full=True, repair_from=place)
    assert mended.fault == ""
    assert mended.faults and all(each.repaired for each in mended.faults)
    assert workspace.data.fsck(full=True).faults == []
    shutil.rmtree(workspace.folder / "cache")
    with Workspace.open(str(workspace.folder)) as again:
        assert versions.load(again, "d").height == 50_000


def test_wrong_places_and_names_say_what_there_is(workspace, place, tmp_path):
    versions.commit_frame(workspace, "churn", frame(1))
    with pytest.raises(Invalid, match=r"data\.remote"):
        workspace.data.push("churn")
    with pytest.raises(NotFound, match="churn"):
        workspace.data.push("chrun", to=place)
    workspace.data.push("churn", to=place)
    with pytest.raises(NotFound, match="churn"):
        workspace.data.pull("chrun", source=place)
    with pytest.raises(NotFound, match="main"):
        workspace.data.pull("churn", source=place, branch="mian")
    with pytest.raises(Invalid, match="ftp"):
        workspace.data.push("churn", to="ftp://host/x")


def test_the_remote_of_a_project_is_used(workspace, tmp_path, monkeypatch):
    (tmp_path / "fettle.toml").write_text(f'[data]\nremote = "{tmp_path / "store"}"\n')
    monkeypatch.chdir(tmp_path)
    versions.commit_frame(workspace, "d", frame(1))
    assert workspace.data.push("d").how == "new"


def test_a_hook_can_refuse_a_push(workspace, place):
    versions.commit_frame(workspace, "d", frame(1))
    off = hooks.on("before-push", lambda event: event["target"] != place)
    try:
        with pytest.raises(hooks.HookRefused):
            workspace.data.push("d", to=place)
    finally:
        off()
    with open_place(workspace, place) as there:
        assert there.pointers("d") == {}


def test_gc_frees_what_a_removed_branch_alone_had(tmp_path, clock):
    with new_workspace(tmp_path, clock=clock) as ws:
        versions.commit_frame(ws, "d", frame(*range(1000)), profile=False)
        ws.data.branch("d", "trial")
        versions.commit_frame(ws, "d", frame(*range(5000, 90_000)), branch="trial", profile=False)
        size = sum(each.size_bytes for each in ws.blobs.list("data/packs/"))
        ws.data.delete_branch("d", "trial")
        assert ws.data.gc(grace="0s").collected.deleted_packs == 0  # the movement is young
        clock.advance(31 * 86_400)
        dry = ws.data.gc(dry=True, grace="0s")
        assert dry.collected.dry
        assert sum(each.size_bytes for each in ws.blobs.list("data/packs/")) == size
        ws.data.gc(grace="0s")
        ws.data.gc(grace="0s")
        assert sum(each.size_bytes for each in ws.blobs.list("data/packs/")) < size / 3
        assert versions.load(ws, "d").height == 1000
        assert fsck.check(repository(ws), ws.data.roots().trees, full=True) == []
        assert "needed" in "\n".join(dry.lines())
