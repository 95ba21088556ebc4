"""The address of every kind of page, for a workspace with a life."""

from __future__ import annotations

from urllib.parse import quote

from fettle.acts import Surface
from tests.web.life import NAME

LISTS = (
    "/",
    "/data",
    "/labels",
    "/features",
    "/privacy",
    "/pipelines",
    "/runs",
    "/traces",
    "/evaluation",
    "/models",
    "/endpoints",
    "/monitoring",
    "/alerts",
    "/intents",
    "/lineage",
    "/audit",
    "/reports",
    "/mentions",
    "/notices",
)


def details(ws: Surface) -> list[str]:
    """One page of each kind that shows a single thing."""
    runs = ws.call("tracking.runs", experiment=NAME)
    search = next(each for each in runs if each.name == "search")
    trial = next(each for each in runs if each.parent == search.id)
    flow = ws.call("pipelines.runs", limit=1)[0]
    commit = ws.call("data.show", ref=NAME)
    window = ws.call("monitoring.windows", endpoint=NAME)[1]
    intents = ws.call("retraining.intents")
    ended = next(each for each in intents if each.state in ("promoted", "rejected"))
    return [
        f"/data/{NAME}",
        f"/data/{NAME}@{commit.parent}",
        f"/pipelines/{flow.id}",
        f"/pipelines/{flow.id}?step=3",
        f"/runs/{search.id}",
        f"/runs/{trial.id}",
        f"/runs/{trial.id}?smoothing=0.6&scale=log",
        f"/runs/compare?q=parent%20%3D%20%22{search.id}%22",
        "/runs?col=params.C&col=metrics.loss.min",
        f"/models/{NAME}",
        f"/models/{NAME}/1",
        f"/endpoints/{NAME}",
        f"/endpoints/{NAME}?minutes=15",
        f"/monitoring/{NAME}",
        f"/monitoring/{NAME}?at={quote(window.start_at.isoformat())}&feature=nswprice",
        f"/alerts/{ws.call('monitoring.alerts')[0].id}",
        f"/intents/{ended.id}",
        f"/lineage?focus=model:{NAME}@2",
    ]
