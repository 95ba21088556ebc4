"""Pipelines: their runs, and one run as a graph with what each step took, gave and why it ran."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from fettle.acts import Surface
from fettle.web import graph, svg
from fettle.web.asked import Asked
from fettle.web.formats import duration, plural, tone
from fettle.web.scales import Scale
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

SHOWN_FLOWS = 500
TIMELINE_W = 260


def read_flows(ws: Surface, asked: Asked) -> Facts:
    """The newest pipeline runs."""
    name = asked.text("pipeline")
    return {"flows": ws.call("pipelines.runs", name=name or None, limit=SHOWN_FLOWS)}


def draw_flows(facts: Facts, asked: Asked) -> Facts:
    """The table of runs."""
    columns = [
        Column("name", "Pipeline", lambda flow: flow.name),
        Column("status", "Status", lambda flow: flow.status),
        Column("steps", "Steps", lambda flow: sum(flow.counts.values()), number=True),
        Column("reused", "Reused", lambda flow: flow.counts.get("reused", 0), number=True),
        Column("started_at", "Started", lambda flow: flow.started_at),
        Column("took", "Took", _seconds, number=True),
        Column("author", "By", lambda flow: flow.author),
    ]
    return {"table": arrange(facts["flows"], columns, asked, words=_words), "seconds": _seconds}


def read_flow(ws: Surface, asked: Asked) -> Facts:
    """One pipeline run with its steps, and the model versions that it led to."""
    flow = ws.call("pipelines.show", flow=asked.name("flow"))
    return {"flow": flow, "versions": ws.call("registry.made_from", flow_id=flow.id)}


def draw_flow(facts: Facts, asked: Asked) -> Facts:
    """The graph of the steps, and when each ran."""
    flow, chosen = facts["flow"], asked.text("step")
    ids = {step.seq: str(step.seq) for step in flow.steps}
    nodes = [
        graph.Node(
            id=ids[step.seq],
            title=step.name,
            figure=_figure(step),
            kind="reused" if step.status == "reused" else tone(step.status),
            href=asked.link(step=step.seq),
            after=[ids[each] for each in step.after if each in ids],
            tip=_tip(step),
            chosen=chosen == ids[step.seq],
        )
        for step in flow.steps
    ]
    return {
        "picture": graph.draw(nodes, label=f"The {plural(len(nodes), 'step')} of {flow.name}"),
        "chosen": next((step for step in flow.steps if ids[step.seq] == chosen), None),
        "names": {step.seq: step.name for step in flow.steps},
        "timeline": _timeline(flow.steps),
        "seconds": max(_seconds(flow) or 0.0, sum(step.seconds for step in flow.steps)),
    }


def _words(flow: Any) -> str:
    return f"{flow.name} {flow.status} {flow.author}"


def _seconds(flow: Any) -> float | None:
    return (flow.ended_at - flow.started_at).total_seconds() if flow.ended_at else None


def _figure(step: Any) -> str:
    if step.status == "running":
        return "running"
    if step.status == "reused":
        return "reused"
    return duration(step.seconds) if step.status == "finished" else f"{step.status}, {duration(step.seconds)}"


def _tip(step: Any) -> str:
    why = "\n".join(str(change) for change in step.changes[:8])
    return (
        f"{step.name}: {_figure(step)}"
        + (f"\n{step.error}" if step.error else "")
        + (f"\n{why}" if why else "")
    )


def _timeline(steps: Any) -> dict[int, Markup]:
    """For each step a bar from when it began to when it ended, all on one scale."""
    if not steps:
        return {}
    begin = min(step.started_at for step in steps)
    ends = [(step.started_at - begin).total_seconds() + step.seconds for step in steps]
    scale = Scale(0, max(ends) or 1.0, 0, TIMELINE_W)
    drawn = {}
    for step, end in zip(steps, ends, strict=True):
        left = scale((step.started_at - begin).total_seconds())
        drawn[step.seq] = svg.fill(
            '<svg class="bar" width="{}" height="10" aria-hidden="true">'
            '<rect class="h-0" width="{}" height="10" rx="2"/>'
            '<rect class="f-{}" x="{}" width="{}" height="10" rx="2"/></svg>',
            TIMELINE_W,
            TIMELINE_W,
            {"failed": "b", "reused": "f"}.get(step.status, "a"),
            left,
            max(scale(end) - left, 2.5),
        )
    return drawn


PAGES = (
    Page("/pipelines", "pipelines/flows.html", read_flows, draw_flows),
    Page("/pipelines/{flow}", "pipelines/flow.html", read_flow, draw_flow),
)
