"""Scorers of MLflow's client: registered, listed, deleted."""

from __future__ import annotations

import httpx
import pytest

API = "/api/3.0/mlflow/scorers"


def test_a_scorer_has_versions(client, mlflow) -> None:
    store = client._tracking_client.store
    place = client.create_experiment("scored")
    first = store.register_scorer(place, "polite", '{"name": "polite"}')
    second = store.register_scorer(place, "polite", '{"name": "polite", "v": 2}')
    store.register_scorer(place, "brief", "{}")
    assert (first.scorer_version, second.scorer_version) == (1, 2) and first.scorer_id == second.scorer_id
    assert [(each.scorer_name, each.scorer_version) for each in store.list_scorers(place)] == [
        ("brief", 1),
        ("polite", 2),
    ]
    assert store.get_scorer(place, "polite")._serialized_scorer == '{"name": "polite", "v": 2}'
    assert store.get_scorer(place, "polite", version=1).scorer_version == 1
    assert len(store.list_scorer_versions(place, "polite")) == 2
    assert store.get_online_scoring_configs([first.scorer_id]) == []
    store.delete_scorer(place, "polite", version=2)
    assert store.get_scorer(place, "polite").scorer_version == 1
    store.delete_scorer(place, "polite")
    with pytest.raises(mlflow.exceptions.MlflowException) as gone:
        store.get_scorer(place, "polite")
    assert gone.value.error_code == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": " "}, 400),
        ({"name": "a\nb"}, 400),
        ({"serialized_scorer": "[]"}, 400),
        ({"serialized_scorer": "{"}, 400),
        ({"serialized_scorer": '{"x":"' + "y" * 1_100_000 + '"}'}, 400),
        ({"experiment_id": "77777"}, 404),
        ({"experiment_id": "../1"}, 400),
    ],
)
def test_what_is_no_scorer_is_refused(http: httpx.Client, change: dict[str, str], status: int) -> None:
    good = {"experiment_id": "0", "name": "x", "serialized_scorer": "{}"}
    answer = http.post(f"{API}/register", json={**good, **change})
    assert answer.status_code == status and {"error_code", "message"} == set(answer.json())
    assert http.request("DELETE", f"{API}/delete", json={**good, "name": "none"}).status_code == 404
