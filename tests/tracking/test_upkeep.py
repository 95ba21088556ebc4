from __future__ import annotations

import pytest

from fettle.acts import Surface
from fettle.core.errors import Conflict, NotFound
from fettle.storage.objects import has_object, put_object
from fettle.tracking.acts import upkeep
from fettle.workspace import Workspace
from tests.bundles import kept


def run_with_file(workspace: Surface, content: bytes, *, experiment: str = "churn") -> tuple[str, str]:
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
    bundle = kept(workspace.blobs, 1)
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
    bundle = kept(workspace.blobs, 2)
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


def traced(ws: Surface, trace: str, experiment: int, *, run: str = "", content: bytes = b"") -> str:
    """A trace with a span, a file and a comment; the file's digest."""
    span = {"id": "0" * 16, "parent": "", "name": "ask", "started_ns": 1, "ended_ns": 2, "failed": False}
    spans = [{"trace": trace, **span, "said": {}}]
    ws.call("tracking.put_spans", experiment=experiment, spans=spans, run=run)
    digest = put_object(ws.blobs, content or trace.encode())
    ws.call("tracking.file", owner=f"trace:{trace}", path="traces.json", digest=digest, size_bytes=1)
    return digest


def test_traces_go_with_their_run(either: Surface) -> None:
    run, _ = run_with_file(either, b"x")
    number = either.tracking.experiment("churn").number
    gone, kept = traced(either, "tr-1", number, run=run), traced(either, "tr-2", number)
    either.tracking.delete(run)
    told = either.tracking.gc(older_than="0s")
    assert (told.traces, told.size_bytes) == (1, 1 + len(b"tr-1"))
    assert "1 traces would go." in told.lines()
    assert len(either.call("tracking.traces_of", ids=["tr-1", "tr-2"])) == 2
    told = either.tracking.gc(older_than="0s", dry_run=False)
    assert (told.traces, told.objects) == (1, 2)
    assert [each.id for each in either.call("tracking.traces_of", ids=["tr-1", "tr-2"])] == ["tr-2"]
    assert list(either.call("tracking.spans_of", ids=["tr-1", "tr-2"])) == ["tr-2"]
    assert not has_object(either.blobs, gone) and has_object(either.blobs, kept)
    assert either.tracking.gc(older_than="0s", dry_run=False).traces == 0


def test_an_experiment_goes_with_all_that_was_its_own(either: Surface) -> None:
    run, _ = run_with_file(either, b"x")
    number = either.tracking.experiment("churn").number
    other = either.tracking.make_experiment("other").number
    digests = [traced(either, "tr-1", number, run=run), traced(either, "tr-2", number)]
    traced(either, "tr-3", other)
    model = either.call("tracking.make_model", number=number, name="m", run="")
    digests.append(put_object(either.blobs, b"weights"))
    either.call("tracking.file", owner=f"model:{model.id}", path="m", digest=digests[-1], size_bytes=7)
    golden = either.call("tracking.make_evaluation_set", name="golden", experiments=[number, other])
    either.call("tracking.register_scorer", experiment=number, name="polite", scorer="{}")
    either.tracking.comment("experiment:churn", "Look, @ada")
    either.tracking.pin("experiment:churn")
    either.tracking.set_quota("churn", runs=3)
    either.call("tracking.save_view", experiment="churn", name="mine")
    either.tracking.delete_experiment("churn")
    told = either.tracking.gc(older_than="0s")
    assert (told.runs, told.experiments, told.traces, told.models) == (1, 1, 2, 1)
    assert either.tracking.experiment("churn").deleted_at is not None
    told = either.tracking.gc(older_than="0s", dry_run=False)
    assert (told.runs, told.experiments, told.traces, told.objects) == (1, 1, 2, 4)
    with pytest.raises(NotFound):
        either.tracking.experiment("churn")
    assert not any(has_object(either.blobs, each) for each in digests)
    assert [each.id for each in either.call("tracking.traces_of", ids=["tr-1", "tr-2", "tr-3"])] == ["tr-3"]
    assert either.call("tracking.evaluation_set", id=golden.id).experiments == [other]
    assert either.tracking.comments("experiment:churn") == [] == either.tracking.mentions("user:ada")
    for table in ("quotas", "views", "pinned", "models", "scorers"):
        assert either.call("tracking.rows", table=table).rows == []
    assert either.tracking.gc(older_than="0s", dry_run=False).experiments == 0


def test_the_number_of_a_purged_experiment_is_never_another_ones(workspace: Workspace) -> None:
    number = workspace.tracking.make_experiment("first").number
    workspace.tracking.delete_experiment("first")
    traced(workspace, "tr-1", number)
    for _ in range(2):
        workspace.tracking.gc(older_than="0s", dry_run=False)
    assert workspace.call("tracking.traces_of", ids=["tr-1"]) == []
    assert workspace.tracking.make_experiment("second").number > number
    assert workspace.tracking.gc(older_than="0s", dry_run=False).experiments == 1


def test_an_experiment_whose_run_is_held_or_that_was_binned_lately_stays(workspace: Workspace) -> None:
    run, _ = run_with_file(workspace, b"x")
    workspace.registry.register("fraud", kept(workspace.blobs, 1), run_id=run)
    workspace.tracking.make_experiment("late")
    workspace.tracking.make_experiment("last")
    for each in ("churn", "late"):
        workspace.tracking.delete_experiment(each)
    traced(workspace, "tr-1", workspace.tracking.experiment("churn").number)
    assert workspace.tracking.gc(older_than="1d").experiments == 0
    for dry_run in (True, False):
        assert workspace.tracking.gc(older_than="0s", dry_run=dry_run).experiments == 1
    assert workspace.tracking.experiment("churn").deleted_at is not None
    assert len(workspace.call("tracking.traces_of", ids=["tr-1"])) == 1
