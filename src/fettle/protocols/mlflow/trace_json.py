"""Traces in MLflow's words: its third form, and the second of older clients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from fettle.protocols.mlflow.calls import wrong
from fettle.protocols.mlflow.errors import invalid
from fettle.protocols.mlflow.names import experiment_number
from fettle.protocols.mlflow.translate import milliseconds, moment, pairs
from fettle.tracking.records.traces import Span, Trace, TraceState

NAME, LOCATION, RUN = "mlflow.traceName", "mlflow.artifactLocation", "mlflow.sourceRun"
STATES: dict[str, TraceState] = {
    "STATE_UNSPECIFIED": "STATE_UNSPECIFIED",
    "TRACE_STATUS_UNSPECIFIED": "STATE_UNSPECIFIED",
    "OK": "OK",
    "ERROR": "ERROR",
    "IN_PROGRESS": "IN_PROGRESS",
    "0": "STATE_UNSPECIFIED",
    "1": "OK",
    "2": "ERROR",
    "3": "IN_PROGRESS",
}
_DURATION = re.compile(r"(-?\d{1,12})(?:\.(\d{1,9}))?s")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-]\d\d:\d\d))")


class Experiment(msgspec.Struct):
    """Where a trace belongs."""

    experiment_id: str


class Location(msgspec.Struct):
    """Where a trace belongs, of several kinds of which this is one."""

    mlflow_experiment: Experiment


class Info(msgspec.Struct):
    """A `TraceInfoV3` of MLflow."""

    trace_id: str
    trace_location: Location
    client_request_id: str = ""
    request: str = ""
    response: str = ""
    request_preview: str = ""
    response_preview: str = ""
    request_time: str = ""
    execution_duration: str = ""
    state: str | int = "STATE_UNSPECIFIED"
    trace_metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    assessments: list[dict[str, Any]] = []


def trace_of(info: Info, now: datetime) -> Trace:
    """Our record of a trace that a client tells of, but for its assessments."""
    return Trace(
        id=info.trace_id,
        experiment=experiment_number(info.trace_location.mlflow_experiment.experiment_id),
        at=moment_of(info.request_time) if info.request_time else now,
        duration_ms=_duration_ms(info.execution_duration) if info.execution_duration else None,
        state=state_of(info.state),
        client_id=info.client_request_id.replace("\0", ""),
        request=(info.request_preview or info.request).replace("\0", ""),
        response=(info.response_preview or info.response).replace("\0", ""),
        run=info.trace_metadata.get(RUN, ""),
        metadata=info.trace_metadata,
        tags=info.tags,
    )


def state_of(given: str | int) -> TraceState:
    """How a trace ended."""
    if str(given) not in STATES:
        raise wrong("state", given)
    return STATES[str(given)]


def info_json(trace: Trace) -> dict[str, Any]:
    """A `TraceInfoV3` of MLflow."""
    fields = {
        "trace_id": trace.id,
        "client_request_id": trace.client_id,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": str(trace.experiment)},
        },
        "request_preview": trace.request,
        "response_preview": trace.response,
        "request_time": moment_text(trace.at),
        "execution_duration": "" if trace.duration_ms is None else f"{trace.duration_ms / 1000:.3f}s",
        "state": trace.state,
        "trace_metadata": {**trace.metadata, **({RUN: trace.run} if trace.run else {})},
        "tags": tags_of(trace),
        "assessments": list(trace.assessments.values()),
    }
    return {name: value for name, value in fields.items() if value not in ("", [], {})}


def trace_json(trace: Trace, spans: list[Span]) -> dict[str, Any]:
    """A `Trace` of MLflow."""
    return {"trace_info": info_json(trace), "spans": [each.said for each in spans]}


def old_json(trace: Trace) -> dict[str, Any]:
    """A `TraceInfo` of MLflow, the second form."""
    states = {"STATE_UNSPECIFIED": "TRACE_STATUS_UNSPECIFIED"}
    fields = {
        "request_id": trace.id,
        "experiment_id": str(trace.experiment),
        "timestamp_ms": milliseconds(trace.at),
        "execution_time_ms": trace.duration_ms,
        "status": states.get(trace.state, trace.state),
        "request_metadata": pairs(trace.metadata),
        "tags": pairs(tags_of(trace)),
    }
    return {name: value for name, value in fields.items() if value is not None}


def tags_of(trace: Trace) -> Mapping[str, str]:
    """A trace's tags, with the one that says where its files lie."""
    return {LOCATION: f"mlflow-artifacts:/{trace.experiment}/traces/{trace.id}/artifacts", **trace.tags}


def moment_text(at: datetime) -> str:
    """A time as protobuf's JSON has it, in whole microseconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def moment_of(text: str) -> datetime:
    """The time of such a text.

    Raises:
        Refused: It is none, or lies before 1970.
    """
    match = _MOMENT.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        whole = datetime.fromisoformat(match.group(1) + (match.group(3) or "+00:00"))
        found = whole + timedelta(microseconds=int((match.group(2) or "0").ljust(6, "0")[:6]))
        moment(milliseconds(found), "request_time")
    except (ValueError, OverflowError):
        raise invalid(f"Invalid value {text[:80]!r} for parameter 'request_time' supplied.") from None
    return found


def _duration_ms(text: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise invalid(f"Invalid value {text[:80]!r} for parameter 'execution_duration' supplied.")
    return int(match.group(1)) * 1000 + int((match.group(2) or "0").ljust(3, "0")[:3])
