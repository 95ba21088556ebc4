"""Runs: what a client logs is a run here, and the other way round."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from fettle.tracking import run as start
from fettle.workspace import Workspace


def test_a_training_script_needs_one_environment_variable(fluent, ws: Workspace):
    fluent.set_experiment("churn")
    with fluent.start_run(run_name="first", description="tried *twice*") as outer:
        fluent.log_params({"depth": 3, "kind": "tree"})
        fluent.log_metrics({"auc": 0.9}, step=1)
        fluent.set_tag("team", "risk")
        fluent.log_text("hello", "notes/read.me")
        with fluent.start_run(nested=True, run_name="fold") as inner:
            fluent.log_metric("auc", 0.8)
    run = ws.call("tracking.show", run=outer.info.run_id)
    assert (run.experiment, run.name, run.status, run.notes) == (
        "churn",
        "first",
        "finished",
        "tried *twice*",
    )
    assert run.params == {"depth": "3", "kind": "tree"} and run.metrics == {"auc": 0.9}
    assert run.tags["team"] == "risk" and "mlflow.runName" not in run.tags
    assert [each.path for each in run.artifacts] == ["notes/read.me"]
    assert ws.call("tracking.show", run=inner.info.run_id).parent == run.id


def test_a_run_of_ours_is_a_run_there(client, ws: Workspace):
    run = ws.call(
        "tracking.start",
        experiment="ours",
        name="quick",
        params={"rate": 0.5, "deep": True},
        tags={"a": "b"},
        started_at=datetime(2024, 1, 1, tzinfo=UTC),
    )
    ws.call("tracking.log", run=run.id, points=[{"key": "loss", "value": 0.25, "step": 7}])
    ws.call("tracking.finish", run=run.id, status="failed")
    seen = client.get_run(run.id)
    assert seen.info.run_name == "quick" and seen.info.status == "FAILED"
    assert seen.info.start_time == 1_704_067_200_000 and seen.info.end_time is not None
    assert seen.data.params == {"rate": "0.5", "deep": "True"}
    assert seen.data.metrics == {"loss": 0.25} and seen.data.tags["a"] == "b"
    assert seen.data.tags["mlflow.user"] == ws.actor.removeprefix("user:")
    experiment = client.get_experiment_by_name("ours")
    assert [each.info.run_id for each in client.search_runs([experiment.experiment_id])] == [run.id]


def test_a_parameter_is_set_once(client, mlflow, run_id: str):
    client.log_param(run_id, "depth", 3)
    client.log_param(run_id, "depth", "3")
    with pytest.raises(mlflow.exceptions.MlflowException, match="Changing param values is not allowed"):
        client.log_param(run_id, "depth", 4)
    assert client.get_run(run_id).data.params == {"depth": "3"}


def test_a_batch_is_logged_whole_or_not_at_all(client, mlflow, run_id: str):
    from mlflow.entities import Metric, Param, RunTag

    client.log_param(run_id, "depth", "3")
    with pytest.raises(mlflow.exceptions.MlflowException, match="Changing param"):
        client.log_batch(run_id, [Metric("m", 1, 1, 1)], [Param("depth", "4")], [RunTag("t", "x")])
    data = client.get_run(run_id).data
    assert not data.metrics and "t" not in data.tags
    client.log_batch(run_id, [Metric("m", 1, 1, 1)], [Param("width", "4")], [RunTag("mlflow.runName", "new")])
    again = client.get_run(run_id)
    assert again.info.run_name == "new" and again.data.metrics == {"m": 1.0}


def test_tags_that_are_fields_here_change_the_run(client, ws: Workspace, run_id: str):
    client.set_tag(run_id, "mlflow.note.content", "about it")
    client.set_tag(run_id, "mlflow.runName", "renamed")
    run = ws.call("tracking.show", run=run_id)
    assert (run.name, run.notes) == ("renamed", "about it")
    client.update_run(run_id, status="SCHEDULED", name="later")
    assert client.get_run(run_id).info.status == "SCHEDULED"
    client.delete_tag(run_id, "mlflow.note.content")
    assert ws.call("tracking.show", run=run_id).notes == ""


def test_the_bin(client, mlflow, run_id: str):
    client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(mlflow.exceptions.MlflowException, match="must be in the 'active' state"):
        client.log_metric(run_id, "m", 1)
    client.restore_run(run_id)
    client.log_metric(run_id, "m", 1)
    assert client.get_run(run_id).data.metrics == {"m": 1.0}


def test_what_is_not_there_is_said_so(client, mlflow):
    for ask in (
        lambda: client.get_run("nobody"),
        lambda: client.log_metric("nobody", "m", 1),
        lambda: client.get_experiment("987654321"),
        lambda: client.get_metric_history("nobody", "m"),
    ):
        with pytest.raises(mlflow.exceptions.MlflowException) as caught:
            ask()
        assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_search_speaks_mlflows_language(client):
    number = client.create_experiment("searched")
    for depth, loss in ((1, 0.3), (2, 0.1), (3, math.nan)):
        run = client.create_run(number, tags={"team": "risk" if depth < 3 else "growth"}).info.run_id
        client.log_param(run, "depth", depth)
        client.log_metric(run, "loss", loss)

    def found(text: str, **options) -> list[str]:
        return [each.data.params["depth"] for each in client.search_runs([number], text, **options)]

    assert found("metrics.loss < 0.2") == ["2"]
    assert found("params.depth = '1' AND tags.`team` LIKE 'r%'") == ["1"]
    assert found("", order_by=["metrics.loss ASC"]) == ["2", "1", "3"]
    first = client.search_runs([number], order_by=["params.depth ASC"], max_results=2)
    rest = client.search_runs([number], order_by=["params.depth ASC"], max_results=2, page_token=first.token)
    assert [each.data.params["depth"] for each in [*first, *rest]] == ["1", "2", "3"] and rest.token is None


def test_a_run_made_with_our_sdk_shows_up(client, ws: Workspace):
    with start(ws, "sdk", name="live") as run:
        run.log(loss=1.0)
    assert client.get_run(run.id).info.run_name == "live"


def test_a_run_recorded_here_shows_what_was_captured_under_the_names_there(client, ws: Workspace):
    run = ws.call("tracking.start", experiment="Default", name="ours").id
    ws.call(
        "tracking.set",
        run=run,
        tags={"git.commit": "c0ffee", "git.branch": "main", "code.entry": "train.py", "code.command": "x"},
    )
    tags = client.get_run(run).data.tags
    assert tags["mlflow.source.git.commit"] == "c0ffee" and tags["mlflow.source.git.branch"] == "main"
    assert (tags["mlflow.source.name"], tags["mlflow.source.type"]) == ("train.py", "LOCAL")
    assert tags["mlflow.runName"] == "ours" and tags["mlflow.user"] == ws.actor.removeprefix("user:")
    assert "mlflow.source.git.repoURL" not in tags and tags["git.commit"] == "c0ffee"
    client.set_tag(run, "mlflow.source.name", "other.py")
    assert client.get_run(run).data.tags["mlflow.source.name"] == "other.py"
