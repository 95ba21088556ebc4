"""Traces and evaluation sets as clients send them, of every kind, some of them odd."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from fettle.acts import Surface
from fettle.storage.objects import put_object

HOSTILE = """<img src=x onerror="alert(1)"></script><script>alert(2)</script>"""
AT = datetime(2026, 3, 1, tzinfo=UTC)
BEGAN = 1_772_323_200_000_000_000


def told(**values: Any) -> list[dict[str, Any]]:
    """Attributes as OpenTelemetry has them, in MLflow's JSON."""
    return [{"key": key, "value": {"stringValue": json.dumps(value)}} for key, value in values.items()]


def span(
    trace: str, id: str, parent: str, name: str, begin_ms: int, end_ms: int | None, **more: Any
) -> dict[str, Any]:
    """A span; `more` is `failed`, or attributes such as `spanInputs`."""
    failed = more.pop("failed", False)
    said = {
        "name": name,
        "attributes": told(**{f"mlflow.{key}": value for key, value in more.items()}),
        "status": {"code": 2, "message": f"no luck {HOSTILE}"} if failed else {"code": 1},
        "events": [{"name": "exception", "timeUnixNano": str(BEGAN), "attributes": told(stack="line 3")}]
        if failed
        else [],
    }
    return {
        "trace": trace,
        "id": id,
        "parent": parent,
        "name": name,
        "started_ns": BEGAN + begin_ms * 1_000_000,
        "ended_ns": 0 if end_ms is None else BEGAN + end_ms * 1_000_000,
        "failed": failed,
        "said": said,
    }


def put(ws: Surface, id: str, number: int, **more: Any) -> None:
    """Tell of a trace."""
    ws.call("tracking.put_trace", trace={"id": id, "experiment": number, "at": AT, "state": "OK", **more})


def fill(ws: Surface, run: str) -> str:
    """Traces of the experiment `churn`, one of them the run's, and an evaluation set; the set's id."""
    number = ws.call("tracking.experiment", name="churn").number
    spans = [
        span("tr-1", "a" * 16, "", f"answer {HOSTILE}", 0, 1200, spanInputs={"q": "why?"}, spanType="CHAIN"),
        span("tr-1", "b" * 16, "a" * 16, "look up", 5, 300, spanOutputs=["because"], spanType="RETRIEVER"),
        span("tr-1", "c" * 16, "b" * 16, "call", 10, 200, failed=True, model="big"),
        span("tr-1", "d" * 16, "0" * 16, "of nobody", 400, 500),
        span("tr-2", "a" * 16, "", "goes on", 0, None),
    ]
    ws.call("tracking.put_spans", experiment=number, spans=spans, run=run)
    judged = {
        "a-1": {
            "assessment_name": "correct",
            "feedback": {"value": True},
            "source": {"source_type": "HUMAN", "source_id": "ada"},
            "rationale": HOSTILE,
        }
    }
    names = {"mlflow.traceName": "answer"}
    put(
        ws,
        "tr-1",
        number,
        duration_ms=1200,
        state="ERROR",
        request=f'{{"q": "why? {HOSTILE}"}}',
        tags=names,
        assessments=judged,
    )
    for place in range(60):
        at = AT - timedelta(minutes=place // 2)
        put(
            ws,
            f"tr-many-{place:02d}",
            number,
            at=at,
            duration_ms=place % 7 or None,
            request="how many?",
            tags=names,
        )
    put(ws, "tr-file", number, tags=names)
    digest = put_object(ws.blobs, json.dumps(FILE).encode())
    ws.call("tracking.file", owner="trace:tr-file", path="traces.json", digest=digest, size_bytes=1)
    made = ws.call("tracking.make_evaluation_set", name=f"golden {HOSTILE}", experiments=[number])
    records = [
        {"inputs": {"q": f"why {place}?"}, "expectations": {"a": HOSTILE}, "source": source(place)}
        for place in range(60)
    ]
    ws.call("tracking.merge_evaluation_records", id=made.id, records=records)
    return made.id


def source(place: int) -> dict[str, Any]:
    """Where a record came from."""
    if place:
        return {"human": {"user_name": "ada"}}
    return {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}


FILE = {
    "spans": [
        {
            "name": "of a file",
            "context": {"span_id": "0xaa", "trace_id": "0x01"},
            "parent_id": None,
            "start_time": BEGAN,
            "end_time": BEGAN + 5_000_000,
            "status_code": "ERROR",
            "status_message": "it broke",
            "attributes": {"mlflow.spanInputs": '{"q": "old"}', "mlflow.spanType": '"TOOL"'},
            "events": [],
        },
        {
            "name": "of a newer file",
            "span_id": "AAAAAAAAAAE=",
            "parent_span_id": None,
            "start_time_unix_nano": str(BEGAN),
            "end_time_unix_nano": str(BEGAN + 1_000_000),
            "status": {"code": "STATUS_CODE_OK"},
            "attributes": {},
        },
    ]
}
"""Both forms of the file that clients of MLflow send."""
