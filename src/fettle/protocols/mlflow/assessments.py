"""Assessments of traces: what people and programs judged of them."""

from __future__ import annotations

import re
import secrets
from typing import Any

import msgspec

from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import invalid, missing
from fettle.protocols.mlflow.trace_json import moment_text
from fettle.tracking.records.traces import Trace

BOOK = Book()
_FIELDS = (
    "assessment_name", "trace_id", "span_id", "source", "create_time", "last_update_time", "feedback", "expectation",
    "issue", "rationale", "error", "metadata", "overrides", "valid",
)  # fmt: skip
_CHANGING = ("assessment_name", "feedback", "expectation", "rationale", "metadata", "valid")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


class Create(msgspec.Struct):
    """Fields of `traces/{trace_id}/assessments`."""

    trace_id: str
    assessment: dict[str, Any]


class One(msgspec.Struct):
    """An assessment of a trace."""

    trace_id: str
    assessment_id: str


class Update(msgspec.Struct):
    """Fields of `traces/{trace_id}/assessments/{assessment_id}`."""

    trace_id: str
    assessment_id: str
    assessment: dict[str, Any]
    update_mask: str = ""


@BOOK.on("POST", "traces/{trace_id}/assessments", version="3.0")
def create(call: Call, asked: Create) -> Any:
    """Keep an assessment; one that it overrides holds no longer."""
    trace = _trace(call, asked.trace_id)
    made = kept(call, trace.id, {**asked.assessment, "assessment_id": ""})
    replaced = trace.assessments.get(str(made.get("overrides", "")))
    if replaced is not None:
        _keep(call, trace.id, {**replaced, "valid": False})
    return {"assessment": _keep(call, trace.id, made)}


@BOOK.on("GET", "traces/{trace_id}/assessments/{assessment_id}", version="3.0")
def get(call: Call, asked: One) -> Any:
    """Show an assessment."""
    return {"assessment": _known(call, asked.trace_id, asked.assessment_id)}


@BOOK.on("PATCH", "traces/{trace_id}/assessments/{assessment_id}", version="3.0")
def update(call: Call, asked: Update) -> Any:
    """Change the fields of an assessment that the mask names."""
    known = _known(call, asked.trace_id, asked.assessment_id)
    mask = [re.sub(r"([A-Z])", r"_\1", each).lower() for each in asked.update_mask.split(",") if each]
    changing = [each for each in _CHANGING if each in mask]
    if not changing:
        raise invalid(f"The update mask must name some of {', '.join(_CHANGING)}.")
    for each, other in (("feedback", "expectation"), ("expectation", "feedback")):
        if each in changing and other in known:
            raise invalid(f"Cannot set {each} of an assessment with {other}.")
    new = {name: asked.assessment[name] for name in changing if name in asked.assessment}
    if "metadata" in new:
        new["metadata"] = {**known.get("metadata", {}), **new["metadata"]}
    changed = kept(call, asked.trace_id, {**known, **new, "last_update_time": ""})
    return {"assessment": _keep(call, asked.trace_id, changed)}


@BOOK.on("DELETE", "traces/{trace_id}/assessments/{assessment_id}", version="3.0")
def delete(call: Call, asked: One) -> None:
    """Forget an assessment; one that it overrode holds again."""
    trace = _trace(call, asked.trace_id)
    gone = trace.assessments.get(asked.assessment_id)
    if gone is None:
        return
    before = trace.assessments.get(str(gone.get("overrides", "")))
    call.perform("tracking.assess_trace", id=trace.id, assessment=asked.assessment_id)
    if before is not None:
        _keep(call, trace.id, {**before, "valid": True})


def kept(call: Call, trace_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """An assessment as it is kept: its known fields, an id, and its times."""
    if not isinstance(given.get("assessment_name"), str) or not given["assessment_name"]:
        raise invalid("Missing value for required parameter 'assessment_name'.")
    told = str(given.get("assessment_id") or f"a-{secrets.token_hex(16)}")
    if not _ID.fullmatch(told):
        raise invalid(f"Invalid value {told[:80]!r} for parameter 'assessment_id' supplied.")
    now = moment_text(call.workspace.clock.now())
    fields = {name: given[name] for name in _FIELDS if given.get(name) not in (None, "")}
    times = {"create_time": now, "last_update_time": now}
    return {**times, **fields, "assessment_id": told, "trace_id": trace_id}


def _keep(call: Call, trace_id: str, said: dict[str, Any]) -> dict[str, Any]:
    call.perform("tracking.assess_trace", id=trace_id, assessment=said["assessment_id"], said=said)
    return said


def _trace(call: Call, trace_id: str) -> Trace:
    known: list[Trace] = call.perform("tracking.traces_of", ids=[trace_id])
    if not known:
        raise missing(f"Trace with ID '{trace_id[:300]}' not found.")
    return known[0]


def _known(call: Call, trace_id: str, assessment_id: str) -> dict[str, Any]:
    found = _trace(call, trace_id).assessments.get(assessment_id)
    if found is None:
        raise missing(f"Assessment with ID '{assessment_id[:200]}' not found for trace '{trace_id[:200]}'")
    return found
