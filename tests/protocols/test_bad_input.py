"""Whatever is sent, the answer is an error that MLflow's clients understand, and never one they would repeat."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fettle.protocols.mlflow import BOOKS
from tests.protocols.conftest import API, PROXY

POSTED = sorted(
    {each.path for book in BOOKS for each in book.endpoints if each.method == "POST" and "{" not in each.path}
)
ASKED = sorted(
    {each.path for book in BOOKS for each in book.endpoints if each.method == "GET" and "{" not in each.path}
)


def refused(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text[:300]
    return answer.json()["error_code"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"key": "m", "value": 1, "timestamp": 1}, "Missing value for required parameter 'run_id'"),
        ({"run_id": 31, "key": "m", "value": 1, "timestamp": 1}, "Invalid value 31 for parameter 'run_id'"),
        (
            {"run_id": "r", "key": "", "value": 1, "timestamp": 1},
            "Missing value for required parameter 'key'",
        ),
        (
            {"run_id": "r", "key": "m", "value": "x", "timestamp": 1},
            "Invalid value \"x\" for parameter 'value'",
        ),
        ({"run_id": "r", "key": "m", "value": 1, "timestamp": 2**70}, "nonnegative"),
        ({"run_id": "r", "key": "m", "value": 1, "timestamp": 1, "step": 2**70}, "64-bit"),
        ({"run_id": "r", "key": "m" * 251, "value": 1, "timestamp": 1}, "exceeds the maximum length of 250"),
        ({"run_id": "r", "key": "../m", "value": 1, "timestamp": 1}, "must not resolve to other names"),
        ({"run_id": "r", "key": 'a"b', "value": 1, "timestamp": 1}, "may only contain"),
        ({"run_id": "r", "key": "a\nb", "value": 1, "timestamp": 1}, "may only contain"),
        ({"run_id": "r", "key": "a\u202eb", "value": 1, "timestamp": 1}, "may only contain"),
    ],
)
def test_a_bad_point_is_explained(http: httpx.Client, fields: dict, message: str):
    answer = http.post(f"{API}/runs/log-metric", json=fields)
    assert refused(answer) == "INVALID_PARAMETER_VALUE" and message in answer.json()["message"]


def test_too_long_and_too_many(http: httpx.Client, run_id: str):
    long = {"run_id": run_id, "key": "p", "value": "x" * 10_000_000}
    assert refused(http.post(f"{API}/runs/log-parameter", json=long)) == "INVALID_PARAMETER_VALUE"
    assert refused(http.post(f"{API}/runs/set-tag", json=long)) == "INVALID_PARAMETER_VALUE"
    many = {"run_id": run_id, "params": [{"key": f"k{each}", "value": "1"} for each in range(100_000)]}
    assert "at most 100 params" in http.post(f"{API}/runs/log-batch", json=many).json()["message"]
    twice = {"run_id": run_id, "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}
    assert "Duplicate parameter keys" in http.post(f"{API}/runs/log-batch", json=twice).json()["message"]
    shown = http.get(f"{API}/runs/get", params={"run_id": run_id}).json()["run"]
    assert "params" not in shown["data"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":"\\ud800"}',
        b'{"experiment_id":' + b"9" * 5000 + b"}",
        b'{"start_time":NaN}',
        b'{"start_time":1e999}',
        b"\xff\xfe",
        b'"text"',
        b"[]",
        b'{"tags":[null]}',
        b'{"tags":[{"key":"a","value":{}}]}',
    ],
)
def test_what_is_no_request_is_refused(http: httpx.Client, body: bytes):
    answer = http.post(f"{API}/runs/create", content=body)
    assert answer.status_code in (200, 400)
    assert answer.status_code == 400 or body == b'{"tags":[null]}'


def test_names_of_every_kind(client, ws, run_id: str):
    for key in ("a/b.c-d:e f", "ümlaut", "数据", "x" * 250):
        client.log_param(run_id, key, '\'; DROP TABLE runs; -- "quoted" \u202e\u0000'.replace("\u0000", ""))
    client.set_tag(run_id, "html", "<script>alert(1)</script>\n\u200b")
    run = ws.call("tracking.show", run=run_id)
    assert len(run.params) == 4 and run.tags["html"].startswith("<script>")


def test_what_is_not_answered_is_404(http: httpx.Client):
    assert refused(http.get(f"{API}/nothing/here"), 404) == "ENDPOINT_NOT_FOUND"
    assert refused(http.post("/api/3.0/mlflow/gateway/secrets/create", json={}), 404) == "ENDPOINT_NOT_FOUND"


_FIELDS = st.sampled_from(
    ["run_id", "experiment_id", "key", "value", "timestamp", "step", "tags", "params", "metrics", "name", "filter",
     "order_by", "max_results", "page_token", "datasets", "models", "view_type", "start_time", "path"]
)  # fmt: skip
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_FIELDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(POSTED), fields=st.dictionaries(_FIELDS, _JSON, max_size=6))
def test_nothing_posted_makes_a_500(http: httpx.Client, path: str, fields: dict):
    answer = http.post(f"{API}/{path}", content=json.dumps(fields).encode())
    assert answer.status_code in (200, 400, 404, 501), (path, fields, answer.text[:300])
    assert answer.status_code == 200 or set(answer.json()) == {"error_code", "message"}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(ASKED), fields=st.dictionaries(_FIELDS, st.text(max_size=12), max_size=5))
def test_nothing_asked_makes_a_500(http: httpx.Client, path: str, fields: dict):
    answer = http.get(
        f"{API}/{path}",
        params={key: value.encode("utf-8", "replace").decode() for key, value in fields.items()},
    )
    assert answer.status_code in (200, 400, 404), (path, fields, answer.text[:300])


def test_quotas_hold_for_clients_and_count_what_is_kept(client, http, ws):
    number = client.create_experiment("limited")
    ws.call("tracking.set_quota", experiment="limited", runs=2, size_bytes=100)
    run = client.create_run(number).info.run_id
    client.create_run(number)
    third = http.post(f"{API}/runs/create", json={"experiment_id": number})
    assert third.status_code == 400 and "quota" in third.json()["message"]
    ws.call("tracking.set_quota", experiment="limited", size_bytes=100)

    def put(owner: str, data: bytes) -> int:
        return http.put(f"{PROXY}/artifacts/{number}/{owner}/artifacts/{len(data)}", content=data).status_code

    model = client.create_logged_model(number).model_id
    assert (put(f"models/{model}", b"x" * 60), put(run, b"x" * 70)) == (200, 200)
    assert ws.call("tracking.quota", experiment="limited").size_bytes == 130
    assert (put(f"models/{model}", b"y"), put(run, b"y")) == (400, 400)
    digest = ws.call("tracking.artifacts", run=run)[0].digest
    ws.call("tracking.set_quota", experiment="limited")
    made = ws.call("tracking.artifact", run=run, path="70", digest=digest, size_bytes=-(10**12))
    assert made.size_bytes == 70 and ws.call("tracking.quota", experiment="limited").size_bytes == 130
