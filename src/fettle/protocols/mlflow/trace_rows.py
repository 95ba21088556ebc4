"""What of traces is summed up: one value for each trace, span or assessment, and what they are grouped by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from fettle.core import ids
from fettle.protocols.mlflow.calls import Call
from fettle.protocols.mlflow.trace_json import NAME
from fettle.protocols.mlflow.translate import milliseconds
from fettle.tracking.records.traces import Span, Trace

SESSION, TOKENS = "mlflow.trace.session", "mlflow.trace.tokenUsage"
_TYPE, _COST = "mlflow.spanType", "mlflow.llm.cost"
_MODEL, _PROVIDER = "mlflow.llm.model", "mlflow.llm.provider"
_AT_ONCE = 500


class Row(NamedTuple):
    """One value.

    Attributes:
        trace: The trace it is of.
        value: The number that is summed up; for a count, one that tells the counted apart where that matters.
        at_ms: When, for what is grouped by time.
        timed_ms: When, for what is asked of a stretch of time.
        own: What it may be grouped by.
    """

    trace: Trace
    value: float
    at_ms: int
    timed_ms: float
    own: dict[str, str | None]


def trace_rows(traces: Iterable[Trace], metric: str) -> Iterator[Row]:
    """A row for each trace that has the metric."""
    for each in traces:
        value = _of_trace(each, metric)
        if value is not None:
            at = milliseconds(each.at)
            yield Row(each, value, at, at, {"trace_name": each.tags.get(NAME), "trace_status": each.state})


def _of_trace(trace: Trace, metric: str) -> float | None:
    if metric == "trace_count":
        return 1.0
    if metric == "latency":
        return None if trace.duration_ms is None else float(trace.duration_ms)
    if metric == "session_count":
        session = trace.metadata.get(SESSION)
        return None if session is None else float(int(ids.digest(session.encode())[:13], 16))
    return _entry(trace.metadata.get(TOKENS), metric)


def span_rows(call: Call, traces: list[Trace], metric: str, first: float, last: float) -> Iterator[Row]:
    """A row for each span that has the metric.

    Args:
        call: Who asks.
        traces: Of which.
        metric: Such as `latency`.
        first: The beginning of the time that is asked for, in milliseconds; saves reading spans of other traces.
        last: Its end.
    """
    costs = metric.endswith("_cost")
    if not costs:  # these are asked for by the time of the trace
        traces = [each for each in traces if first <= milliseconds(each.at) <= last]
    for start in range(0, len(traces), _AT_ONCE):
        some = {each.id: each for each in traces[start : start + _AT_ONCE]}
        for trace, spans in call.perform("tracking.spans_of", ids=list(some)).items():
            for each in spans:
                value = _of_span(each, metric)
                if value is not None:
                    at = each.started_ns // 1_000_000
                    timed = at if costs else milliseconds(some[trace].at)
                    yield Row(some[trace], value, at, timed, _span_groups(each))


def _of_span(span: Span, metric: str) -> float | None:
    if metric == "span_count":
        return 1.0
    if metric == "latency":
        return float((span.ended_ns - span.started_ns) // 1_000_000) if span.ended_ns else None
    return _entry(_attribute(span, _COST), metric)


def _span_groups(span: Span) -> dict[str, str | None]:
    code = span.said.get("status", {}).get("code", 0) if isinstance(span.said.get("status"), dict) else 0
    fine = code in (1, "1", "STATUS_CODE_OK")
    return {
        "span_name": span.name,
        "span_type": _text(_attribute(span, _TYPE)),
        "span_status": "ERROR" if span.failed else "OK" if fine else "UNSET",
        "span_model_name": _text(_attribute(span, _MODEL)),
        "span_model_provider": _text(_attribute(span, _PROVIDER)),
    }


def assessment_rows(traces: Iterable[Trace], metric: str) -> Iterator[Row]:
    """A row for each assessment that holds and has the metric."""
    for trace in traces:
        at = milliseconds(trace.at)
        for each in trace.assessments.values():
            kind = next((name for name in ("feedback", "expectation", "issue") if name in each), None)
            said = each.get(kind) if kind else None
            value = said.get("value") if isinstance(said, dict) else None
            number = 1.0 if metric == "assessment_count" else _judged(value)
            if each.get("valid", True) and number is not None:
                groups = {
                    "assessment_name": str(each.get("assessment_name", "")),
                    "assessment_value": msgspec.json.encode(value).decode(),
                    "assessment_type": kind,
                }
                yield Row(trace, number, at, at, groups)


def _judged(value: Any) -> float | None:
    """A judgement as a number: true and yes are 1, false and no are 0; None where it is none."""
    if isinstance(value, str):
        return {"yes": 1.0, "no": 0.0}.get(value.strip().lower())
    return _finite(value)


def _finite(value: Any) -> float | None:
    if not isinstance(value, bool | int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _entry(said: Any, key: str) -> float | None:
    """A number of a JSON object, which may be written as text."""
    if isinstance(said, str):
        try:
            said = msgspec.json.decode(said)
        except (msgspec.DecodeError, RecursionError):
            return None
    return _finite(said.get(key)) if isinstance(said, dict) else None


def _attribute(span: Span, key: str) -> Any:
    """An attribute of a span as its client wrote it; MLflow's are JSON in a text."""
    given = span.said.get("attributes")
    for each in given if isinstance(given, list) else ():
        if isinstance(each, dict) and each.get("key") == key:
            value = each.get("value")
            return next(iter(value.values()), None) if isinstance(value, dict) else None
    return None


def _text(said: Any) -> str | None:
    if not isinstance(said, str):
        return None
    try:
        decoded = msgspec.json.decode(said)
    except (msgspec.DecodeError, RecursionError):
        return said
    return decoded if isinstance(decoded, str) else said
