"""Governance: who changed what and why, whether that record is whole, and what led to what."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.acts import Surface
from fettle.web import graph
from fettle.web.asked import Asked
from fettle.web.formats import day, plural, segment
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

SHOWN_ENTRIES = 2000
WORDS = {
    "source": "source",
    "commit": "data",
    "flow": "pipeline",
    "run": "run",
    "model": "model",
    "endpoint": "endpoint",
}


def read_audit(ws: Surface, _: Asked) -> Facts:
    """The newest entries of the audit, and whether the chain holds."""
    return {
        "entries": ws.call("governance.audit", limit=SHOWN_ENTRIES),
        "verdict": ws.call("governance.verify"),
    }


def draw_audit(facts: Facts, asked: Asked) -> Facts:
    """The table of entries."""
    columns = [
        Column("seq", "No.", lambda each: each.seq, number=True),
        Column("at", "When", lambda each: each.at),
        Column("actor", "Who", lambda each: each.actor),
        Column("act", "What", lambda each: each.act),
        Column("", "With"),
        Column("", "Result"),
        Column("", "Hash"),
    ]
    return {"table": arrange(facts["entries"], columns, asked, order="-seq", words=_words)}


def _words(entry: Any) -> str:
    arguments = msgspec.json.encode(entry.arguments).decode()
    return f"{entry.seq} {entry.actor} {entry.act} {entry.outcome} {arguments} {entry.hash}"


def read_lineage(ws: Surface, asked: Asked) -> Facts:
    """What led to a thing and what came of it; without a focus, the things to begin with."""
    focus = asked.text("focus")
    models = ws.call("registry.models")
    if not focus:
        return {"lineage": None, "models": models, "datasets": ws.call("data.datasets")}
    return {"lineage": ws.call("governance.lineage", subject=focus), "models": models, "datasets": []}


def draw_lineage(facts: Facts, _: Asked) -> Facts:
    """The graph of what led to what."""
    lineage = facts["lineage"]
    if lineage is None:
        return {"picture": "", "links": []}
    labels = {each.id: each.label for each in lineage.things}
    after: dict[str, list[str]] = {}
    for link in lineage.links:
        after.setdefault(link.target, []).append(link.source)
    nodes = [
        graph.Node(
            id=each.id,
            title=each.label,
            figure=_kind_and_day(each),
            kind="ok" if each.id == lineage.focus else "idle",
            href=f"/lineage?focus={segment(each.id)}",
            after=after.get(each.id, ()),
            tip="\n".join([each.label, *(f"{key} {value}" for key, value in each.detail.items())]),
            chosen=each.id == lineage.focus,
        )
        for each in lineage.things
    ]
    return {
        "picture": graph.draw(
            nodes, label=f"{plural(len(nodes), 'thing')} around {labels.get(lineage.focus, '')}"
        ),
        "links": [
            (link, labels.get(link.source, link.source), labels.get(link.target, link.target))
            for link in lineage.links
        ],
        "homes": {each.id: home_of(each) for each in lineage.things},
    }


def _kind_and_day(thing: Any) -> str:
    kind = WORDS.get(str(thing.kind)) or str(thing.kind)
    return f"{kind}, {day(thing.at)}" if thing.at else kind


def home_of(thing: Any) -> str:
    """The page of a thing; empty where it has none."""
    _, _, name = thing.id.partition(":")
    if thing.kind == "model":
        model, _, version = name.partition("@")
        return f"/models/{segment(model)}" + (f"/{segment(version)}" if version else "")
    homes = {"run": "/runs/", "flow": "/pipelines/", "endpoint": "/endpoints/", "commit": "/data/"}
    return f"{homes[thing.kind]}{segment(name)}" if thing.kind in homes else ""


PAGES = (
    Page("/audit", "governance/audit.html", read_audit, draw_audit),
    Page("/lineage", "governance/lineage.html", read_lineage, draw_lineage),
)
