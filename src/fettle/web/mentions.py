"""Who called whom: the comments that name somebody."""

from __future__ import annotations

from urllib.parse import quote

from fettle.acts import Surface
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page

SHOWN = 100
_PLACES = {
    "run": "/runs/{}",
    "model": "/models/{}",
    "version": "/models/{}",
    "alert": "/alerts/{}",
    "report": "/reports/{}",
    "endpoint": "/endpoints/{}",
    "dataset": "/data/{}",
    "intent": "/intents/{}",
    "trace": "/traces/{}",
    "experiment": "/runs?experiment={}",
}


def read_mentions(ws: Surface, asked: Asked) -> Facts:
    """The newest comments that name somebody; oneself where the address names nobody."""
    actor = asked.text("actor")
    return {"actor": actor, "comments": ws.call("tracking.mentions", actor=actor, limit=SHOWN)}


def draw_mentions(facts: Facts, _: Asked) -> Facts:
    """Where each of them stands."""
    return {"places": {each.id: place_of(each.subject) for each in facts["comments"]}}


def place_of(subject: str) -> str:
    """The page of what a comment is about; empty where it has none.

    Example:
        >>> place_of("version:fraud/3"), place_of("run:a b"), place_of("moon:1")
        ('/models/fraud/3', '/runs/a%20b', '')
    """
    kind, _, name = subject.partition(":")
    return _PLACES[kind].format(quote(name, safe="/")) if kind in _PLACES else ""


PAGES = (Page("/mentions", "tracking/mentions.html", read_mentions, draw_mentions),)
