"""The page of notices: what is told of subscriptions and messages, what never is, and who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fettle.workspace import Workspace
from tests.web.conftest import Open
from tests.web.test_browser import violations
from tests.web.test_labels import served

HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)">'"&{{7*7}}"""
SECRETS = ("tok-8812", "path-7731", "hush-4450")
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Two subscriptions, of which one has a message that did not arrive."""
    monkeypatch.setenv("FETTLE_OUTGOING_PRIVATE", "127.0.0.1")
    with Workspace.create(tmp_path, actor="user:ada") as workspace:
        told = workspace.governance.subscribe(
            f"{NOBODY}/path-7731?token=tok-8812", ["registry.*"], name=f"team {HOSTILE}", secret="hush-4450"
        )
        workspace.governance.subscribe(f"{NOBODY}/other", ["monitoring.*"], active=False)
        workspace.call("registry.make", model="fraud", description=HOSTILE)
        workspace.governance.deliver()
        assert told.subscription.active
        yield workspace


@pytest.fixture
def http(ws: Workspace) -> Iterator[httpx.Client]:
    """A client of the whole server."""
    with served(ws) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def test_messages_are_shown_and_secrets_never(ws: Workspace, http: httpx.Client):
    page, twin = http.get("/notices").text, http.get("/notices.json").text
    for told in ("registry.made", "model:fraud", "waiting", "did not answer", "active", "stopped", NOBODY):
        assert told in page, told
    for secret in SECRETS:
        assert secret not in page
        assert secret not in twin
    assert "<script>alert" not in page
    (delivery,) = http.get("/notices.json").json()["deliveries"]
    assert (delivery["status"], delivery["attempts"]) == ("waiting", 1)


def test_messages_are_chosen_by_status_and_receiver(ws: Workspace, http: httpx.Client):
    first, other = (each.id for each in ws.governance.subscriptions())
    found = {
        path: len(http.get(f"/notices.json?{path}").json()["deliveries"])
        for path in ("status=waiting", "status=failed", f"to={first}", f"to={other}")
    }
    assert list(found.values()) == [1, 0, 1, 0]
    assert http.get("/notices?status=lost").status_code == 422
    assert "Nothing fits" in http.get("/notices?q=nothing").text


def test_a_subscription_is_stopped_and_goes_on(ws: Workspace, http: httpx.Client):
    first = ws.governance.subscriptions()[0].id
    for doing, active in (("stop", False), ("go", True)):
        answer = http.post("/notices", data={"subscription": first, "do": doing})
        assert (answer.status_code, answer.headers["location"]) == (303, "/notices")
        assert ws.governance.subscriptions()[0].active is active


def test_a_message_is_sent_again(ws: Workspace, http: httpx.Client):
    (delivery,) = ws.governance.deliveries()
    assert http.post("/notices", data={"delivery": delivery.id, "do": "redeliver"}).status_code == 303
    assert ws.governance.deliveries()[0].attempts == 0
    assert http.post("/notices", data={"delivery": "none", "do": "redeliver"}).status_code == 404
    assert http.post("/notices", data={"delivery": delivery.id, "do": "burn"}).status_code == 422


def test_only_administrators_change_something(ws: Workspace, http: httpx.Client):
    ws.call("governance.grant", actor="user:root", role="admin")
    secret = ws.call("governance.grant", actor="user:eve", role="editor").secret
    ours = {"Origin": str(http.base_url).rstrip("/")}
    http.post("/sign-in", data={"token": secret}, headers=ours)
    assert http.get("/notices").status_code == 200
    subscription = ws.governance.subscriptions()[0].id
    answer = http.post("/notices", data={"subscription": subscription, "do": "stop"}, headers=ours)
    assert answer.status_code == 403
    assert ws.governance.subscriptions()[0].active


def test_where_nobody_is_told_the_command_is(empty_site: str):
    page = httpx.get(f"{empty_site}/notices").text
    assert "Nobody is told of anything" in page
    assert "fettle governance subscribe" in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_notices_are_accessible(visit: Open, http: httpx.Client, axe: str, theme: str):
    for width in (1280, 390):
        page = visit(theme, address=str(http.base_url), width=width).go("/notices")
        assert violations(page, axe, theme) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
