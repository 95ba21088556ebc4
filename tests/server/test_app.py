"""Acts over HTTP: one error form, no 500 for bad input, nothing for strangers' pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from fettle.workspace import Workspace

MODELS = "/api/v1/registry/models"


def error_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"].startswith("application/json"), answer.text
    return answer.json()["error"]


def test_the_openapi_document_is_valid_and_lists_every_act(http: httpx.Client, served: tuple[Workspace, str]):
    document = http.get("/api/v1/openapi.json").json()
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {f"/api/v1/{act.room}/{act.verb}" for act in served[0].catalog}


def test_a_read_answers_get_and_post_alike(http: httpx.Client):
    assert http.get(MODELS).json() == http.post(MODELS, json={}).json() == []


def test_a_change_is_refused_by_get(http: httpx.Client):
    answer = http.get("/api/v1/registry/promote?model=x&version=1")
    assert answer.status_code == 422
    assert "POST" in error_of(answer)["hint"]


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/api/v1/registry/modls", 404, "models"),
        ("/api/v1/registri/models", 404, "registry"),
        ("/api/v1/registry", 404, "openapi.json"),
        ("/api/v2/registry/models", 404, "openapi.json"),
        (MODELS + "?colour=red", 422, "colour"),
        ("/api/v1/registry/show?model=x&version=many", 422, "version"),
        ("/api/v1/blobs/../../etc/passwd", 404, ""),
        ("/api/v1/blobs/%2e%2e/%2e%2e/etc/passwd", 422, "key"),
        ("/api/v1/blobs/a%00b", 422, "key"),
        ("/api/v1/blobs/..%5c..%5cx", 422, "key"),
    ],
)
def test_what_is_wrong_is_told_in_one_form(http: httpx.Client, path: str, status: int, told: str):
    answer = http.get(path)
    assert answer.status_code == status
    error = error_of(answer)
    assert {"code", "message", "found", "hint"} <= set(error)
    assert told in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"[",
        b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
        b"[1]",
        b'"\\ud800"',
        b"\xff\xfe",
        b'{"model":NaN}',
        b'{"a":1,"a":2}',
        b"null",
    ],
)
def test_a_malformed_body_is_a_clear_refusal(http: httpx.Client, body: bytes):
    answer = http.post("/api/v1/registry/versions", content=body)
    assert answer.status_code == 422
    assert error_of(answer)["message"]


def test_a_huge_body_is_refused_before_it_is_read_whole(http: httpx.Client):
    answer = http.post(MODELS, content=(b" " * (1 << 20) for _ in range(9)))
    assert answer.status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", ""])
def test_foreign_host_names_are_refused(http: httpx.Client, host: str):
    assert http.get(MODELS, headers={"Host": host}).status_code == 403


def test_changes_from_pages_of_other_sites_are_refused(http: httpx.Client, served: tuple[Workspace, str]):
    for origin in ("https://evil.example", "null"):
        assert http.post(MODELS, json={}, headers={"Origin": origin}).status_code == 403
    assert http.post(MODELS, json={}, headers={"Origin": served[1]}).status_code == 200


def test_as_soon_as_there_is_a_token_everybody_needs_one(http: httpx.Client, served: tuple[Workspace, str]):
    token = served[0].governance.grant("user:ada", "viewer")
    assert http.get(MODELS).status_code == 401
    assert http.get(MODELS, headers={"Authorization": "Bearer wrong"}).status_code == 401
    with_token = {"Authorization": f"Bearer {token.secret}"}
    assert http.get(MODELS, headers=with_token).status_code == 200
    refused = http.post("/api/v1/registry/promote", json={"model": "x", "version": 1}, headers=with_token)
    assert refused.status_code == 403
    assert "approver" in error_of(refused)["message"]
    served[0].governance.revoke(token.token.id)
    assert http.get(MODELS, headers=with_token).status_code == 401


def test_an_idempotency_key_makes_a_repeated_request_harmless(
    http: httpx.Client, served: tuple[Workspace, str]
):
    headers = {"Idempotency-Key": "once"}
    first = http.post("/api/v1/tracking/start", json={"experiment": "e"}, headers=headers)
    again = http.post("/api/v1/tracking/start", json={"experiment": "e"}, headers=headers)
    assert first.status_code == 200
    assert first.json() == again.json()
    assert len(served[0].tracking.runs(experiment="e")) == 1
