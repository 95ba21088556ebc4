"""Retraining: the intents, what brought each about, and how far it came."""

from __future__ import annotations

from typing import Any

from fettle.acts import Surface
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

STATES = (
    "",
    "observed",
    "blocked",
    "decided",
    "training",
    "evaluating",
    "promoted",
    "proposed",
    "rejected",
    "failed",
    "coalesced",
)
WAY = ("observed", "decided", "training", "evaluating")
ENDS = ("promoted", "proposed", "rejected", "failed", "coalesced")
SHOWN_INTENTS = 1000


def read_intents(ws: Surface, asked: Asked) -> Facts:
    """The intents and the policies that rule them."""
    state = asked.choice("state", STATES)
    return {
        "intents": ws.call("retraining.intents", state=state or None, limit=SHOWN_INTENTS),
        "policies": ws.call("retraining.policies"),
    }


def draw_intents(facts: Facts, asked: Asked) -> Facts:
    """The table of intents."""
    columns = [
        Column("at", "Observed", lambda each: each.at),
        Column("trigger", "Trigger", lambda each: each.trigger),
        Column("project", "Project", lambda each: each.project),
        Column("state", "State", lambda each: each.state),
        Column(
            "version", "Version", lambda each: each.candidate.version if each.candidate else None, number=True
        ),
        Column("", "Reason"),
    ]
    table = arrange(facts["intents"], columns, asked, order="-at", words=_words)
    return {"table": table, "states": STATES[1:]}


def read_intent(ws: Surface, asked: Asked) -> Facts:
    """One intent with all its moves."""
    return {"intent": ws.call("retraining.show", intent=asked.name("intent"))}


def draw_intent(facts: Facts, _: Asked) -> Facts:
    """How far along the way it is."""
    intent = facts["intent"]
    been = [move.after for move in intent.history]
    end = intent.state if intent.state in ENDS else "promoted or rejected"
    steps = []
    for name in (*WAY, end):
        kind = "now" if name == intent.state else "done" if name in been else ""
        steps.append((name, kind))
    if intent.state == "blocked":
        steps.insert(1, ("blocked", "now"))
    return {"steps": steps}


def _words(intent: Any) -> str:
    return f"{intent.project} {intent.trigger} {intent.state} {intent.reason} {intent.id}"


PAGES = (
    Page("/intents", "retraining/intents.html", read_intents, draw_intents),
    Page("/intents/{intent}", "retraining/intent.html", read_intent, draw_intent),
)
