"""The spans of a trace as a tree in the order of time, and what each says of itself.

Spans come in OpenTelemetry's JSON form beside the trace, or as `traces.json` among its files, as older clients of
MLflow write them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from fettle.acts import Surface
from fettle.core.errors import FettleError
from fettle.storage.objects import object_key

FILE = "traces.json"
FILE_BYTES = 16 << 20
DEEPEST = 12
LONGEST = 20_000
"""Characters of one text that a page shows."""
_INPUTS, _OUTPUTS, _KIND, _ID = (
    "mlflow.spanInputs",
    "mlflow.spanOutputs",
    "mlflow.spanType",
    "mlflow.traceRequestId",
)


class Step(msgspec.Struct, frozen=True):
    """One span.

    Attributes:
        id: Its id.
        parent: The id of the span around it; empty for the outermost.
        name: What was done.
        kind: Such as `LLM` or `RETRIEVER`; empty where nobody said.
        started_ns: When it began, in nanoseconds since 1970.
        ended_ns: When it ended; 0 while it goes on.
        failed: Whether it ended with an error.
        message: What it says of its end.
        inputs: What went in, as it was told; None if nothing was.
        outputs: What came out.
        attributes: What else it says.
        events: What happened meanwhile: name, time and attributes of each.
        depth: How many spans are around it.
    """

    id: str
    parent: str
    name: str
    kind: str = ""
    started_ns: int = 0
    ended_ns: int = 0
    failed: bool = False
    message: str = ""
    inputs: Any = None
    outputs: Any = None
    attributes: dict[str, Any] = {}
    events: list[dict[str, Any]] = []
    depth: int = 0


def steps_of(ws: Surface, trace: str) -> list[Step]:
    """The spans of a trace, each behind the one around it."""
    kept = ws.call("tracking.spans_of", ids=[trace]).get(trace, [])
    if kept:
        return arranged([_from_kept(each) for each in kept])
    return arranged(_from_file(ws, trace))


def arranged(steps: Sequence[Step]) -> list[Step]:
    """Steps as a tree: each is followed by its own, in the order of their beginnings.

    Whose parent is not there stands outside; a ring of parents is cut where it was first met.
    """
    known = {each.id for each in steps}
    within: dict[str, list[Step]] = {}
    for each in sorted(steps, key=lambda step: (step.started_ns, step.id)):
        within.setdefault(each.parent if each.parent in known and each.parent != each.id else "", []).append(
            each
        )
    found: dict[str, Step] = {}
    _walk(within.get("", []), within, found)
    _walk([each for each in steps if each.id not in found], within, found)
    return list(found.values())


def _walk(outermost: Iterable[Step], within: Mapping[str, Sequence[Step]], found: dict[str, Step]) -> None:
    left = [(each, 0) for each in reversed(list(outermost))]
    while left:
        step, depth = left.pop()
        if step.id not in found:
            found[step.id] = msgspec.structs.replace(step, depth=depth)
            left += [(each, depth + 1) for each in reversed(within.get(step.id, []))]


def _from_kept(span: Any) -> Step:
    said = span.said if isinstance(span.said, dict) else {}
    status = said.get("status")
    return _step(
        span.id,
        span.parent,
        span.name,
        (span.started_ns, span.ended_ns),
        span.failed,
        status.get("message", "") if isinstance(status, dict) else "",
        _attributes(said.get("attributes")),
        [
            {
                "name": each.get("name", ""),
                "at_ns": _whole(each.get("timeUnixNano")),
                "attributes": _attributes(each.get("attributes")),
            }
            for each in _objects(said.get("events"))
        ],
    )


def _from_file(ws: Surface, trace: str) -> list[Step]:
    """The spans that a client sent as a file; none where there is no such file, or it cannot be read."""
    files = ws.call("tracking.files", owner=f"trace:{trace}")
    file = next((each for each in files if each.path == FILE and each.size_bytes <= FILE_BYTES), None)
    if file is None:
        return []
    try:
        told = _loaded(ws.blobs.get(object_key(file.digest)).decode())
    except (ValueError, RecursionError, FettleError):
        return []
    return [_from_told(each) for each in _objects(told.get("spans") if isinstance(told, dict) else None)]


def _from_told(said: dict[str, Any]) -> Step:
    """A span in the form of MLflow's own files, the second or the third."""
    context, status = mapping(said.get("context")), mapping(said.get("status"))
    code = str(status.get("code") or said.get("status_code") or "")
    return _step(
        _hexed(said.get("span_id") or context.get("span_id")),
        _hexed(said.get("parent_span_id") or said.get("parent_id")),
        str(said.get("name", "")),
        (
            _whole(said.get("start_time_unix_nano") or said.get("start_time")),
            _whole(said.get("end_time_unix_nano") or said.get("end_time")),
        ),
        code in ("2", "ERROR", "STATUS_CODE_ERROR"),
        str(status.get("message") or said.get("status_message") or ""),
        {key: _read(value) for key, value in mapping(said.get("attributes")).items()},
        [
            {
                "name": str(each.get("name", "")),
                "at_ns": _whole(each.get("time_unix_nano") or each.get("timestamp")),
                "attributes": mapping(each.get("attributes")),
            }
            for each in _objects(said.get("events"))
        ],
    )


def _step(
    id: str,
    parent: str,
    name: str,
    times: tuple[int, int],
    failed: bool,
    message: str,
    attributes: dict[str, Any],
    events: list[dict[str, Any]],
) -> Step:
    left = {key: value for key, value in attributes.items() if key not in (_INPUTS, _OUTPUTS, _KIND, _ID)}
    return Step(
        id,
        parent,
        name,
        kind=kind if (kind := str(attributes.get(_KIND) or "")) != "UNKNOWN" else "",
        started_ns=times[0],
        ended_ns=times[1],
        failed=failed,
        message=str(message),
        inputs=attributes.get(_INPUTS),
        outputs=attributes.get(_OUTPUTS),
        attributes=left,
        events=events,
    )


def _attributes(told: Any) -> dict[str, Any]:
    """OpenTelemetry's list of keys and values; MLflow's clients write values as JSON in texts."""
    return {str(each.get("key", "")): _read(_value(each.get("value"))) for each in _objects(told)}


def _value(told: Any) -> Any:
    if not isinstance(told, dict) or not told:
        return told
    kind, value = next(iter(told.items()))
    if kind == "arrayValue":
        return [_value(each) for each in _objects(mapping(value).get("values"))]
    if kind == "kvlistValue":
        return {
            str(each.get("key", "")): _value(each.get("value"))
            for each in _objects(mapping(value).get("values"))
        }
    return _whole(value) if kind == "intValue" else value


def _read(value: Any) -> Any:
    """A text that is JSON as what it says."""
    if not isinstance(value, str):
        return value
    try:
        return _loaded(value)
    except (ValueError, RecursionError):
        return value


def _loaded(text: str) -> Any:
    """What a JSON text says; half characters, which no page can hold, are question marks."""
    found = json.loads(text)
    if "\\ud" not in text.lower():
        return found
    return json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))


def written(value: Any) -> str:
    """A value as people read it: texts as they are, all else as indented JSON; cut where it is very long."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…\n({len(text):,} characters in all)"


def _hexed(told: Any) -> str:
    """An id in hexadecimal digits; newer files have it in base64."""
    text = str(told or "")
    if len(text) == 12 and text.endswith("="):
        try:
            return base64.b64decode(text, validate=True).hex()
        except binascii.Error:
            return text
    return text.removeprefix("0x")


def _whole(told: Any) -> int:
    """A whole number of 64 bits, as times and OpenTelemetry's numbers are; 0 where it is none."""
    try:
        found = int(told or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
    return found if -(1 << 63) <= found < 1 << 63 else 0


def mapping(told: Any) -> dict[str, Any]:
    """A mapping, or an empty one where something else was told."""
    return told if isinstance(told, dict) else {}


def _objects(told: Any) -> list[dict[str, Any]]:
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
