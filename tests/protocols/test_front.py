"""Which paths are calls of MLflow's clients, and how they are answered beside all else that the server has."""

from __future__ import annotations

import httpx
import pytest

from fettle.protocols.mlflow.front import _place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/api/2.0/mlflow/runs/get", ("2.0", "runs/get")),
        ("/ajax-api/3.0/mlflow/traces/tr-1/tags", ("3.0", "traces/tr-1/tags")),
        ("/api/2.0mlflow/experiments/search-datasets", ("2.0", "experiments/search-datasets")),
        ("/api/2.0/mlflow", ("2.0", "")),
        ("/api/2.0/mlflow/runs/get/", ("2.0", "runs/get")),
        ("/api/2.0/mlflow-artifacts/artifacts/x", None),
        ("/ajax-api/2.0/mlflow/upload-artifact", None),
        ("/api/v1/tracking/search", None),
        ("//api/2.0/mlflow/runs/get", None),
        ("/health", None),
        ("/", None),
    ],
)
def test_the_calls_are_told_from_the_rest(path: str, place: tuple[str, str] | None) -> None:
    assert _place(path) == place


def test_calls_pass_the_guard_as_all_requests_do(http: httpx.Client) -> None:
    path = "/api/2.0/mlflow/experiments/search"
    assert http.post(path, json={"max_results": 1}).headers["content-type"] == "application/json"
    assert http.post(path, json={}, headers={"host": "evil.example"}).status_code == 403
    assert http.post(path, json={}, headers={"origin": "https://evil.example"}).status_code == 403
    assert http.head("/api/2.0/mlflow/experiments/get?experiment_id=0").status_code == 404
    assert http.get("/health").json() == {"status": "ok"}
    assert http.get("/api/v1/openapi.json").status_code == 200
