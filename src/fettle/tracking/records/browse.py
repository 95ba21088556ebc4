"""What a page of traces shows: each in short, and how many there are of which kind."""

from __future__ import annotations

from datetime import datetime

import msgspec

from fettle.tracking.records.traces import TraceState


class TraceBrief(msgspec.Struct, frozen=True):
    """A trace in short.

    Attributes:
        id: As its client calls it.
        name: What its outermost span is called; empty where nobody said.
        experiment: The name of its experiment; empty where that is gone.
        at: When it began.
        duration_ms: How long it took; None while it goes on.
        state: How it ended.
        run: The run it belongs to; empty if none does.
        request: The beginning of what was asked.
        response: The beginning of what was answered.
        spans: How many spans are kept beside it.
    """

    id: str
    name: str
    experiment: str
    at: datetime
    duration_ms: int | None
    state: TraceState
    run: str
    request: str
    response: str
    spans: int


class TracePage(msgspec.Struct, frozen=True):
    """Some of the traces that were asked for.

    Attributes:
        traces: In the order that was asked for.
        next: The cursor of the next page; None behind the last one.
        states: State → how many traces that fit are in it, on all pages.
    """

    traces: list[TraceBrief]
    next: str | None
    states: dict[str, int]
