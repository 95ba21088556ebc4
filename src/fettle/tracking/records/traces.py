"""Traces: what a call of an application did, step by step, as its client tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

TraceState = Literal["STATE_UNSPECIFIED", "IN_PROGRESS", "OK", "ERROR"]


class Trace(msgspec.Struct, frozen=True):
    """One trace, without its spans.

    Attributes:
        id: As its client calls it.
        experiment: The number of the experiment it belongs to.
        at: When it began.
        duration_ms: How long it took; None while it goes on.
        state: How it ended.
        client_id: What the client's own requests call it; empty if nothing.
        request: The beginning of what was asked.
        response: The beginning of what was answered.
        run: The run it belongs to; empty if none does.
        metadata: What its client said of it once and for all.
        tags: Tag → text.
        assessments: What people and programs judged of it, as told, each under its id.
    """

    id: str
    experiment: int
    at: datetime
    duration_ms: int | None = None
    state: TraceState = "STATE_UNSPECIFIED"
    client_id: str = ""
    request: str = ""
    response: str = ""
    run: str = ""
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    assessments: dict[str, dict[str, Any]] = {}


class Span(msgspec.Struct, frozen=True):
    """One step of a trace.

    Attributes:
        trace: The trace's id.
        id: The span's id, 16 hexadecimal digits.
        parent: The id of the span around it; empty for the outermost.
        name: What was done.
        started_ns: When it began, in nanoseconds since 1970.
        ended_ns: When it ended; 0 while it goes on.
        failed: Whether it ended with an error.
        said: The whole of it, in the JSON form of OpenTelemetry's protocol.
    """

    trace: str
    id: str
    parent: str
    name: str
    started_ns: int
    ended_ns: int
    failed: bool
    said: dict[str, Any]
