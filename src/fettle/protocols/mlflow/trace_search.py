"""Search among traces: by state, time, tags, metadata and what was judged of them."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import invalid
from fettle.protocols.mlflow.filters import Values, ordered, parse
from fettle.protocols.mlflow.names import experiment_number
from fettle.protocols.mlflow.paging import offset_of, page, token_of
from fettle.protocols.mlflow.trace_json import NAME, Location, info_json, old_json
from fettle.protocols.mlflow.translate import milliseconds
from fettle.tracking.records.traces import Trace

BOOK = Book()
MOST_PAGE = 500
MOST_LOOKED_AT = 100_000
"""A filter or another order looks at so many of the newest traces."""

_NUMBERS = ("timestamp", "timestamp_ms", "execution_time", "execution_time_ms", "end_time", "end_time_ms")
_TEXTS = (
    "request_id",
    "trace_id",
    "status",
    "state",
    "client_request_id",
    "name",
    "run_id",
    "prompt",
    "experiment_id",
)
_ATTRIBUTES: dict[str, type] = {**dict.fromkeys(_NUMBERS, int), **dict.fromkeys(_TEXTS, str)}
FAMILIES = {
    "attribute": _ATTRIBUTES,
    "trace": _ATTRIBUTES,
    "tag": None,
    "metadata": None,
    "request_metadata": None,
    "feedback": None,
    "expectation": None,
}


class Search(msgspec.Struct):
    """Fields of `traces/search`."""

    locations: list[Location] = []
    filter: str = ""
    max_results: int = 100
    order_by: list[str] = []
    page_token: str = ""


class OldSearch(msgspec.Struct):
    """Fields of `traces`, second form."""

    experiment_ids: list[str] = []
    filter: str = ""
    max_results: int = 100
    order_by: list[str] = []
    page_token: str = ""


@BOOK.on("POST", "traces/search", version="3.0")
def search(call: Call, asked: Search) -> Any:
    """Find traces."""
    numbers = [experiment_number(each.mlflow_experiment.experiment_id) for each in asked.locations]
    some, token = _found(call, numbers, asked)
    answer: dict[str, Any] = {"traces": [info_json(each) for each in some]} if some else {}
    return {**answer, "next_page_token": token} if token else answer


@BOOK.on("GET", "traces")
def old_search(call: Call, asked: OldSearch) -> Any:
    """Find traces, second form."""
    some, token = _found(call, [experiment_number(each) for each in asked.experiment_ids], asked)
    answer: dict[str, Any] = {"traces": [old_json(each) for each in some]} if some else {}
    return {**answer, "next_page_token": token} if token else answer


def _found(call: Call, numbers: list[int], asked: Search | OldSearch) -> tuple[list[Trace], str | None]:
    if not numbers:
        raise invalid("At least one experiment must be named.")
    if not 1 <= asked.max_results <= MOST_PAGE:
        raise invalid(f"max_results must be between 1 and {MOST_PAGE}. Got {asked.max_results}.")
    holds = parse(asked.filter, FAMILIES)
    start = offset_of(asked.page_token)
    if not asked.filter.strip() and not asked.order_by:
        most = asked.max_results
        some = call.perform("tracking.traces", experiments=numbers, most=most + 1, start=start)
        return some[:most], token_of(start + most) if len(some) > most else None
    known = call.perform("tracking.traces", experiments=numbers, most=MOST_LOOKED_AT)
    matching = [each for each in known if holds(values_of(each))]
    return page(
        ordered(matching, asked.order_by, values_of, list(_ATTRIBUTES)), asked.page_token, asked.max_results
    )


def values_of(trace: Trace) -> Values:
    """What a trace is searched by."""
    began, took = milliseconds(trace.at), trace.duration_ms
    ended = None if took is None else began + took
    attributes: dict[str, Any] = {
        "timestamp": began,
        "timestamp_ms": began,
        "execution_time": took,
        "execution_time_ms": took,
        "end_time": ended,
        "end_time_ms": ended,
        "request_id": trace.id,
        "trace_id": trace.id,
        "status": trace.state,
        "state": trace.state,
        "client_request_id": trace.client_id or None,
        "name": trace.tags.get(NAME),
        "run_id": trace.run or None,
        "prompt": trace.tags.get("mlflow.linkedPrompts"),
        "experiment_id": str(trace.experiment),
    }
    values: dict[tuple[str, str], Any] = {("attribute", key): value for key, value in attributes.items()}
    values |= {("trace", key): value for key, value in attributes.items()}
    values |= {("tag", key): value for key, value in trace.tags.items()}
    for family in ("metadata", "request_metadata"):
        values |= {(family, key): value for key, value in trace.metadata.items()}
    for each in trace.assessments.values():
        for family in ("feedback", "expectation"):
            if family in each and each.get("valid", True):
                values[(family, each["assessment_name"])] = _judged(each[family])
    return values


def _judged(said: Any) -> str:
    """The value of a feedback or an expectation as text."""
    value = said.get("value") if isinstance(said, dict) else said
    return str(value).lower() if isinstance(value, bool) else str(value)
