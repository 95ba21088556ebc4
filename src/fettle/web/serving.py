"""Endpoints: what answers, how much it is asked, how fast it is, and which version does the work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from fettle.acts import Surface
from fettle.web import bars, curves, svg
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page

SPANS = ("60", "15", "360", "1440")


def read_endpoints(ws: Surface, _: Asked) -> Facts:
    """All endpoints with their workers and what they served in the last quarter of an hour."""
    endpoints = ws.call("serving.endpoints")
    return {
        "endpoints": endpoints,
        "traffic": {
            each.name: ws.call("serving.traffic", endpoint=each.name, minutes=15) for each in endpoints
        },
    }


def draw_endpoints(facts: Facts, _: Asked) -> Facts:
    """Each endpoint in figures, with the requests of each minute as a small curve."""
    return {
        "figures": {each.name: figures(each, facts["traffic"][each.name]) for each in facts["endpoints"]},
        "sparks": {
            name: bars.spark(
                [sum(each.requests for each in rows) for _, rows in by_minute(traffic)],
                label="requests a minute",
            )
            for name, traffic in facts["traffic"].items()
        },
    }


def read_endpoint(ws: Surface, asked: Asked) -> Facts:
    """One endpoint: its workers, and its traffic by minute and version."""
    name = asked.name("endpoint")
    minutes = int(asked.choice("minutes", SPANS))
    return {
        "endpoint": ws.call("serving.show", endpoint=name),
        "target": ws.call("serving.target", endpoint=name),
        "traffic": ws.call("serving.traffic", endpoint=name, minutes=minutes),
        "minutes": minutes,
    }


def draw_endpoint(facts: Facts, _: Asked) -> Facts:
    """Requests by version, latency, and each version's share."""
    traffic, endpoint = facts["traffic"], facts["endpoint"]
    shares: dict[int, int] = defaultdict(int)
    for each in traffic:
        shares[each.version] += each.requests
    ready = next((each for each in endpoint.workers if each.state == "ready"), None)
    return {
        "figures": figures(endpoint, traffic),
        "requests_picture": _requests(traffic),
        "latency_picture": _latency(traffic),
        "share_picture": bars.share(
            [(f"v{version}", number) for version, number in sorted(shares.items())],
            label="Share of the requests by version",
            width=1080,
        ),
        "shares": dict(sorted(shares.items())),
        "spans": sorted(SPANS, key=int),
        "url": ready.url if ready else "",
    }


def figures(endpoint: Any, traffic: Sequence[Any]) -> dict[str, Any]:
    """The endpoint in single numbers; latencies of the newest minute that had requests."""
    rows = [each for each in traffic if each.requests]
    newest = max((each.at for each in rows), default=None)
    last = [each for each in rows if each.at == newest]
    alive = [each for each in endpoint.workers if each.state == "ready"]
    return {
        "state": "ready" if alive else "down",
        "workers": len(alive),
        "requests": sum(each.requests for each in traffic),
        "errors": sum(each.errors for each in traffic),
        "all_requests": sum(each.requests for each in endpoint.workers),
        "p50_ms": _weighted(last),
        "p99_ms": max((each.p99_ms for each in last), default=None),
        "versions": sorted({each.version for each in alive}),
        "problems": [each.problem for each in endpoint.workers if each.problem and each.state != "stopped"],
    }


def by_minute(traffic: Sequence[Any]) -> list[tuple[datetime, list[Any]]]:
    """The rows of each minute from the first to the last, the quiet ones too."""
    found: dict[datetime, list[Any]] = defaultdict(list)
    for each in traffic:
        found[each.at].append(each)
    if not found:
        return []
    at, end, rows = min(found), max(found), []
    while at <= end:
        rows.append((at, found.get(at, [])))
        at += timedelta(minutes=1)
    return rows


def _weighted(rows: Sequence[Any]) -> float | None:
    requests = sum(each.requests for each in rows)
    return sum(each.p50_ms * each.requests for each in rows) / requests if requests else None


def _requests(traffic: Sequence[Any]) -> Any:
    minutes = by_minute(traffic)
    versions = sorted({each.version for each in traffic})
    lines = [
        curves.Line(
            f"v{version}",
            [
                (curves.seconds(at), sum(each.requests for each in rows if each.version == version))
                for at, rows in minutes
            ],
            svg.TONES[index % len(svg.TONES)],
        )
        for index, version in enumerate(versions)
    ]
    if any(each.errors for each in traffic):
        errors = [(curves.seconds(at), sum(each.errors for each in rows)) for at, rows in minutes]
        lines.append(curves.Line("refused", errors, "d", "dashed"))
    return curves.lines(
        lines, label="Requests a minute by version", times=True, y_range=(0, None), width=520, height=230
    )


def _latency(traffic: Sequence[Any]) -> Any:
    minutes = by_minute(traffic)
    middle = [
        (curves.seconds(at), _weighted([each for each in rows if each.requests])) for at, rows in minutes
    ]
    slow = [
        (curves.seconds(at), max((each.p99_ms for each in rows if each.requests), default=None))
        for at, rows in minutes
    ]
    return curves.lines(
        [curves.Line("p50", middle, "a"), curves.Line("p99, slowest worker", slow, "b", "dashed")],
        label="Latency by minute",
        times=True,
        y_range=(0, None),
        y_text=lambda value: f"{value:g} ms",
        width=520,
        height=230,
    )


PAGES = (
    Page("/endpoints", "serving/endpoints.html", read_endpoints, draw_endpoints),
    Page("/endpoints/{endpoint}", "serving/endpoint.html", read_endpoint, draw_endpoint),
)
