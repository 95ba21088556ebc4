from __future__ import annotations

import pytest

from fettle.core.errors import Conflict, NotFound
from fettle.storage.objects import has_object, put_object
from fettle.tracking.acts import upkeep
from fettle.workspace import Workspace


def run_with_file(workspace: Workspace, content: bytes, *, experiment: str = "churn") -> tuple[str, str]:
    run = workspace.tracking.start(experiment).id
    digest = put_object(workspace.blobs, content)
    workspace.tracking.artifact(run, "a.bin", digest, len(content))
    workspace.tracking.log(run, [{"key": "loss", "value": 1.0, "step": step} for step in range(10)])
    workspace.tracking.finish(run)
    return run, digest


def test_a_dry_run_takes_nothing(workspace: Workspace) -> None:
    run, digest = run_with_file(workspace, b"only here")
    workspace.tracking.delete(run)
    told = workspace.tracking.gc(older_than="0s")
    assert (told.dry_run, told.runs, told.points, told.size_bytes) == (True, 1, 10, 9)
    assert "would go" in told.lines()[0]
    assert has_object(workspace.blobs, digest)
    assert workspace.tracking.show(run).deleted_at is not None


def test_a_collection_takes_runs_points_and_files_that_nothing_else_names(workspace: Workspace) -> None:
    run, digest = run_with_file(workspace, b"only here")
    shared, kept = run_with_file(workspace, b"in two runs")
    other, _ = run_with_file(workspace, b"in two runs")
    for each in (run, shared):
        workspace.tracking.delete(each)
    told = workspace.tracking.gc(older_than="0s", dry_run=False)
    assert (told.runs, told.points, told.objects) == (2, 20, 1)
    assert not has_object(workspace.blobs, digest)
    assert has_object(workspace.blobs, kept)
    with pytest.raises(NotFound):
        workspace.tracking.show(run)
    assert workspace.tracking.show(other).artifacts[0].digest == kept
    assert workspace.tracking.gc(older_than="0s", dry_run=False).runs == 0


def test_what_another_object_names_stays(workspace: Workspace) -> None:
    run, digest = run_with_file(workspace, b"listed by a bundle")
    manifest = put_object(workspace.blobs, f'{{"files": ["{digest}"]}}'.encode())
    other = workspace.tracking.start("churn").id
    workspace.tracking.artifact(other, "manifest.json", manifest, 1)
    workspace.tracking.delete(run)
    assert workspace.tracking.gc(older_than="0s", dry_run=False).objects == 0
    assert has_object(workspace.blobs, digest)


def test_runs_in_use_or_deleted_lately_or_behind_a_version_stay(workspace: Workspace) -> None:
    used, _ = run_with_file(workspace, b"1")
    late, _ = run_with_file(workspace, b"2")
    pinned, _ = run_with_file(workspace, b"3")
    bundle = put_object(workspace.blobs, b"a bundle")
    workspace.registry.register("fraud", bundle, run_id=pinned)
    for each in (late, pinned):
        workspace.tracking.delete(each)
    assert workspace.tracking.gc(older_than="1d", dry_run=False).runs == 0
    told = workspace.tracking.gc(older_than="0s", dry_run=False)
    assert told.runs == 1
    assert [pinned in each and "model:fraud/1" in each for each in told.held] == [True]
    assert workspace.tracking.show(used).id == used and workspace.tracking.show(pinned).id == pinned


def test_a_collection_that_was_cut_off_goes_on(workspace: Workspace) -> None:
    run, digest = run_with_file(workspace, b"only here")
    workspace.tracking.delete(run)
    workspace.call("tracking.purge", ids=[run])  # killed before the files were freed
    assert has_object(workspace.blobs, digest)
    assert workspace.tracking.gc(older_than="0s", dry_run=False).objects == 1
    assert not has_object(workspace.blobs, digest)


def test_a_run_that_was_restored_meanwhile_is_not_purged(workspace: Workspace) -> None:
    run, _ = run_with_file(workspace, b"x")
    assert workspace.call("tracking.purge", ids=[run]).runs == []
    assert workspace.tracking.show(run).id == run


def test_parts_of_a_purged_run_lose_their_parent(workspace: Workspace) -> None:
    parent = workspace.tracking.start("churn").id
    part = workspace.tracking.start("churn", parent=parent).id
    workspace.tracking.delete(parent)
    workspace.tracking.gc(older_than="0s", dry_run=False)
    assert workspace.tracking.show(part).parent is None


def test_a_quota_stops_new_runs_but_no_run_that_has_begun(workspace: Workspace) -> None:
    run, _ = run_with_file(workspace, b"x")
    assert workspace.tracking.quota("churn").exceeded == []
    given = workspace.tracking.set_quota("churn", runs=1, points=5)
    assert (given.runs, given.points) == (1, 10)
    assert given.exceeded == ["1 of 1 runs", "10 of 5 points"]
    with pytest.raises(Conflict, match="quota"):
        workspace.tracking.start("churn")
    workspace.tracking.log(run, [{"key": "loss", "value": 2.0, "step": 11}])
    with pytest.raises(Conflict, match="quota"):
        workspace.tracking.artifact(run, "b", put_object(workspace.blobs, b"b"), 1)
    workspace.tracking.set_quota("churn")
    workspace.tracking.start("churn")


def test_a_pin_of_a_run_elsewhere_is_no_error(workspace: Workspace) -> None:
    assert callable(upkeep.pin)
    bundle = put_object(workspace.blobs, b"another")
    assert workspace.registry.register("fraud", bundle, run_id="made-elsewhere").run_id == "made-elsewhere"


def test_files_of_deleted_logged_models_go_too(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn").id
    number = workspace.tracking.experiment("churn").number
    digest = put_object(workspace.blobs, b"weights")
    model = workspace.call("tracking.make_model", number=number, name="m", run=run)
    workspace.call("tracking.file", owner=f"model:{model.id}", path="model.pkl", digest=digest, size_bytes=7)
    workspace.tracking.gc(older_than="0s", dry_run=False)
    assert has_object(workspace.blobs, digest)
    workspace.call("tracking.delete_model", id=model.id)
    assert workspace.tracking.gc(older_than="0s", dry_run=False).objects == 1
    assert not has_object(workspace.blobs, digest)


def test_what_was_said_about_a_purged_run_goes_with_it(workspace: Workspace) -> None:
    run, _ = run_with_file(workspace, b"x")
    workspace.tracking.comment(f"run:{run}", "Look, @ada")
    workspace.tracking.pin(f"run:{run}")
    workspace.tracking.delete(run)
    workspace.tracking.gc(older_than="0s", dry_run=False)
    assert workspace.tracking.comments(f"run:{run}") == []
    assert workspace.tracking.mentions("user:ada") == [] and workspace.tracking.pins() == []


def test_a_long_list_keeps_what_it_names(workspace: Workspace) -> None:
    run, digest = run_with_file(workspace, b"named in a long list")
    names = [put_object(workspace.blobs, b"0")[:60] + f"{each:04x}" for each in range(70_000)]
    listing = put_object(workspace.blobs, ",".join([*names, digest]).encode())
    other = workspace.tracking.start("churn").id
    workspace.tracking.artifact(other, "list.json", listing, 1)
    workspace.tracking.delete(run)
    assert workspace.tracking.gc(older_than="0s", dry_run=False).objects == 0
