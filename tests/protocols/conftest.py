"""MLflow's unmodified client against a real server over a real workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest

from fettle.workspace import Workspace
from tests.server.conftest import serve

os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts"


@pytest.fixture(scope="session")
def mlflow():
    """The client's package, told not to repeat what failed."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    return pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, str]]:
    """A workspace and the URL of its server, shared by the tests of a module."""
    with Workspace.create(tmp_path_factory.mktemp("team")) as workspace, serve(workspace) as url:
        yield workspace, url


@pytest.fixture
def ws(team: tuple[Workspace, str]) -> Workspace:
    return team[0]


@pytest.fixture
def url(team: tuple[Workspace, str]) -> str:
    return team[1]


@pytest.fixture
def client(mlflow, url: str):
    """An `MlflowClient` of the server."""
    return mlflow.MlflowClient(url, registry_uri=url)


@pytest.fixture
def fluent(mlflow, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """MLflow's own way to log, pointed at the server by its environment variable alone."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    for name in ("MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    from mlflow.tracking import fluent

    monkeypatch.setattr(fluent, "_active_experiment_id", None)
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
    for name in ("MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"):
        os.environ.pop(name, None)


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    """Plain HTTP, for what the client does not send."""
    with httpx.Client(base_url=url, timeout=30) as http:
        yield http


@pytest.fixture
def run_id(client) -> str:
    """A new run."""
    return client.create_run("0").info.run_id
