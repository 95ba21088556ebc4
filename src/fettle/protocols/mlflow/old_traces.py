"""Traces in the second form, as clients before 3.0 tell of them: begun and ended in two calls."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from fettle.protocols.mlflow import experiments
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.experiments import Tag
from fettle.protocols.mlflow.trace_json import old_json, state_of
from fettle.protocols.mlflow.traces import One, found
from fettle.protocols.mlflow.translate import milliseconds, moment
from fettle.tracking.records.traces import Trace

BOOK = Book()


class OldStart(msgspec.Struct):
    """Fields of `traces`, second form."""

    experiment_id: str
    timestamp_ms: int = 0
    request_metadata: list[Tag] = []
    tags: list[Tag] = []


class OldEnd(msgspec.Struct):
    """Fields of `traces/{trace_id}`, second form."""

    trace_id: str
    timestamp_ms: int = 0
    status: str | int = "OK"
    request_metadata: list[Tag] = []
    tags: list[Tag] = []


@BOOK.on("POST", "traces")
def old_start(call: Call, asked: OldStart) -> Any:
    """Begin a trace, second form."""
    number = experiments.brief(call, asked.experiment_id).number
    metadata = {each.key: each.value for each in asked.request_metadata}
    tags = {each.key: each.value for each in asked.tags}
    made = Trace(
        id=f"tr-{secrets.token_hex(16)}",
        experiment=number,
        at=moment(asked.timestamp_ms, "timestamp_ms"),
        state="IN_PROGRESS",
        metadata=metadata,
        tags=tags,
        run=metadata.get("mlflow.sourceRun", ""),
    )
    return {"trace_info": old_json(call.perform("tracking.put_trace", trace=made))}


@BOOK.on("PATCH", "traces/{trace_id}")
def old_end(call: Call, asked: OldEnd) -> Any:
    """End a trace, second form."""
    known = found(call, asked.trace_id)
    ended = msgspec.structs.replace(
        known,
        state=state_of(asked.status),
        duration_ms=max(0, asked.timestamp_ms - milliseconds(known.at)),
        metadata={each.key: each.value for each in asked.request_metadata},
        tags={each.key: each.value for each in asked.tags},
    )
    return {"trace_info": old_json(call.perform("tracking.put_trace", trace=ended))}


@BOOK.on("GET", "traces/{trace_id}/info")
def old_info(call: Call, asked: One) -> Any:
    """Show a trace, second form."""
    return {"trace_info": old_json(found(call, asked.trace_id))}
