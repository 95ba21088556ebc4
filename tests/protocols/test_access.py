"""Who may: tokens as a bearer or a password, roles, foreign pages and hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fettle.protocols.mlflow import BOOKS
from fettle.workspace import Workspace
from tests.protocols.conftest import API, PROXY
from tests.server.conftest import serve


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A server that asks for tokens, and a token of each role."""
    with Workspace.create(tmp_path_factory.mktemp("guarded")) as workspace, serve(workspace) as url:
        secrets = {
            role: workspace.call("governance.grant", actor=f"user:{role}", role=role).secret
            for role in ("viewer", "editor")
        }
        yield url, secrets


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_nobody_gets_in(guarded):
    url, _ = guarded
    for headers in ({}, bearer("wrong"), {"Authorization": "Basic !!!"}, {"Authorization": "Basic Og=="}):
        for method, path in (
            ("GET", f"{API}/experiments/get?experiment_id=0"),
            ("PUT", f"{PROXY}/artifacts/x/y"),
            ("POST", f"{PROXY}/mpu/create/x"),
        ):
            answer = httpx.request(method, url + path, headers=headers)
            assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")
    assert httpx.get(f"{url}/api/2.0/mlflow-artifacts/mpu/parts/{'0' * 64}/1").status_code in (404, 405)


def test_nothing_is_read_or_changed_without_a_token(guarded):
    """Each route of the protocol, under each of its bases; the door of the pages does not stand before them."""
    url, _ = guarded
    known = [each for book in BOOKS for each in book.endpoints]
    paths = [(each.method, f"{each.version}/mlflow/{each.path.format_map(Anything())}") for each in known]
    paths += [("GET", "2.0/mlflow-artifacts/artifacts"), ("POST", "2.0/mlflow/upload-artifact")]
    paths += [(method, "2.0/mlflow-artifacts/artifacts/x") for method in ("GET", "HEAD", "PUT", "DELETE")]
    paths += [("POST", f"2.0/mlflow-artifacts/mpu/{verb}/x") for verb in ("create", "complete", "abort")]
    assert len(paths) > 60
    with httpx.Client(base_url=url) as http:
        for method, path in paths:
            for base in ("/api", "/ajax-api"):
                answer = http.request(method, f"{base}/{path}")
                assert answer.status_code in (400, 401), (method, base, path, answer.status_code)
                assert method == "HEAD" or set(answer.json()) == {"error_code", "message"}
        for base in ("/api", "/ajax-api"):
            assert http.get(f"{base}/3.0/nothing").json()["error"]["code"] == "not-found"
        assert http.post("/v1/traces", content=b"").status_code in (400, 401)
        assert http.get("/get-artifact?run_id=x&path=y", headers={"accept": "*/*"}).status_code in (303, 401)


class Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "x"


def test_a_viewer_reads_and_changes_nothing(guarded):
    url, secrets = guarded
    with httpx.Client(base_url=url, headers=bearer(secrets["viewer"])) as http:
        assert http.get(f"{API}/experiments/get", params={"experiment_id": "0"}).status_code == 200
        for answer in (
            http.post(f"{API}/runs/create", json={"experiment_id": "0"}),
            http.post(f"{API}/experiments/create", json={"name": "x"}),
            http.put(f"{PROXY}/artifacts/some/file", content=b"x"),
            http.delete(f"{PROXY}/artifacts/some/file"),
            http.post(f"{PROXY}/mpu/create/some", json={"path": "x"}),
        ):
            assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_only_administrators_learn_where_a_webhook_may_lead(guarded):
    url, secrets = guarded
    fields = {"name": "hook", "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]}
    for role in secrets:
        for address in (
            "http://10.1.2.3/",
            "http://localhost:1/",
            "http://no-such-host.invalid/",
            "gopher://x",
        ):
            answer = httpx.post(
                f"{url}{API}/webhooks", json={**fields, "url": address}, headers=bearer(secrets[role])
            )
            assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
            assert address not in answer.text


@pytest.mark.parametrize("way", ["token", "password"])
def test_the_client_signs_in(guarded, mlflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str):
    url, secrets = guarded
    if way == "token":
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", secrets["editor"])
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "editor")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", secrets["editor"])
    client = mlflow.MlflowClient(url)
    run = client.create_run("0").info.run_id
    (tmp_path / "f").write_text("x")
    client.log_artifact(run, str(tmp_path / "f"))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1")
    (tmp_path / "g").write_text("parts")
    client.log_artifact(run, str(tmp_path / "g"))
    assert [each.path for each in client.list_artifacts(run)] == ["f", "g"]


def test_pages_of_other_sites_and_foreign_hosts_change_nothing(guarded):
    url, secrets = guarded
    headers = bearer(secrets["editor"])
    for extra in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
        for path in (f"{API}/runs/create", "/ajax-api/2.0/mlflow/runs/create"):
            assert httpx.post(url + path, json={}, headers={**headers, **extra}).status_code == 403


def test_versions_and_health(guarded):
    url, secrets = guarded
    assert httpx.get(f"{url}/health").status_code == 200
    assert httpx.get(f"{url}/version", headers=bearer(secrets["viewer"])).text.startswith("3.")
    info = httpx.get(f"{url}/api/3.0/mlflow/server-info", headers=bearer(secrets["viewer"])).json()
    assert info["multipart_uploads_enabled"] and not info["multipart_downloads_enabled"]
