"""Datasets that runs read, and models that were logged."""

from __future__ import annotations

import json

import httpx
import pytest

from fettle.workspace import Workspace
from tests.protocols.conftest import API


def test_datasets_are_inputs_of_the_run(client, http: httpx.Client, ws: Workspace):
    from mlflow.entities import Dataset, DatasetInput, InputTag

    number = client.create_experiment("with data")
    run = client.create_run(number).info.run_id
    dataset = Dataset("churn", "d1", "local", '{"uri":"x.csv"}', '{"a":"long"}', '{"rows":2}')
    given = [DatasetInput(dataset, [InputTag("mlflow.data.context", "training"), InputTag("k", "v")])]
    client.log_inputs(run, given)
    client.log_inputs(run, given)
    seen = client.get_run(run).inputs.dataset_inputs
    assert [each.dataset.to_dictionary() for each in seen] == [dataset.to_dictionary()]
    assert {each.key: each.value for each in seen[0].tags} == {"mlflow.data.context": "training", "k": "v"}
    assert ws.call("tracking.show", run=run).inputs == ["churn@d1"]
    assert [each.id for each in ws.call("tracking.using", reference="churn@d1")] == [run]
    found = http.post("/api/2.0mlflow/experiments/search-datasets", json={"experiment_ids": [number]}).json()
    assert found["dataset_summaries"] == [
        {"experiment_id": number, "name": "churn", "digest": "d1", "context": "training"}
    ]
    assert len(client.search_runs([number], "datasets.name = 'churn'")) == 1


def test_a_logged_model_from_start_to_end(client, mlflow, ws: Workspace):
    from mlflow.entities import LoggedModelOutput, Metric

    number = client.create_experiment("models")
    run = client.create_run(number).info.run_id
    model = client.create_logged_model(
        number, name="lr", source_run_id=run, params={"depth": "3"}, tags={"a": "b"}, model_type="tree"
    )
    assert model.artifact_location == f"mlflow-artifacts:/{number}/models/{model.model_id}/artifacts"
    client.log_outputs(run, [LoggedModelOutput(model.model_id, step=2)])
    client.log_batch(
        run, [Metric("auc", 0.9, 5, 1, model_id=model.model_id, dataset_name="d", dataset_digest="1")]
    )
    client.finalize_logged_model(model.model_id, "READY")
    client.set_logged_model_tags(model.model_id, {"team": "risk"})
    client.delete_logged_model_tag(model.model_id, "a")
    seen = client.get_logged_model(model.model_id)
    assert (str(seen.status), seen.name, seen.source_run_id, seen.params) == (
        "READY",
        "lr",
        run,
        {"depth": "3"},
    )
    assert seen.tags == {"team": "risk"} and [(each.key, each.value) for each in seen.metrics] == [
        ("auc", 0.9)
    ]
    assert [each.model_id for each in client.get_run(run).outputs.model_outputs] == [model.model_id]
    for text, count in (
        ("metrics.auc > 0.5", 1),
        ("params.depth = '4'", 0),
        ("name = 'lr' AND tags.team LIKE 'r%'", 1),
    ):
        assert len(client.search_logged_models([number], filter_string=text)) == count
    client.delete_logged_model(model.model_id)
    with pytest.raises(mlflow.exceptions.MlflowException, match="not found"):
        client.get_logged_model(model.model_id)


def test_files_of_a_logged_model(client, http: httpx.Client, tmp_path):
    number = client.create_experiment("model files")
    model = client.create_logged_model(number, name="m").model_id
    (tmp_path / "MLmodel").write_text("flavors: {}")
    client.log_model_artifact(model, str(tmp_path / "MLmodel"))
    assert [each.path for each in client.list_logged_model_artifacts(model)] == ["MLmodel"]
    listed = http.get(f"{API}/logged-models/{model}/artifacts/directories").json()
    assert listed["files"] == [{"path": "MLmodel", "is_dir": False, "file_size": 11}]


def test_models_of_old_clients_are_listed_in_a_tag(client, http: httpx.Client, run_id: str):
    model = {"artifact_path": "m", "flavors": {}, "utc_time_created": "now", "run_id": run_id}
    for path in ("one", "two"):
        asked = {"run_id": run_id, "model_json": json.dumps({**model, "artifact_path": path})}
        assert http.post(f"{API}/runs/log-model", json=asked).status_code == 200
    history = json.loads(client.get_run(run_id).data.tags["mlflow.log-model.history"])
    assert [each["artifact_path"] for each in history] == ["one", "two"]
    for bad in ("nope", "[]", "{}"):
        assert (
            http.post(f"{API}/runs/log-model", json={"run_id": run_id, "model_json": bad}).status_code == 400
        )
