from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta

import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.storage.objects import put_object
from fettle.tracking import Point
from fettle.workspace import Workspace

AT = datetime(1996, 5, 7, tzinfo=UTC)


def points(key: str, *values: float | str) -> list[dict[str, object]]:
    return [
        {"key": key, "value": value, "step": step, "at": AT + timedelta(minutes=step)}
        for step, value in enumerate(values)
    ]


def test_a_run_keeps_what_went_in_and_what_came_out(workspace: Workspace) -> None:
    run = workspace.tracking.start(
        "churn", "first", params={"lr": 0.1, "layers": [8, 4]}, tags={"by": "ada"}, inputs=["churn@abc"]
    )
    assert workspace.tracking.log(run.id, points("loss", 0.9, 0.2, 0.4)) == 3
    digest = put_object(workspace.blobs, b"a picture of 17 b")
    workspace.tracking.artifact(run.id, "plots/roc.png", digest, 17)
    workspace.tracking.finish(run.id)
    shown = workspace.tracking.show(run.id)
    assert (shown.status, shown.name, shown.params, shown.tags) == (
        "finished",
        "first",
        {"lr": 0.1, "layers": [8, 4]},
        {"by": "ada"},
    )
    assert shown.metrics == {"loss": 0.4}
    (summary,) = shown.summaries
    assert (summary.low, summary.high, summary.count, summary.step) == (0.2, 0.9, 3, 2)
    assert summary.at == AT + timedelta(minutes=2)
    assert [each.path for each in shown.artifacts] == ["plots/roc.png"]
    assert workspace.tracking.using("abc") == workspace.tracking.runs("churn")


def test_the_last_value_is_that_of_the_highest_step_whenever_it_came(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn")
    workspace.tracking.log(run.id, [{"key": "loss", "value": 1.0, "step": 10, "at": AT}])
    workspace.tracking.log(run.id, [{"key": "loss", "value": 2.0, "step": 3, "at": AT + timedelta(hours=1)}])
    assert workspace.tracking.show(run.id).metrics == {"loss": 1.0}
    assert [each.step for each in workspace.tracking.series(run.id, "loss")] == [3, 10]


def test_numbers_that_are_not_finite_are_kept_and_told_apart(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn")
    workspace.tracking.log(run.id, points("loss", 0.5, "Infinity", "-Infinity", "NaN"))
    shown = workspace.tracking.show(run.id)
    assert shown.metrics == {}
    assert shown.not_finite == {"loss": "NaN"}
    assert (shown.summaries[0].low, shown.summaries[0].high) == (0.5, 0.5)
    values = [each.value for each in workspace.tracking.series(run.id, "loss")]
    assert values == [0.5, "Infinity", "-Infinity", "NaN"]
    assert math.isnan(Point("loss", "NaN").number)


def test_a_parameter_never_changes_and_a_tag_may(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn", params={"lr": 0.1})
    workspace.tracking.set(run.id, params={"lr": 0.1, "depth": 3}, tags={"note": "a"})
    with pytest.raises(Conflict, match="'lr'"):
        workspace.tracking.set(run.id, params={"lr": 0.2, "width": 9})
    changed = workspace.tracking.set(run.id, tags={"note": "b"})
    assert changed.params == {"lr": 0.1, "depth": 3}
    assert changed.tags == {"note": "b"}


def test_a_run_of_a_given_id_is_begun_once_and_taken_up_again(workspace: Workspace) -> None:
    workspace.tracking.start("churn", run_id="trial-1", params={"lr": 0.1})
    workspace.tracking.finish("trial-1", "failed")
    again = workspace.tracking.start("churn", run_id="trial-1", params={"lr": 0.1})
    assert (again.id, again.status, again.ended_at) == ("trial-1", "running", None)
    assert len(workspace.tracking.runs()) == 1
    with pytest.raises(Conflict, match="another experiment"):
        workspace.tracking.start("other", run_id="trial-1")


def test_runs_are_sorted_by_metrics_parameters_and_time(workspace: Workspace) -> None:
    for name, loss, depth in (("a", 0.3, 10), ("b", 0.1, 9), ("c", 0.2, 100)):
        run = workspace.tracking.start("churn", name, params={"depth": depth})
        workspace.tracking.log(run.id, points("loss", loss))
    empty = workspace.tracking.start("churn", "no metric")
    workspace.tracking.start("other", "elsewhere", parent=empty.id)

    def names(**query: object) -> list[str]:
        return [each.name for each in workspace.tracking.runs(**query)]

    assert names(experiment="churn", order_by="metrics.loss") == ["b", "c", "a", "no metric"]
    assert names(experiment="churn", order_by="-metrics.loss") == ["a", "c", "b", "no metric"]
    assert names(experiment="churn", order_by="params.depth") == ["b", "a", "c", "no metric"]
    assert names(order_by="started_at")[0] == "a"
    assert names(limit=2) == ["elsewhere", "no metric"]
    assert names(limit=2, offset=3) == ["b", "a"]
    assert names(parent=empty.id) == ["elsewhere"]
    assert names(status="finished") == []
    with pytest.raises(Invalid, match="sorted"):
        names(order_by="loss")
    assert [(each.name, each.runs) for each in workspace.tracking.experiments()] == [
        ("other", 1),
        ("churn", 4),
    ]


def packed(kind: str, *numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}{kind}", *numbers)


def test_a_journals_records_arrive_once_however_often_they_are_sent(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn").id
    columns = [
        {
            "key": "loss",
            "steps": packed("q", 0, 1),
            "at_us": packed("q", 1, 2),
            "values": packed("d", 1.0, 2.0),
        }
    ]
    append = workspace.tracking.append
    assert append(run, "j1", 0, 2, columns) == 2
    assert append(run, "j1", 0, 2, columns) == 2
    assert append(run, "j1", 5, 2, columns) == 2
    assert append(run, "j2", 0, 2, columns) == 2
    assert workspace.tracking.received(run, "j1") == 2
    assert workspace.tracking.show(run).summaries[0].count == 4
    broken = [{**columns[0], "values": b"12345678"}]
    with pytest.raises(Invalid, match="fit together"):
        append(run, "j1", 2, 1, broken)


def test_unknown_runs_and_metrics_offer_the_nearest(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        workspace.tracking.show("nobody")
    run = workspace.tracking.start("churn").id
    workspace.tracking.log(run, points("loss", 1.0))
    with pytest.raises(NotFound) as refused:
        workspace.tracking.series(run, "los")
    assert "'loss'" in refused.value.hint
    with pytest.raises(Invalid, match="cannot name a file"):
        workspace.tracking.artifact(run, "../escape", "d" * 64, 1)
