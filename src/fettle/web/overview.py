"""The overview: the loop as a picture with the state of every station, and what wants a person's eye."""

from __future__ import annotations

from fettle.acts import Surface
from fettle.web import loop, monitoring, tracking
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.stations import RUNNING, WAITING, middle, stations

SHOWN_WINDOWS = 200
SHOWN_RUNS = 8
ENDED = ("promoted", "proposed", "rejected", "failed")


def read_overview(ws: Surface, asked: Asked) -> Facts:
    """All that the picture shows, for the endpoint that the address names or else the first."""
    endpoints, models = ws.call("serving.endpoints"), ws.call("registry.models")
    named = asked.text("endpoint")
    endpoint = next((each for each in endpoints if each.name == named), endpoints[0] if endpoints else None)
    served = endpoint.model if endpoint else ""
    model = next((each for each in models if each.name == served), models[0] if models else None)
    flows = ws.call("pipelines.runs", limit=1)
    return {
        "endpoint": endpoint,
        "endpoints": endpoints,
        "models": models,
        "model": model,
        "versions": ws.call("registry.versions", model=model.name) if model else [],
        "datasets": ws.call("data.datasets"),
        "flow": ws.call("pipelines.show", flow=flows[0].id) if flows else None,
        "runs": [each for each in ws.call("tracking.runs", limit=100) if each.parent is None][:SHOWN_RUNS],
        "experiments": ws.call("tracking.experiments"),
        "alerts": ws.call("monitoring.alerts", limit=100),
        "intents": ws.call("retraining.intents", limit=50),
        **_traffic(ws, endpoint.name if endpoint else ""),
    }


def _traffic(ws: Surface, endpoint: str) -> Facts:
    """What the endpoint is asked and how well it answers; nothing where there is none."""
    if not endpoint:
        return {"traffic": [], "moves": [], "windows": [], "yardsticks": {}}
    watched = any(each.endpoint == endpoint for each in ws.call("monitoring.watches"))
    return {
        "traffic": ws.call("serving.traffic", endpoint=endpoint, minutes=60),
        "moves": monitoring.read_moves(ws, endpoint),
        "windows": ws.call("monitoring.windows", endpoint=endpoint, limit=SHOWN_WINDOWS) if watched else [],
        "yardsticks": monitoring.read_yardsticks(ws, endpoint) if watched else {},
    }


def draw_overview(facts: Facts, _: Asked) -> Facts:
    """The loop, and the lists below it."""
    return {
        "picture": loop.draw(stations(facts), middle(facts)),
        "empty": not (facts["datasets"] or facts["models"] or facts["experiments"] or facts["flow"]),
        "open": [each for each in facts["alerts"] if each.status == "open"],
        "active": [each for each in facts["intents"] if each.state in (*RUNNING, *WAITING)],
        "metric_of": tracking.main_metric,
        "done": [each for each in facts["intents"] if each.state in ENDED],
    }


PAGES = (Page("/", "overview/overview.html", read_overview, draw_overview),)
