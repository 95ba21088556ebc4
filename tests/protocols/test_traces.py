"""Traces of MLflow's decorators, and of OpenTelemetry's exporters, kept and given back whole."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from typing import Any

import httpx
import pytest

from fettle.workspace import Workspace

API = "/api/3.0/mlflow/traces"
OLD = "/api/2.0/mlflow/traces"


@pytest.fixture
def traced(fluent, monkeypatch: pytest.MonkeyPatch):
    """MLflow's client, sending traces at once."""
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    fluent.tracing.reset()
    yield fluent
    fluent.tracing.reset()


@pytest.fixture
def trace_id(traced) -> str:
    """A trace of two spans, told by decorators."""

    @traced.trace(span_type="RETRIEVER", attributes={"k": 3, "ö": [1, 2.5, "x"]})
    def look_up(question: str) -> list[str]:
        traced.update_current_trace(tags={"user": "ada"}, client_request_id="call-7")
        return [question.upper()]

    @traced.trace
    def answer(question: str) -> dict[str, Any]:
        return {"found": look_up(question)}

    answer("why 🙂?")
    return traced.get_last_active_trace_id()


def test_decorated_functions_leave_a_trace(traced, client, trace_id: str, ws: Workspace) -> None:
    trace = client.get_trace(trace_id)
    assert [each.name for each in trace.data.spans] == ["answer", "look_up"]
    outer, inner = trace.data.spans
    assert (inner.parent_id, inner.span_type) == (outer.span_id, "RETRIEVER")
    assert (inner.inputs, inner.outputs) == ({"question": "why 🙂?"}, ["WHY 🙂?"])
    assert (inner.get_attribute("k"), inner.get_attribute("ö")) == (3, [1, 2.5, "x"])
    assert outer.outputs == {"found": ["WHY 🙂?"]}
    info = trace.info
    assert (str(info.state), info.experiment_id, info.client_request_id) == ("OK", "0", "call-7")
    assert info.tags["user"] == "ada"
    assert info.execution_duration is not None
    assert "why" in (info.request_preview or "")
    (ours,) = ws.call("tracking.traces_of", ids=[trace_id])
    assert (ours.tags["mlflow.traceName"], ours.state) == ("answer", "OK")


def test_errors_are_told(traced, client) -> None:
    @traced.trace
    def fails() -> None:
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError):
        fails()
    trace = client.get_trace(traced.get_last_active_trace_id())
    assert str(trace.info.state) == "ERROR"
    (span,) = trace.data.spans
    assert span.status.description and "no luck" in span.status.description
    assert span.events[0].name == "exception"


def test_traces_are_found(traced, client) -> None:
    experiment = client.create_experiment("searched")
    traced.set_experiment(experiment_id=experiment)

    @traced.trace
    def step(number: int) -> int:
        traced.update_current_trace(tags={"number": str(number)})
        return number

    for number in range(5):
        step(number)
    with traced.start_run() as run:
        step(9)

    def found(filter: str, **more: Any) -> list[str]:
        traces = client.search_traces(locations=[experiment], filter_string=filter, **more)
        return [each.info.tags["number"] for each in traces]

    assert found("") == list("943210")
    assert found("tags.number = '3'") == ["3"]
    assert found(f"attributes.run_id = '{run.info.run_id}'") == ["9"]
    assert found("trace.status = 'OK' AND attributes.name = 'step'", order_by=["timestamp_ms ASC"])[0] == "0"
    assert found("timestamp_ms > 1 AND execution_time_ms < 0") == []
    page = client.search_traces(locations=[experiment], max_results=4)
    rest = client.search_traces(locations=[experiment], max_results=4, page_token=page.token)
    assert (len(page), len(rest), rest.token) == (4, 2, None)
    assert len(rest[0].data.spans) == 1
    for bad in ("color = 'x'", "attributes.nothing = 'x'", "name = x"):
        with pytest.raises(traced.exceptions.MlflowException) as error:
            client.search_traces(locations=[experiment], filter_string=bad)
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"


def test_tags_and_deletion(traced, client, trace_id: str, ws: Workspace) -> None:
    client.set_trace_tag(trace_id, "seen", "yes")
    client.delete_trace_tag(trace_id, "user")
    tags = client.get_trace(trace_id).info.tags
    assert tags["seen"] == "yes" and "user" not in tags
    with pytest.raises(traced.exceptions.MlflowException) as missing:
        client.delete_trace_tag(trace_id, "user")
    assert missing.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert client.delete_traces("0", trace_ids=[trace_id, "tr-nothing"]) == 1
    assert ws.call("tracking.spans_of", ids=[trace_id]) == {}
    with pytest.raises(traced.exceptions.MlflowException) as gone:
        client.get_trace(trace_id)
    assert gone.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_what_is_judged_of_a_trace_is_kept(traced, client, trace_id: str) -> None:
    made = traced.log_feedback(
        trace_id=trace_id, name="good", value=True, rationale="it is", metadata={"by": "x"}
    )
    hoped = traced.log_expectation(trace_id=trace_id, name="answer", value={"a": [1, "b"]})
    kept = {each.name: each for each in client.get_trace(trace_id).info.assessments}
    assert (kept["good"].value, kept["good"].rationale, kept["good"].metadata) == (True, "it is", {"by": "x"})
    assert kept["answer"].value == {"a": [1, "b"]}
    assert traced.get_assessment(trace_id, hoped.assessment_id).name == "answer"
    changed = traced.entities.Feedback(name="good", value=False)
    traced.update_assessment(trace_id=trace_id, assessment_id=made.assessment_id, assessment=changed)
    assert traced.get_assessment(trace_id, made.assessment_id).value is False
    found = client.search_traces(locations=["0"], filter_string="feedback.good = 'false'")
    assert [each.info.trace_id for each in found] == [trace_id]
    second = traced.override_feedback(trace_id=trace_id, assessment_id=made.assessment_id, value=True)
    assert not traced.get_assessment(trace_id, made.assessment_id).valid
    traced.delete_assessment(trace_id=trace_id, assessment_id=second.assessment_id)
    assert traced.get_assessment(trace_id, made.assessment_id).valid
    with pytest.raises(traced.exceptions.MlflowException, match="not found"):
        traced.get_assessment(trace_id, "a-nothing")


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def part(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def fixed(number: int, value: int) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def export(trace: bytes = b"t" * 16, span: bytes = b"s" * 8, *more: bytes) -> bytes:
    """An export request of one span, as any OpenTelemetry exporter writes it."""
    value = part(2, varint(4 << 3 | 1) + struct.pack("<d", float("nan")))
    said = (
        part(1, trace) + part(2, span) + part(5, b"GET /") + fixed(7, 10**18) + fixed(8, 10**18 + 5_000_000)
    )
    said += part(9, part(1, b"load") + value) + varint(999 << 3 | 0) + varint(7) + b"".join(more)
    return part(1, part(2, part(2, said)))


HEADERS = {"x-mlflow-experiment-id": "0", "content-type": "application/x-protobuf"}


def test_other_exporters_are_understood(http: httpx.Client, client) -> None:
    sent = gzip.compress(export())
    answer = http.post("/v1/traces", content=sent, headers={**HEADERS, "content-encoding": "gzip"})
    assert (answer.status_code, answer.content) == (200, b"")
    trace = client.get_trace(f"tr-{(b't' * 16).hex()}")
    assert (trace.info.request_time, trace.info.execution_duration) == (10**12, 5)
    (span,) = trace.data.spans
    assert (span.name, span.start_time_ns) == ("GET /", 10**18)
    told = {
        "traceId": "0a" * 16,
        "spanId": "0b" * 8,
        "name": "step",
        "startTimeUnixNano": "1000000000000000000",
        "endTimeUnixNano": "1000000000002000000",
        "status": {"code": 2, "message": "bad"},
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [told]}]}]})
    answer = http.post("/v1/traces", content=body, headers={**HEADERS, "content-type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, {})
    assert str(client.get_trace(f"tr-{'0a' * 16}").info.state) == "ERROR"
    raw = http.get(f"{API}/get", params={"trace_id": f"tr-{'0a' * 16}"}).json()["trace"]["spans"][0]
    assert base64.b64decode(raw["traceId"]) == b"\x0a" * 16


def test_what_is_no_trace_is_refused(http: httpx.Client) -> None:
    deep = b""
    for _ in range(200):
        deep = part(5, part(1, deep))
    bad = {
        b"": HEADERS, b"\xff\xff": HEADERS, export(b"t"): HEADERS, export(span=b""): HEADERS,
        export(b"u" * 16, b"s" * 8, part(9, part(1, b"x") + part(2, deep))): HEADERS,
        export(b"u" * 16, b"s" * 8, fixed(7, 2**64 - 1)): HEADERS,
        b"{}": {**HEADERS, "content-type": "application/json"},
        b"[" * 100_000: {**HEADERS, "content-type": "application/json"},
        b"x": {**HEADERS, "content-type": "text/plain"}, b"y": {**HEADERS, "content-encoding": "gzip"},
        b"z": {**HEADERS, "content-encoding": "br"},
    }  # fmt: skip
    for body, headers in bad.items():
        answer = http.post("/v1/traces", content=body, headers=headers)
        assert answer.status_code == 400, (body[:20], answer.text)
        assert answer.json()["error_code"] in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE")
    for place, status in (("99999", 404), ("x", 400), (None, 400)):
        headers = {"content-type": "application/x-protobuf"} | (
            {"x-mlflow-experiment-id": place} if place else {}
        )
        assert http.post("/v1/traces", content=export(), headers=headers).status_code == status
    bomb = gzip.compress(b"\0" * (64 << 20))
    assert (
        http.post("/v1/traces", content=bomb, headers={**HEADERS, "content-encoding": "gzip"}).status_code
        == 400
    )


@pytest.mark.parametrize(
    "change",
    [
        {"trace_id": "../x"}, {"trace_id": ""}, {"trace_location": {"mlflow_experiment": {"experiment_id": "77777"}}},
        {"request_time": "yesterday"}, {"request_time": "0001-01-01T00:00:00Z"}, {"execution_duration": "1h"},
        {"state": "GREAT"}, {"tags": {"": "x"}}, {"tags": {"k": "x" * 100_000}}, {"assessments": [{}]},
        {"assessments": [{"assessment_name": "x", "assessment_id": "../../x"}]}, {"trace_metadata": {"a": 1}},
    ],
)  # fmt: skip
def test_bad_traces_are_refused(http: httpx.Client, change: dict[str, Any]) -> None:
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    good = {"trace_id": "tr-1", "trace_location": location, "request_time": "2024-05-01T10:00:00Z"}
    answer = http.post(API, json={"trace": {"trace_info": {**good, **change}}})
    assert answer.status_code in (400, 404), answer.text
    assert http.get(f"{API}/tr-1").status_code == 404


def test_older_clients_tell_of_traces_too(http: httpx.Client) -> None:
    begun = http.post(
        OLD, json={"experiment_id": "0", "timestamp_ms": 5000, "tags": [{"key": "a", "value": "b"}]}
    )
    trace = begun.json()["trace_info"]["request_id"]
    ended = http.patch(f"{OLD}/{trace}", json={"timestamp_ms": 5250, "status": "OK"}).json()["trace_info"]
    assert (ended["execution_time_ms"], ended["status"]) == (250, "OK")
    info = http.get(f"{OLD}/{trace}/info").json()["trace_info"]
    assert {"key": "a", "value": "b"} in info["tags"]
    found = http.get(OLD, params={"experiment_ids": "0", "filter": "tags.a = 'b'"}).json()["traces"]
    assert [each["request_id"] for each in found] == [trace]
