"""Every endpoint under conditions that no client makes: other methods, broken and huge bodies, paths that climb."""

from __future__ import annotations

import json
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fettle.protocols.mlflow import BOOKS
from tests.protocols.conftest import PROXY

ENDPOINTS = [endpoint for book in BOOKS for endpoint in book.endpoints]
CHANGING = [each for each in ENDPOINTS if each.method != "GET"]
BODIES = [
    b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":"\\ud800"}', b'{"run_id":NaN}',
    b'{"max_results":1e999}', b'{"experiment_id":' + b"9" * 5000 + b"}", b"\x1f\x8b\x08", b"a=b&c=d",
]  # fmt: skip
KINDS = [
    "application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/vnd.x+pickle", "",
]  # fmt: skip
CLIMBING = [
    "../x", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fetc", "%252e%252e%252fetc", "..%c0%af..%c0%afetc", "..%5c..%5cetc",
    "C:%5Cx", "%2fetc%2fpasswd", "/etc/passwd", "a;/../../etc/passwd", "..;/x", "a%00.txt", "x" * 1500, ".", "..",
    "a/./b", "a//b", "a/..", "a%0d%0ab", "http:%2f%2f%2f%23%2f..%2f..", "0/../../../x", "models%2f..%2f..%2fx",
    "0/traces/%2e%2e/x", "bundles/../../x", "%20", "%ff%fe",
]  # fmt: skip


def url_of(endpoint: Any, part: str = "x") -> str:
    return f"/api/{endpoint.version}/mlflow/" + re.sub(r"\{\w+\}", part, endpoint.path)


def in_its_form(answer: httpx.Response) -> None:
    shown = (answer.request.method, str(answer.request.url)[:300], answer.status_code, answer.text[:300])
    assert answer.status_code < 500 or answer.status_code == 501, shown
    if answer.status_code >= 400:
        assert {"error_code", "message"} <= answer.json().keys(), shown


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    endpoint=st.sampled_from(ENDPOINTS),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    body=st.sampled_from(BODIES) | st.binary(max_size=40),
    kind=st.sampled_from(KINDS),
    part=st.sampled_from(["x", "%00", "..%2f..%2fetc", "..;", "%ff", "m-1", "x" * 400]),
)
def test_any_method_and_any_body(
    http: httpx.Client, endpoint: Any, method: str, body: bytes, kind: str, part: str
) -> None:
    in_its_form(http.request(method, url_of(endpoint, part), content=body, headers={"content-type": kind}))


def test_ten_megabytes_and_a_hundred_thousand_keys(http: httpx.Client) -> None:
    text = "x" * 10_000_000
    keys = [{"key": f"k{each}", "value": "v"} for each in range(100_000)]
    named = {"run_id": "x", "experiment_id": "0", "name": "n", "key": "k", "version": "1"}
    long = json.dumps({**named, "value": text, "description": text}).encode()
    many = json.dumps({**named, "tags": keys, "params": keys}).encode()
    for path in ("runs/log-batch", "registered-models/set-tag", "logged-models", "webhooks"):
        (endpoint,) = (each for each in CHANGING if (each.method, each.path) == ("POST", path))
        for body in (long, many):
            in_its_form(http.request(endpoint.method, url_of(endpoint), content=body))


@pytest.mark.parametrize("path", ["experiments/create", "registered-models/create", "runs/create"])
def test_too_much_makes_nothing(http: httpx.Client, path: str) -> None:
    tags = [{"key": f"k{each}", "value": "x" * 200} for each in range(100_000)]
    answer = http.post(f"/api/2.0/mlflow/{path}", json={"name": f"huge {path}", "tags": tags})
    assert answer.status_code == 400
    in_its_form(answer)
    kept = http.post("/api/2.0/mlflow/experiments/search", json={"max_results": 1000}).json()["experiments"]
    assert f"huge {path}" not in {each["name"] for each in kept}


@pytest.mark.parametrize("ending", [b"", b"{", b'{"experiment_id": "0"'])
def test_a_body_that_ends_too_early_makes_nothing(url: str, http: httpx.Client, ending: bytes) -> None:
    before = len(
        http.post("/api/2.0/mlflow/runs/search", json={"experiment_ids": ["0"]}).json().get("runs", [])
    )
    where = urlsplit(url)
    with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=10) as raw:
        raw.sendall(
            b"POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 400\r\n\r\n"
            + ending
        )
        raw.shutdown(socket.SHUT_WR)
        assert b" 500 " not in raw.recv(65536)[:20]
    after = len(
        http.post("/api/2.0/mlflow/runs/search", json={"experiment_ids": ["0"]}).json().get("runs", [])
    )
    assert after == before


@pytest.mark.parametrize("path", CLIMBING)
def test_no_path_climbs_on_any_route(url: str, path: str) -> None:
    where = urlsplit(url)
    routes = (
        f"{PROXY}/artifacts/", f"{PROXY}/artifacts?path=", f"{PROXY}/mpu/create/", f"{PROXY}/mpu/complete/",
        f"{PROXY}/mpu/abort/", f"{PROXY}/presigned/", "/get-artifact?run_id=x&path=",
        "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=x&path=", f"{PROXY}/mpu/parts/",
    )  # fmt: skip
    for route in routes:
        for method in ("GET", "PUT", "POST", "DELETE"):
            with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=10) as raw:
                asked = f"{method} {route}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
                raw.sendall(asked.encode() + b"Connection: close\r\n\r\n{}")
                answer = b""
                while piece := raw.recv(65536):
                    answer += piece
            status = int(answer.split()[1])
            assert status < 500 or status == 501, (method, route, path, answer[:300])
            assert b"root:" not in answer
