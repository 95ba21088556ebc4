"""Traces: told as they happen (OpenTelemetry) or at their end, found, tagged and deleted."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fettle.core.errors import NotFound
from fettle.protocols.mlflow import experiments, otlp
from fettle.protocols.mlflow.artifacts import require_editor
from fettle.protocols.mlflow.assessments import kept
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.names import experiment_number
from fettle.protocols.mlflow.trace_json import (
    Info,
    info_json,
    trace_json,
    trace_of,
)
from fettle.protocols.mlflow.translate import moment
from fettle.tracking.records.traces import Trace

BOOK = Book()
EXPERIMENT_HEADER, RUN_HEADER = "x-mlflow-experiment-id", "x-mlflow-run-id"
MOST_AT_ONCE = 1000


class Told(msgspec.Struct):
    """A trace."""

    trace_info: Info


class Start(msgspec.Struct):
    """Fields of `traces`."""

    trace: Told


class One(msgspec.Struct):
    """A trace by its id."""

    trace_id: str


class Several(msgspec.Struct):
    """Traces by their ids."""

    trace_ids: list[str] = []
    experiment_ids: list[str] = []


class Delete(msgspec.Struct):
    """Fields of `traces/delete-traces`."""

    experiment_id: str
    max_timestamp_millis: int | None = None
    max_traces: int | None = None
    request_ids: list[str] = []


class SetTag(msgspec.Struct):
    """Fields of `traces/{trace_id}/tags`."""

    trace_id: str
    key: str
    value: str = ""


class DropTag(msgspec.Struct):
    """Fields of `traces/{trace_id}/tags`."""

    trace_id: str
    key: str


class Link(msgspec.Struct):
    """Fields of `traces/link-to-run`."""

    run_id: str
    trace_ids: list[str] = []


class Prompt(msgspec.Struct):
    """A version of a prompt."""

    name: str
    version: str


class LinkPrompts(msgspec.Struct):
    """Fields of `traces/link-prompts`."""

    trace_id: str
    prompt_versions: list[Prompt] = []


async def receive(call: Call, request: Request) -> Response:
    """Take spans as OpenTelemetry exports them: `POST /v1/traces`."""
    require_editor(call)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > otlp.MOST_BYTES:
            raise invalid(f"The request is too large: at most {otlp.MOST_BYTES:,} bytes.")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "")
    await run_in_threadpool(_receive, call, request, bytes(body), kind, encoding)
    return Response(b"{}" if kind == "application/json" else b"", media_type=kind)


def _receive(call: Call, request: Request, body: bytes, kind: str, encoding: str) -> None:
    spans = otlp.spans_of(body, kind, encoding)
    if not spans:
        raise Refused("BAD_REQUEST", "Invalid OpenTelemetry format - no spans found")
    place = request.headers.get(EXPERIMENT_HEADER)
    if place is None:
        raise invalid(f"The header {EXPERIMENT_HEADER} must name the experiment.")
    number = experiments.brief(call, place).number
    run = request.headers.get(RUN_HEADER)
    call.perform("tracking.put_spans", experiment=number, spans=spans, run=run)


@BOOK.on("POST", "traces", version="3.0")
def start(call: Call, asked: Start) -> Any:
    """Tell of a trace, at its end."""
    info = asked.trace.trace_info
    made = trace_of(info, call.workspace.clock.now())
    experiments.brief(call, str(made.experiment))
    judged = {each["assessment_id"]: each for each in (kept(call, made.id, one) for one in info.assessments)}
    done = call.perform("tracking.put_trace", trace=msgspec.structs.replace(made, assessments=judged))
    return {"trace": {"trace_info": info_json(done)}}


@BOOK.on("GET", "traces/{trace_id}", version="3.0")
def get_info(call: Call, asked: One) -> Any:
    """Show a trace without its spans."""
    return {"trace": {"trace_info": info_json(found(call, asked.trace_id))}}


@BOOK.on("GET", "traces/get", version="3.0")
def get(call: Call, asked: One) -> Any:
    """Show a trace with its spans."""
    trace = found(call, asked.trace_id)
    return {"trace": trace_json(trace, call.perform("tracking.spans_of", ids=[trace.id]).get(trace.id, []))}


@BOOK.on("GET", "traces/batchGet", version="3.0")
def batch_get(call: Call, asked: Several) -> Any:
    """Show traces with their spans."""
    traces = _several(call, asked)
    spans = call.perform("tracking.spans_of", ids=[each.id for each in traces])
    return {"traces": [trace_json(each, spans.get(each.id, [])) for each in traces]} if traces else None


@BOOK.on("GET", "traces/batchGetInfos", version="3.0")
@BOOK.on("POST", "traces/batchGetInfos", version="3.0")
def batch_get_infos(call: Call, asked: Several) -> Any:
    """Show traces without their spans."""
    traces = _several(call, asked)
    return {"trace_infos": [info_json(each) for each in traces]} if traces else None


@BOOK.on("POST", "traces/delete-traces", version="3.0")
@BOOK.on("POST", "traces/delete-traces")
def delete(call: Call, asked: Delete) -> Any:
    """Delete traces of an experiment, by their ids or by their age."""
    if bool(asked.request_ids) == (asked.max_timestamp_millis is not None):
        raise invalid("Either `max_timestamp_millis` or `trace_ids` must be specified, but not both.")
    if asked.max_traces is not None and asked.max_traces <= 0:
        raise invalid(f"`max_traces` must be a positive integer, received {asked.max_traces}.")
    before = asked.max_timestamp_millis
    gone = call.perform(
        "tracking.delete_traces",
        experiment=experiment_number(asked.experiment_id),
        ids=asked.request_ids or None,
        before=None if before is None else moment(before, "max_timestamp_millis"),
        most=asked.max_traces,
    )
    return {"traces_deleted": gone} if gone else None


@BOOK.on("PATCH", "traces/{trace_id}/tags", version="3.0")
@BOOK.on("PATCH", "traces/{trace_id}/tags")
def set_tag(call: Call, asked: SetTag) -> None:
    """Tag a trace."""
    call.perform("tracking.tag_trace", id=found(call, asked.trace_id).id, tags={asked.key: asked.value})


@BOOK.on("DELETE", "traces/{trace_id}/tags", version="3.0")
@BOOK.on("DELETE", "traces/{trace_id}/tags")
def drop_tag(call: Call, asked: DropTag) -> None:
    """Drop a tag."""
    trace = found(call, asked.trace_id)
    if asked.key not in trace.tags:
        raise missing(f"No trace tag with key '{asked.key[:250]}' for trace with ID '{trace.id}'")
    call.perform("tracking.tag_trace", id=trace.id, untag=[asked.key])


@BOOK.on("POST", "traces/link-to-run")
@BOOK.on("POST", "traces/link-to-run", version="3.0")
def link_to_run(call: Call, asked: Link) -> None:
    """Say which run traces belong to; a trace belongs to one."""
    if len(asked.trace_ids) > 100:
        raise invalid(
            f"Cannot link more than 100 traces to a run in a single request. Provided {len(asked.trace_ids)}"
        )
    for each in call.perform("tracking.traces_of", ids=asked.trace_ids):
        call.perform("tracking.tag_trace", id=each.id, run=asked.run_id)


@BOOK.on("POST", "traces/link-prompts")
@BOOK.on("POST", "traces/link-prompts", version="3.0")
def link_prompts(call: Call, asked: LinkPrompts) -> None:
    """Say which versions of prompts a trace used."""
    trace = found(call, asked.trace_id)
    try:
        known = msgspec.json.decode(trace.tags.get("mlflow.linkedPrompts", "[]"), type=list[Prompt])
    except msgspec.MsgspecError:
        known = []
    linked = {(each.name, each.version): each for each in [*known, *asked.prompt_versions]}
    tags = {"mlflow.linkedPrompts": msgspec.json.encode(list(linked.values())).decode()}
    call.perform("tracking.tag_trace", id=trace.id, tags=tags)


def found(call: Call, trace_id: str) -> Trace:
    """The trace of an id."""
    try:
        (trace,) = call.perform("tracking.traces_of", ids=[trace_id])
    except (ValueError, NotFound):
        raise missing(f"Trace with ID '{trace_id[:300]}' not found.") from None
    return trace


def _several(call: Call, asked: Several) -> list[Trace]:
    if len(asked.trace_ids) > MOST_AT_ONCE:
        raise invalid(f"At most {MOST_AT_ONCE} traces in a request. Got {len(asked.trace_ids)}.")
    wanted = {experiment_number(each) for each in asked.experiment_ids}
    found: list[Trace] = call.perform("tracking.traces_of", ids=asked.trace_ids)
    return [each for each in found if not wanted or each.experiment in wanted]
