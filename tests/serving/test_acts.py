"""Endpoints as the workspace keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.serving.records import Traffic, Worker
from fettle.workspace import Workspace
from tests.serving.conftest import ENDPOINT
from tests.serving.models import MODEL

AT = datetime(2026, 1, 1, tzinfo=UTC)
WORKER = Worker(ENDPOINT, "w1", 77, "http://127.0.0.1:1", "ready", MODEL, 1, AT, AT, requests=3)


def test_deploying_names_an_endpoint_and_again_points_it_elsewhere(ws: Workspace):
    ws.registry.promote(MODEL, 2, to="challenger")
    first = ws.serving.show(ENDPOINT)
    assert (first.model, first.alias, first.host, first.port) == (MODEL, "champion", "127.0.0.1", 0)
    ws.serving.heartbeat(WORKER)
    second = ws.serving.deploy(ENDPOINT, MODEL, alias="challenger", port=8123)
    assert (second.alias, second.port, len(second.workers)) == ("challenger", 8123, 1)
    assert [each.name for each in ws.serving.endpoints()] == [ENDPOINT]


def test_the_target_follows_the_alias(ws: Workspace):
    assert ws.serving.target(ENDPOINT).version == 1
    ws.registry.promote(MODEL, 2)
    target = ws.serving.target(ENDPOINT)
    assert (target.version, target.bundle) == (2, ws.registry.show(MODEL, 2).bundle)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"endpoint": "a/b", "model": MODEL}, Invalid),
        ({"endpoint": "x", "model": "nobody"}, NotFound),
        ({"endpoint": "x", "model": MODEL, "alias": "nothing"}, NotFound),
        ({"endpoint": "x", "model": MODEL, "port": 65_536}, Invalid),
        ({"endpoint": "x", "model": MODEL, "port": -1}, Invalid),
    ],
)
def test_what_cannot_be_served_cannot_be_deployed(ws: Workspace, arguments: dict, kind: type[Exception]):
    with pytest.raises(kind):
        ws.call("serving.deploy", **arguments)
    assert [each.name for each in ws.serving.endpoints()] == [ENDPOINT]


def test_an_unknown_endpoint_offers_the_nearest(ws: Workspace):
    for verb in ("show", "target", "undeploy", "traffic"):
        with pytest.raises(NotFound, match="Did you mean 'prices'"):
            ws.call(f"serving.{verb}", endpoint="price")


def test_a_heartbeat_is_the_last_word_of_a_worker_and_leaves_no_audit_entry(ws: Workspace):
    entries = len(ws.governance.audit())
    ws.serving.heartbeat(WORKER)
    ws.serving.heartbeat(msgspec.structs.replace(WORKER, requests=9, problem="broken"))
    [seen] = ws.serving.show(ENDPOINT).workers
    assert (seen.requests, seen.problem, seen.state) == (9, "broken", "ready")
    assert datetime.now(UTC) - seen.seen_at < timedelta(minutes=1)
    assert len(ws.governance.audit()) == entries


def test_traffic_adds_up_by_minute_and_version(ws: Workspace):
    ws.serving.heartbeat(WORKER, spent=[Traffic(1, 10, 1, 20, 0.5, 2.0), Traffic(2, 5, 0, 5, 0.4, 1.0)])
    ws.serving.heartbeat(WORKER, spent=[Traffic(1, 10, 0, 10, 0.6, 1.5)])
    traffic = ws.serving.traffic(ENDPOINT)
    first = [each for each in traffic if each.version == 1]
    assert sum(each.requests for each in first) == 20
    assert sum(each.errors for each in first) == 1
    assert sum(each.rows for each in first) == 30
    assert max(each.p99_ms for each in first) == 2.0
    assert sum(each.requests for each in traffic if each.version == 2) == 5


def test_undeploying_takes_the_endpoint_away_and_late_heartbeats_do_not_bring_it_back(ws: Workspace):
    ws.serving.undeploy(ENDPOINT)
    assert ws.serving.endpoints() == []
    ws.serving.heartbeat(WORKER)
    ws.serving.deploy(ENDPOINT, MODEL)
    assert ws.serving.show(ENDPOINT).workers == []
