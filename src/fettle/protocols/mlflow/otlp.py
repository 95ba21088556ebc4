"""Spans as OpenTelemetry sends them, protobuf or JSON, read without its packages.

Kept and given back is protobuf's own JSON form, with ids in base64, as MLflow's clients read spans. Fields by number:
opentelemetry-proto 1.x, `trace.proto` and `common.proto`.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from fettle.protocols.mlflow.errors import Refused, invalid
from fettle.tracking.imports import wire
from fettle.tracking.records.traces import Span

TRACE_ID = "mlflow.traceRequestId"
"""Attribute of a span: what MLflow's client calls the trace, as JSON."""
MOST_BYTES = 32 << 20
_DEEPEST = 30
_LAST_NS = 2**63 - 1


def spans_of(body: bytes, kind: str, encoding: str) -> list[Span]:
    """The spans of an export request.

    Args:
        body: As it came.
        kind: Its media type.
        encoding: How it is compressed; empty for not at all.

    Raises:
        Refused: It is none.
    """
    body = _unpacked(body, encoding.lower())
    try:
        if kind == "application/x-protobuf":
            return [_span(each) for each in _protobuf(body)]
        if kind == "application/json":
            return [_span(each) for each in _json(body)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, msgspec.MsgspecError):
        raise Refused("BAD_REQUEST", "Invalid OpenTelemetry format") from None
    shown = kind[:80]
    raise Refused(
        "BAD_REQUEST",
        f"Invalid Content-Type: {shown}. Expected: application/x-protobuf or application/json",
    )


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Refused("BAD_REQUEST", f"Unsupported Content-Encoding: {encoding[:40]}")
    reader = zlib.decompressobj(wbits=47)  # finds out whether it is gzip or zlib
    try:
        found = reader.decompress(body, MOST_BYTES + 1)
    except zlib.error:
        raise Refused("BAD_REQUEST", f"The body is not {encoding}.") from None
    if len(found) > MOST_BYTES:
        raise invalid(f"The request is too large: at most {MOST_BYTES:,} bytes.")
    return found


def _protobuf(body: bytes) -> Iterator[dict[str, Any]]:
    """ExportTraceServiceRequest: resource_spans 1 → scope_spans 2 → spans 2."""
    for resource in _messages(body, 1):
        for scope in _messages(resource, 2):
            for span in _messages(scope, 2):
                yield _message(span, _SPAN)


def _json(body: bytes) -> Iterator[dict[str, Any]]:
    for resource in msgspec.json.decode(body, type=dict[str, Any])["resourceSpans"]:
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                ids = {
                    key: _from_hex(span[key])
                    for key in ("traceId", "spanId", "parentSpanId")
                    if span.get(key)
                }
                links = [
                    {**each, **{key: _from_hex(each[key]) for key in ("traceId", "spanId")}}
                    for each in span.get("links", [])
                ]
                yield {**span, **ids, **({"links": links} if links else {})}


def _from_hex(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


def _span(said: dict[str, Any]) -> Span:
    trace, span = (base64.b64decode(said.get(key, "")) for key in ("traceId", "spanId"))
    parent = base64.b64decode(said.get("parentSpanId", ""))
    if len(trace) != 16 or len(span) != 8:
        raise ValueError("ids of another length")
    status = said.get("status", {}).get("code", 0)
    return Span(
        trace=_trace_id(said, trace),
        id=span.hex(),
        parent=parent.hex(),
        name=str(said.get("name", "")).replace("\0", "")[:1000],
        started_ns=_moment(said.get("startTimeUnixNano", 0)),
        ended_ns=_moment(said.get("endTimeUnixNano", 0)),
        failed=status in (2, "STATUS_CODE_ERROR"),
        said=said,
    )


def _moment(value: Any) -> int:
    found = int(value)
    if not 0 <= found <= _LAST_NS:
        raise ValueError("a time outside of 1970 to 2262")
    return found


def _trace_id(said: dict[str, Any], trace: bytes) -> str:
    for each in said.get("attributes", []):
        if each.get("key") == TRACE_ID:
            told = str(each["value"].get("stringValue", ""))
            name = told.strip('"')
            if name:
                return name
    return f"tr-{trace.hex()}"


Reader = Callable[[Any, int], Any]
_Fields = dict[int, tuple[str, Reader, bool]]
"""Number → name, how the value is read, and whether the field repeats."""


def _message(data: bytes, known: _Fields, depth: int = 0) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    found: dict[str, Any] = {}
    for number, _, value in wire.fields(data):
        if number not in known:
            continue
        name, read, repeats = known[number]
        made = read(value, depth + 1)
        if repeats:
            found.setdefault(name, []).append(made)
        else:
            found[name] = made
    return found


def _messages(data: bytes, number: int) -> Iterator[bytes]:
    for found, _, value in wire.fields(data):
        if found == number and isinstance(value, bytes):
            yield value


def _nested(known: Callable[[], _Fields]) -> Reader:
    return lambda value, depth: _message(value, known(), depth)


def _text(value: Any, _: int) -> str:
    return value.decode("utf-8", "replace")


def _id(value: Any, _: int) -> str:
    return base64.b64encode(value).decode()


def _number(value: Any, _: int) -> int:
    return int(value)


def _big(value: Any, _: int) -> str:
    return str(int(value))


def _signed(value: Any, _: int) -> str:
    return str(wire.signed(value))


def _double(value: Any, _: int) -> float | str:
    found = wire.double(value)
    if math.isnan(found):
        return "NaN"
    return found if math.isfinite(found) else ("Infinity" if found > 0 else "-Infinity")


_ANY: _Fields = {
    1: ("stringValue", _text, False),
    2: ("boolValue", lambda value, _: bool(value), False),
    3: ("intValue", _signed, False),
    4: ("doubleValue", _double, False),
    5: ("arrayValue", _nested(lambda: {1: ("values", _nested(lambda: _ANY), True)}), False),
    6: ("kvlistValue", _nested(lambda: {1: ("values", _nested(lambda: _PAIR), True)}), False),
    7: ("bytesValue", _id, False),
}
_PAIR: _Fields = {1: ("key", _text, False), 2: ("value", _nested(lambda: _ANY), False)}
_EVENT: _Fields = {
    1: ("timeUnixNano", _big, False),
    2: ("name", _text, False),
    3: ("attributes", _nested(lambda: _PAIR), True),
    4: ("droppedAttributesCount", _number, False),
}
_LINK: _Fields = {
    1: ("traceId", _id, False),
    2: ("spanId", _id, False),
    3: ("traceState", _text, False),
    4: ("attributes", _nested(lambda: _PAIR), True),
    5: ("droppedAttributesCount", _number, False),
    6: ("flags", _number, False),
}
_STATUS: _Fields = {2: ("message", _text, False), 3: ("code", _number, False)}
_SPAN: _Fields = {
    1: ("traceId", _id, False),
    2: ("spanId", _id, False),
    3: ("traceState", _text, False),
    4: ("parentSpanId", _id, False),
    5: ("name", _text, False),
    6: ("kind", _number, False),
    7: ("startTimeUnixNano", _big, False),
    8: ("endTimeUnixNano", _big, False),
    9: ("attributes", _nested(lambda: _PAIR), True),
    10: ("droppedAttributesCount", _number, False),
    11: ("events", _nested(lambda: _EVENT), True),
    12: ("droppedEventsCount", _number, False),
    13: ("links", _nested(lambda: _LINK), True),
    14: ("droppedLinksCount", _number, False),
    15: ("status", _nested(lambda: _STATUS), False),
    16: ("flags", _number, False),
}
