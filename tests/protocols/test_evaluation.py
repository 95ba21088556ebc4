"""Evaluation datasets of MLflow's client: made, filled, searched, deleted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

API = "/api/3.0/mlflow/datasets"


@pytest.fixture
def made(client) -> Any:
    return client.create_dataset("questions", experiment_id=["0"], tags={"team": "risk"})


def test_a_dataset_is_made_tagged_and_deleted(client, mlflow, made: Any) -> None:
    assert made.dataset_id.startswith("d-")
    client.set_dataset_tags(made.dataset_id, {"kind": "golden"})
    client.delete_dataset_tag(made.dataset_id, "team")
    seen = client.get_dataset(made.dataset_id)
    assert (seen.name, seen.tags["kind"], "team" in seen.tags) == ("questions", "golden", False)
    assert seen.experiment_ids == ["0"]
    other = client.create_experiment("evaluated")
    client.add_dataset_to_experiments(made.dataset_id, [other])
    client.remove_dataset_from_experiments(made.dataset_id, ["0"])
    assert client.get_dataset(made.dataset_id).experiment_ids == [other]
    assert made.dataset_id in {each.dataset_id for each in client.search_datasets(experiment_ids=[other])}
    client.delete_dataset(made.dataset_id)
    client.delete_dataset(made.dataset_id)
    with pytest.raises(mlflow.exceptions.MlflowException) as gone:
        client.get_dataset(made.dataset_id)
    assert gone.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_records_are_merged_by_their_inputs(client, made: Any) -> None:
    store = client._tracking_client.store
    first = {"inputs": {"q": "a"}, "expectations": {"answer": 1}, "tags": {"x": "y"}}
    told = store.upsert_dataset_records(made.dataset_id, [first, {"inputs": {"q": "b"}, "outputs": "o"}])
    assert told == {"inserted": 2, "updated": 0}
    again = {"inputs": {"q": "a"}, "expectations": {"tone": "kind"}}
    assert store.upsert_dataset_records(made.dataset_id, [again]) == {"inserted": 0, "updated": 1}
    records, token = store._load_dataset_records(made.dataset_id)
    found = {each.inputs["q"]: each for each in records}
    assert (found["a"].expectations, found["a"].tags) == ({"answer": 1, "tone": "kind"}, {"x": "y"})
    assert (found["b"].outputs, token) == ("o", None)
    page, token = store._load_dataset_records(made.dataset_id, max_results=1)
    rest, end = store._load_dataset_records(made.dataset_id, max_results=1, page_token=token)
    assert {each.dataset_record_id for each in page + rest} == {each.dataset_record_id for each in records}
    assert end is None
    assert '"num_records":2' in client.get_dataset(made.dataset_id).profile.replace(" ", "")
    assert store.delete_dataset_records(made.dataset_id, [found["a"].dataset_record_id, "dr-x"]) == 1
    assert [each.inputs for each in store._load_dataset_records(made.dataset_id)[0]] == [{"q": "b"}]


def test_datasets_are_found(client, mlflow) -> None:
    for at in range(3):
        client.create_dataset(f"found-{at}", tags={"at": str(at)})
    names = [
        each.name
        for each in client.search_datasets(filter_string="name LIKE 'found-%'", order_by=["name ASC"])
    ]
    assert names == ["found-0", "found-1", "found-2"]
    assert [each.name for each in client.search_datasets(filter_string="tags.at = '1'")] == ["found-1"]
    with pytest.raises(mlflow.exceptions.MlflowException):
        client.search_datasets(filter_string="color = 'x'")


def test_bad_datasets_are_refused(http: httpx.Client, made: Any) -> None:
    records = f"{API}/{made.dataset_id}/records"
    asked: list[tuple[str, dict[str, Any]]] = [
        (f"{API}/create", {"name": ""}), (f"{API}/create", {"name": "x", "tags": "["}),
        (f"{API}/create", {"name": "x", "experiment_ids": ["99999"]}), (f"{API}/create", {"name": "a\0b"}),
        (records, {"records": "{}"}), (records, {"records": '[{"inputs": 3}]'}), (records, {"records": "[1]"}),
        (records, {"records": "[" * 100_000}), (f"{API}/d-x/records", {"records": "[]"}),
        (f"{API}/d-x/add-experiments", {"experiment_ids": ["0"]}),
    ]  # fmt: skip
    for path, body in asked:
        answer = http.post(path, json=body)
        assert answer.status_code in (400, 404), (path, body, answer.text[:300])
        assert "error_code" in answer.json()
