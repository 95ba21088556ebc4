"""Traces: what calls of an application did, as a list, and one as a waterfall of its spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fettle.acts import Surface
from fettle.core.errors import NotFound
from fettle.web import talk
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.spans import DEEPEST, Step, mapping, steps_of, written
from fettle.web.svg import fill, picture
from fettle.web.tables import PAGE_ROWS, Column, cursor_page

STATES = {"": "", "OK": "ok", "ERROR": "failed", "IN_PROGRESS": "running", "STATE_UNSPECIFIED": "unknown"}
TONES = {"OK": "ok", "ERROR": "bad", "IN_PROGRESS": "busy", "STATE_UNSPECIFIED": "idle"}
ORDERS = ("-at", "at", "-took", "took")
NAME = "mlflow.traceName"
SHOWN_STEPS = 300
BAR = 1000
"""Width of a bar's drawing; the page stretches it."""


def read_traces(ws: Surface, asked: Asked) -> Facts:
    """The traces that the address asks for: by experiment, run, state and words."""
    page = ws.call(
        "tracking.trace_page",
        experiment=asked.text("experiment"),
        run=asked.text("run"),
        state=asked.choice("state", tuple(STATES)),
        words=asked.text("q"),
        order_by=asked.choice("sort", ORDERS),
        cursor=asked.text("cursor") or None,
        limit=PAGE_ROWS,
    )
    experiments = [each.name for each in ws.call("tracking.experiments")]
    return {"experiments": experiments, "traces": page.traces, "next": page.next, "states": page.states}


def draw_traces(facts: Facts, asked: Asked) -> Facts:
    """The table, and whether anything narrows it."""
    columns = [
        Column("", "Trace"),
        Column("", "State"),
        Column("", "Asked"),
        Column("", "Answered"),
        Column("took", "Took", lambda each: each.duration_ms, number=True),
        Column("", "Spans", number=True),
        Column("", "Experiment"),
        Column("at", "Began", lambda each: each.at),
    ]
    found = sum(facts["states"].values())
    state = asked.text("state")
    return {
        "table": cursor_page(facts["traces"], columns, asked, following=facts["next"], order="-at"),
        "found": facts["states"].get(state, 0) if state else found,
        "state_names": STATES,
        "tones": TONES,
        "took": lambda ms: lasted(ms * 1_000_000),
        "narrowed": any(asked.text(field) for field in ("q", "experiment", "run", "state")),
    }


def read_trace(ws: Surface, asked: Asked) -> Facts:
    """One trace with its spans."""
    id = asked.name("trace")
    found = ws.call("tracking.traces_of", ids=[id])
    if not found:
        raise NotFound(f"There is no trace {id[:200]!r}.", hint="See /traces.", subject=f"trace:{id}")
    trace = found[0]
    steps = steps_of(ws, trace.id)
    numbers = {each.number: each.name for each in ws.call("tracking.experiments")}
    return {
        "trace": trace,
        "experiment": numbers.get(trace.experiment, ""),
        "run": next(iter(ws.call("tracking.runs_of", ids=[trace.run])), None) if trace.run else None,
        "steps": steps,
        "chosen": _chosen(steps, asked.text("span")),
        **talk.heard(ws, f"trace:{trace.id}"),
    }


def _chosen(steps: Sequence[Step], span: str) -> Step | None:
    """The span that the address names, else the one that failed innermost, else the outermost."""
    if span:
        for each in steps:
            if each.id == span:
                return each
        raise NotFound.among("span", span[:200], [each.id for each in steps])
    failed = [each for each in steps if each.failed]
    return max(failed, key=lambda each: each.depth) if failed else next(iter(steps), None)


def draw_trace(facts: Facts, asked: Asked) -> Facts:
    """The waterfall, and the texts of the chosen span."""
    trace, steps, chosen = facts["trace"], facts["steps"], facts["chosen"]
    begun = min((each.started_ns for each in steps), default=0)
    ended = max((max(each.started_ns, each.ended_ns) for each in steps), default=0)
    return {
        "rows": [_row(each, begun, ended, asked, each is chosen) for each in steps[:SHOWN_STEPS]],
        "left": len(steps) - SHOWN_STEPS,
        "title": trace.tags.get(NAME, "") or (steps[0].name if steps else ""),
        "state_names": STATES,
        "tones": TONES,
        "texts": _texts(chosen) if chosen else [],
        "began": lasted(chosen.started_ns - begun) if chosen else "",
        "took": _took(chosen) if chosen else "",
        "events": [
            {**each, "after": lasted(each["at_ns"] - begun)} for each in (chosen.events if chosen else [])
        ],
        "judged": [_judgement(each) for each in trace.assessments.values()],
        "whole": lasted(ended - begun),
        "took_in_all": "goes on" if trace.duration_ms is None else lasted(trace.duration_ms * 1_000_000),
        "written": written,
    }


def _row(step: Step, begun: int, ended: int, asked: Asked, here: bool) -> dict[str, Any]:
    tone = "bad" if step.failed else "busy" if not step.ended_ns else "a"
    return {
        "step": step,
        "depth": min(step.depth, DEEPEST),
        "here": here,
        "href": f"{asked.link(span=step.id)}#span",
        "took": _took(step),
        "bar": _bar(step, begun, ended, tone),
    }


def _bar(step: Step, begun: int, ended: int, tone: str) -> Any:
    """Where a span lies in its trace."""
    whole = max(1, ended - begun)
    end = step.ended_ns or ended
    x = (step.started_ns - begun) / whole * BAR
    width = max(3.0, (end - step.started_ns) / whole * BAR)
    x = min(max(0.0, x), BAR - 3.0)
    drawn = fill(
        '<rect class="f-{}" x="{}" y="1" width="{}" height="10" rx="2"/>', tone, x, min(width, BAR - x)
    )
    label = f"{_took(step)}, {lasted(step.started_ns - begun)} after the beginning"
    return picture("span-bar", BAR, 12, label, [drawn])


def _took(step: Step) -> str:
    return lasted(step.ended_ns - step.started_ns) if step.ended_ns else "goes on"


def lasted(ns: int) -> str:
    """Nanoseconds as people read them; what would be rounded to 1000 of a unit is one of the next."""
    if abs(ns) >= 59_995_000_000:
        return f"{ns / 60e9:.1f} min"
    if abs(ns) >= 999_950_000:
        return f"{ns / 1e9:.2f} s"
    return f"{ns / 1e6:.1f} ms" if abs(ns) >= 999_500 else f"{ns / 1e3:.0f} µs"


def _texts(step: Step) -> list[tuple[str, str]]:
    """What went in and came out, where anything was told."""
    return [
        (title, written(value))
        for title, value in (("Inputs", step.inputs), ("Outputs", step.outputs))
        if value is not None
    ]


def _judgement(said: dict[str, Any]) -> dict[str, Any]:
    """An assessment in short: what was judged, by whom, how and why."""
    kind = next((each for each in ("feedback", "expectation") if isinstance(said.get(each), dict)), "")
    told, source = mapping(said.get(kind)), mapping(said.get("source"))
    return {
        "name": str(said.get("assessment_name") or said.get("name") or ""),
        "kind": kind,
        "value": told.get("value", told),
        "by": str(source.get("source_id") or source.get("source_type") or ""),
        "why": str(said.get("rationale") or ""),
        "error": str(mapping(told.get("error")).get("error_message", "")),
    }


PAGES = (
    Page("/traces", "tracking/traces.html", read_traces, draw_traces),
    Page("/traces/{trace}", "tracking/trace.html", read_trace, draw_trace),
)
