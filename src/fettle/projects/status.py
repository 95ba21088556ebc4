"""The loop at a glance: what there is, what answers, what is wrong, what is being done about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from fettle.acts import Surface
from fettle.core.errors import NotFound
from fettle.projects import services
from fettle.storage.clockfile import SharedClock


class Answering(msgspec.Struct, frozen=True):
    """An endpoint, what it answers with, and where."""

    endpoint: str
    model: str
    version: int
    url: str
    requests: int
    metric: str = ""
    value: float | None = None


class Status(msgspec.Struct, frozen=True):
    """Everything a person asks first. `services` are the process ids of what runs here; empty when nothing does."""

    workspace: str
    at: datetime
    clock: str
    datasets: list[dict[str, Any]]
    models: list[dict[str, Any]]
    endpoints: list[Answering]
    alerts: list[dict[str, Any]]
    intents: list[dict[str, Any]]
    services: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The status for a program."""
        return msgspec.to_builtins(self)

    def lines(self) -> list[str]:
        """The status for a person."""
        told = [f"workspace   {self.workspace}", f"time        {self.at:%Y-%m-%d %H:%M} UTC{self.clock}"]
        told += [
            f"dataset     {each['name']}  {each['rows']:,} rows, {each['commits']} commits"
            for each in self.datasets
        ]
        for each in self.models:
            champion = each["aliases"].get("champion")
            told.append(
                f"model       {each['name']}  {each['versions']} versions, champion {champion if champion else 'none'}"
            )
        for each in self.endpoints:
            where = f" at {each.url}" if each.url else ", not running"
            shown = f", {each.metric} {each.value:.4f}" if each.value is not None else ""
            told.append(
                f"endpoint    {each.endpoint}  version {each.version}{where}, {each.requests:,} requests{shown}"
            )
        told += [f"alert       {each['severity']}  {each['message']}" for each in self.alerts]
        told += [f"retraining  {each['state']}  {each['reason']}" for each in self.intents]
        running = ", ".join(f"{name} {pid}" for name, pid in self.services.items())
        told.append(f"running     {running}" if running else "running     nothing; start with `fettle serve`")
        return told


def status(ws: Surface) -> Status:
    """Read the state of a workspace."""
    roll = services.running(ws)
    return Status(
        workspace=ws.url,
        at=ws.clock.now(),
        clock=" (a replay's clock, which only the replay moves)" if isinstance(ws.clock, SharedClock) else "",
        datasets=[
            {"name": each.name, "rows": each.rows, "commits": each.commits}
            for each in ws.call("data.datasets")
        ],
        models=[
            {"name": each.name, "versions": each.versions, "aliases": each.aliases}
            for each in ws.call("registry.models")
        ],
        endpoints=[_answering(ws, each) for each in ws.call("serving.endpoints")],
        alerts=[
            {"severity": each.severity, "kind": each.kind, "message": each.message, "endpoint": each.endpoint}
            for each in ws.call("monitoring.alerts", status="open")
        ][:5],
        intents=[
            {"state": each.state, "reason": each.reason, "id": each.id}
            for each in ws.call("retraining.intents")
            if each.state not in ("promoted", "proposed", "rejected", "failed", "coalesced")
        ],
        services=dict(roll.services) if roll else {},
    )


def _answering(ws: Surface, endpoint: Any) -> Answering:  # serving's Endpoint record
    try:
        version = ws.call("registry.alias", model=endpoint.model, alias=endpoint.alias).version
    except NotFound:
        version = 0
    url = services.url_of(ws, endpoint.name) or ""
    requests = sum(worker.requests for worker in endpoint.workers)
    judged = [each for each in _windows(ws, endpoint.name) if each.performance is not None]
    last = max(judged, key=lambda window: window.end_at, default=None)
    if last is None or last.performance is None:
        return Answering(endpoint.name, endpoint.model, version, url, requests)
    return Answering(
        endpoint.name, endpoint.model, version, url, requests, last.performance.metric, last.performance.value
    )


def _windows(ws: Surface, endpoint: str) -> list[Any]:
    try:
        return ws.call("monitoring.windows", endpoint=endpoint)
    except NotFound:
        return []
