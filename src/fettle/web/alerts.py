"""Alerts: what monitoring has to say, with its evidence and what came of it."""

from __future__ import annotations

from typing import Any

from fettle.acts import Surface
from fettle.core.errors import NotFound
from fettle.web import talk
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

STATUSES = ("", "open", "acknowledged", "closed")
KINDS = ("", "performance", "prediction", "drift", "quality")
SEVERITIES = ("none", "notice", "warning", "critical")
SHOWN_ALERTS = 1000


def count_alarms(ws: Surface) -> int:
    """How many alerts wait for somebody; shown beside the word in the list of rooms."""
    return len(ws.call("monitoring.alerts", status="open", limit=100))


def read_alerts(ws: Surface, asked: Asked) -> Facts:
    """Alerts, by status and kind."""
    status, kind = asked.choice("status", STATUSES), asked.choice("kind", KINDS)
    alerts = ws.call("monitoring.alerts", status=status or None, kind=kind or None, limit=SHOWN_ALERTS)
    return {"alerts": alerts, "any": bool(alerts) or bool(ws.call("monitoring.alerts", limit=1))}


def draw_alerts(facts: Facts, asked: Asked) -> Facts:
    """The table of alerts."""
    columns = [
        Column(
            "severity",
            "Severity",
            lambda each: SEVERITIES.index(each.severity),
        ),
        Column("kind", "Kind", lambda each: each.kind),
        Column("", "What was seen"),
        Column("endpoint", "Endpoint", lambda each: each.endpoint),
        Column("window", "Window", lambda each: each.start_at),
        Column("status", "Status", lambda each: each.status),
        Column("at", "Raised", lambda each: each.at),
    ]
    table = arrange(facts["alerts"], columns, asked, order="-at", words=_words)
    return {"table": table, "statuses": STATUSES[1:], "kinds": KINDS[1:]}


def read_alert(ws: Surface, asked: Asked) -> Facts:
    """One alert with its evidence and the intents that name it."""
    wanted = asked.name("alert")
    alerts = ws.call("monitoring.alerts", limit=100_000)
    alert = next((each for each in alerts if each.id == wanted), None)
    if alert is None:
        raise NotFound("There is no such alert.", found=wanted[:80], hint="See all alerts at /alerts.")
    intents = [each for each in ws.call("retraining.intents", limit=1000) if wanted in repr(each.evidence)]
    return {"alert": alert, "intents": intents, **talk.heard(ws, f"alert:{alert.id}")}


def _words(alert: Any) -> str:
    return f"{alert.message} {alert.endpoint} {alert.kind} {alert.severity} {alert.model}"


PAGES = (
    Page("/alerts", "monitoring/alerts.html", read_alerts, draw_alerts),
    Page("/alerts/{alert}", "monitoring/alert.html", read_alert),
)
