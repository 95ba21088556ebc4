"""Changes that come many at a time, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fettle.core.errors import Conflict, NotFound
from fettle.storage.objects import object_key, put_object
from fettle.workspace import Workspace


@pytest.fixture(params=["sqlite", "postgresql"])
def ws(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    if request.param == "sqlite":
        with Workspace.create(tmp_path) as workspace:
            yield workspace
        return
    url = request.getfixturevalue("fresh_postgres_url")
    with Workspace.open(f"{url}{'&' if '?' in url else '?'}blobs={tmp_path / 'blobs'}") as workspace:
        yield workspace  # type: ignore[misc]  # opened in process


def test_begin_makes_default_when_it_is_missing(ws: Workspace):
    begun = ws.call("tracking.begin", number=0, name="a", tags={"x": "y"}, notes="n")
    assert (begun.experiment.number, begun.experiment.name) == (0, "Default")
    (shown,) = ws.call("tracking.sheets", ids=[begun.id, "nobody"])
    assert shown == begun and (shown.name, shown.tags, shown.notes) == ("a", {"x": "y"}, "n")
    with pytest.raises(NotFound):
        ws.call("tracking.begin", number=77)


def test_a_record_is_whole_or_nothing(ws: Workspace):
    run = ws.call("tracking.begin", number=0).id
    points = [{"key": "m", "value": 1.0, "step": 1}, {"key": "m", "value": "NaN", "step": 2}]
    ws.call("tracking.record", run=run, params={"a": "1"}, tags={"t": "1"}, points=points, name="new")
    with pytest.raises(Conflict, match="Changing the values"):
        ws.call("tracking.record", run=run, params={"a": "2"}, points=points)
    with pytest.raises(NotFound):
        ws.call("tracking.record", run=run, tags={"u": "1"}, untag=["missing"])
    ws.call("tracking.record", run=run, params={"a": "1"}, untag=["t"], status="finished")
    (shown,) = ws.call("tracking.sheets", ids=[run])
    assert shown.params == {"a": "1"} and shown.tags == {} and shown.status == "finished"
    assert [(each.key, each.value, each.step) for each in shown.metrics] == [("m", "NaN", 2)]


def test_inputs_and_outputs_are_kept_once(ws: Workspace):
    run = ws.call("tracking.begin", number=0).id
    data = [
        {"name": "d", "digest": "1", "tags": {"mlflow.data.context": "train"}},
        {"name": "d", "digest": "2"},
    ]
    for _ in range(2):
        ws.call("tracking.add_inputs", run=run, datasets=data, models=[{"model": "m-1"}])
        ws.call("tracking.add_outputs", run=run, models=[{"model": "m-2", "step": 3}])
    (sheet,) = ws.call("tracking.find_sheets", numbers=[0, 9], where="attributes.status = 'RUNNING'").sheets
    assert [(each.digest, each.context) for each in sheet.datasets] == [("1", "train"), ("2", "")]
    assert ([each.model for each in sheet.read], [each.step for each in sheet.made]) == (["m-1"], [3])
    assert ws.call("tracking.show", run=run).inputs == ["d@1", "d@2"]
    assert [each.digest for each in ws.call("tracking.datasets", experiments=[0, 5])] == ["1", "2"]


def test_files_of_owners(ws: Workspace):
    digest = put_object(ws.blobs, b"x")
    for path in ("a/b", "a/B/c", "A/b", "a_b", "a/b0"):
        ws.call("tracking.file", owner="model:1", path=path, digest=digest, size_bytes=1)
    ws.call("tracking.file", owner="model:2", path="a/b", digest=digest, size_bytes=1)
    found = [each.path for each in ws.call("tracking.files", owner="model:1", folder="a")]
    assert sorted(found) == ["a/B/c", "a/b", "a/b0"]
    assert ws.call("tracking.remove_files", owner="model:1", folder="a") == 3
    assert len(ws.call("tracking.files", owner="model:1")) == 2
    assert len(ws.call("tracking.files", owner="model:2")) == 1


def test_what_is_taken_away_or_written_over_is_collected(ws: Workspace):
    run = ws.call("tracking.begin", number=0).id
    objects = [put_object(ws.blobs, text) for text in (b"one", b"two", b"three", b"four")]
    for digest in objects[:2]:  # the second in place of the first
        ws.call("tracking.file", owner="files:x", path="f", digest=digest, size_bytes=1)
    ws.call("tracking.artifact", run=run, path="a", digest=objects[2], size_bytes=1)
    ws.call("tracking.artifact", run=run, path="b", digest=objects[3], size_bytes=1)
    ws.call("tracking.remove_artifacts", run=run, folder="a")
    ws.tracking.gc(older_than="0s", dry_run=False)
    kept = [ws.blobs.info(object_key(each)) is not None for each in objects]
    assert kept == [False, True, False, True]
    ws.call("tracking.remove_files", owner="files:x", folder="f")
    ws.tracking.gc(older_than="0s", dry_run=False)
    assert ws.blobs.info(object_key(objects[1])) is None


def test_logged_models(ws: Workspace):
    run = ws.call("tracking.begin", number=0).id
    made = ws.call("tracking.make_model", number=0, name="m", run=run, params={"a": "1"}, tags={"t": "1"})
    metric = {"model": made.id, "key": "auc", "value": "Infinity", "dataset": "d", "digest": "1"}
    ws.call("tracking.observe", run=run, points=[], models=[metric])
    ws.call(
        "tracking.change_model", id=made.id, status="ready", params={"b": "2"}, tags={"u": "2"}, untag=["t"]
    )
    with pytest.raises(Conflict):
        ws.call("tracking.change_model", id=made.id, params={"a": "2"})
    shown = ws.call("tracking.model", id=made.id)
    assert (shown.status, shown.params, shown.tags) == ("ready", {"a": "1", "b": "2"}, {"u": "2"})
    assert [(each.key, each.value, each.run) for each in shown.metrics] == [("auc", "Infinity", run)]
    ws.call("tracking.delete_model", id=made.id)
    assert ws.call("tracking.models", experiments=[0]) == []
    assert ws.call("tracking.model", id=made.id, deleted=True).deleted_at is not None
