"""Events become notices: to whom, once each, signed, tried again, and never in the way of an act."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fettle.acts import Role
from fettle.core.clock import FrozenClock
from fettle.core.errors import Denied, Invalid, NotFound
from fettle.governance import carrier, signatures
from fettle.governance.acts import notices
from fettle.governance.schedule import MOST_ATTEMPTS, RETRIES_S
from fettle.storage.outgoing import PRIVATE_HOSTS
from fettle.workspace import Workspace
from tests.bundles import kept


class Receiver:
    """A real HTTP server that keeps what it was told, and answers as it is set."""

    def __init__(self) -> None:
        self.status = 200
        self.location = ""
        self.seen: list[tuple[dict[str, str], str]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.seen.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.end_headers()
                self.wfile.write(b"understood" if outer.status == 200 else b"not now")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def kinds(self) -> list[str]:
        return [json.loads(body)["kind"] for _, body in self.seen]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv(PRIVATE_HOSTS, "127.0.0.1")
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """The machine's time, in the test's hands."""
    clock = FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(notices, "MACHINE", clock)
    return clock


def register(ws: Workspace, number: int = 1, model: str = "fraud") -> None:
    ws.registry.register(model, kept(ws.blobs, number))


def test_a_subscriber_is_told_of_what_it_asked_for_from_now_on(
    workspace: Workspace, receiver: Receiver
) -> None:
    register(workspace, 1)
    made = workspace.governance.subscribe(receiver.url, ["registry.*"], subjects=["model:fraud"], name="team")
    register(workspace, 2)
    register(workspace, 3, model="churn")
    workspace.registry.promote("fraud", 2, reason="better")
    workspace.tracking.start("other")

    done = carrier.deliver_all(workspace)
    assert (done.delivered, done.postponed) == (2, 0)
    assert sorted(receiver.kinds) == ["registry.promoted", "registry.registered"]
    headers, body = receiver.seen[receiver.kinds.index("registry.promoted")]
    assert signatures.verify(made.secret, headers, body, now_s=time.time()) == headers["webhook-id"]
    told = json.loads(body)
    assert (told["subject"], told["body"]["version"], told["body"]["reason"]) == ("model:fraud", 2, "better")
    assert {each.status for each in workspace.governance.deliveries(made.subscription.id)} == {"delivered"}
    assert {(each.code, each.said) for each in workspace.governance.deliveries()} == {(200, "understood")}
    assert carrier.deliver_all(workspace).delivered == 0


def test_what_does_not_arrive_is_tried_again_and_given_up_in_the_end(
    workspace: Workspace, receiver: Receiver, machine: FrozenClock
) -> None:
    made = workspace.governance.subscribe(receiver.url, ["registry.*"]).subscription
    register(workspace)
    receiver.status = 500
    assert carrier.step(workspace).postponed == 1
    assert carrier.step(workspace).postponed == 0  # not yet
    for wait in RETRIES_S[:-1]:
        machine.advance(wait * 1.11)
        assert carrier.step(workspace).postponed == 1
    (waiting,) = workspace.governance.deliveries(made.id)
    assert (waiting.status, waiting.attempts, waiting.code, waiting.said) == (
        "waiting",
        MOST_ATTEMPTS - 1,
        500,
        "not now",
    )
    machine.advance(RETRIES_S[-1] * 1.11)
    carrier.step(workspace)
    (failed,) = workspace.governance.deliveries(made.id, status="failed")
    assert failed.attempts == MOST_ATTEMPTS == len(receiver.seen)
    assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1
    assert workspace.governance.subscription(made.id).failed == 1

    receiver.status = 200
    workspace.governance.redeliver(failed.id)
    assert carrier.step(workspace).delivered == 1
    assert receiver.seen[-1][0]["webhook-id"] == failed.id


def test_a_carrier_that_died_leaves_its_notices_to_the_next(
    workspace: Workspace, receiver: Receiver, machine: FrozenClock
) -> None:
    workspace.governance.subscribe(receiver.url, ["registry.*"])
    register(workspace)
    (parcel,) = workspace.governance.take()
    assert workspace.governance.take() == []  # it belongs to the one that took it
    machine.advance(121.0)
    assert carrier.step(workspace).delivered == 1
    workspace.governance.settle(parcel.delivery, parcel.attempt, good=False, said="late news of the dead")
    (delivered,) = workspace.governance.deliveries()
    assert (delivered.status, delivered.attempts) == ("delivered", 2)


def test_several_carriers_share_the_work(workspace: Workspace, receiver: Receiver, tmp_path: Path) -> None:
    workspace.governance.subscribe(receiver.url, ["registry.registered"])
    for number in range(20):
        register(workspace, number + 1)
    others = [Workspace.create(tmp_path) for _ in range(3)]
    threads = [threading.Thread(target=carrier.deliver_all, args=(each,)) for each in others]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    carrier.deliver_all(workspace)
    told = [headers["webhook-id"] for headers, _ in receiver.seen]
    assert len(told) == len(set(told)) == 20
    for each in others:
        each.close()


def test_an_unreachable_subscriber_is_in_nobodys_way(workspace: Workspace, receiver: Receiver) -> None:
    workspace.governance.subscribe("http://127.0.0.1:9/", ["registry.*"])
    workspace.governance.subscribe(receiver.url, ["registry.*"])
    register(workspace)
    done = carrier.step(workspace)
    assert (done.delivered, done.postponed) == (1, 1)


def test_a_stopped_subscription_hears_nothing_of_what_happens_meanwhile(
    workspace: Workspace, receiver: Receiver
) -> None:
    made = workspace.governance.subscribe(receiver.url, ["registry.*"], active=False).subscription
    register(workspace, 1)
    assert carrier.deliver_all(workspace).delivered == 0
    workspace.governance.change_subscription(made.id, active=True, events=["registry.registered"])
    register(workspace, 2)
    carrier.deliver_all(workspace)
    assert [json.loads(body)["body"]["version"] for _, body in receiver.seen] == [2]
    workspace.governance.unsubscribe(made.id)
    register(workspace, 3)
    assert carrier.deliver_all(workspace).delivered == 0
    with pytest.raises(NotFound):
        workspace.governance.subscription(made.id)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://hooks.example/",
    ],
)
def test_a_private_address_is_refused_when_the_time_comes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.delenv(PRIVATE_HOSTS, raising=False)
    workspace.governance.subscribe(target, ["registry.*"])
    register(workspace)
    if "hooks" in target:  # public when it was subscribed, private by now
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert carrier.step(workspace).postponed == 1
    (refused,) = workspace.governance.deliveries()
    assert "private network" in refused.said and refused.code is None


def test_a_redirect_to_a_private_address_is_not_followed(workspace: Workspace, receiver: Receiver) -> None:
    receiver.status, receiver.location = 307, "http://169.254.169.254/latest/"
    workspace.governance.subscribe(receiver.url, ["registry.*"])
    register(workspace)
    assert carrier.step(workspace).postponed == 1
    (seen,) = workspace.governance.deliveries()
    assert (seen.code, len(receiver.seen)) == (307, 1)


def test_a_test_notice_is_sent_at_once(workspace: Workspace, receiver: Receiver) -> None:
    from fettle.governance.errands.notices import test

    made = workspace.governance.subscribe(receiver.url, ["registry.*"], active=False).subscription
    done = test(workspace, made.id)
    assert (done.status, done.code, done.kind) == ("delivered", 200, "governance.test")
    receiver.status = 404
    assert test(workspace, made.id).code == 404


def test_secrets_are_shown_once_and_written_down_nowhere(workspace: Workspace, receiver: Receiver) -> None:
    made = workspace.governance.subscribe(
        "https://hooks.example/T00/B00/XXXX?token=abc", ["registry.*"], secret="my own secret"
    )
    assert made.secret == "my own secret"
    workspace.governance.change_subscription(made.subscription.id, secret="another secret")
    everything = [
        *workspace.governance.audit(), *workspace.governance.events(), *workspace.governance.deliveries(),
    ]  # fmt: skip
    assert {each.act for each in workspace.governance.audit()} == {
        "governance.subscribe", "governance.change_subscription",
    }  # fmt: skip
    for word in ("my own secret", "another secret", "XXXX", "token=abc"):
        assert not any(word in str(each) for each in everything)
    assert workspace.governance.verify().whole
    seen: Any = workspace.perform("governance.subscriptions", {}, actor="user:eve", role=Role.EDITOR)
    assert seen[0].target == "https://hooks.example/•••"
    assert "secret" not in str(workspace.governance.subscriptions())
    for act in ("governance.take", "governance.due"):
        with pytest.raises(Denied):
            workspace.perform(act, {}, actor="user:eve", role=Role.APPROVER)


@pytest.mark.parametrize(
    ("target", "events", "more"),
    [
        ("hooks.example", ["registry.*"], {}),
        ("ftp://hooks.example/", ["registry.*"], {}),
        ("https://user:pass@hooks.example/", ["registry.*"], {}),
        ("https://hooks.example/", [], {}),
        ("https://hooks.example/", [""], {}),
        ("https://hooks.example/", ["registry.*"], {"secret": "x" * 1000}),
        ("https://hooks.example/", ["registry.*"], {"form": "morse"}),
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused(
    workspace: Workspace, target: str, events: list[str], more: dict[str, Any]
) -> None:
    with pytest.raises((Invalid, NotFound)):
        workspace.governance.subscribe(target, events, **more)
    assert workspace.governance.subscriptions() == []


def test_apprise_reaches_named_services_and_no_host_that_was_not_allowed(
    workspace: Workspace, receiver: Receiver
) -> None:
    pytest.importorskip("apprise")
    address = receiver.url.replace("http://", "json://")
    workspace.governance.subscribe(address, ["registry.*"])  # 127.0.0.1 was allowed by the fixture
    register(workspace)
    assert carrier.step(workspace).delivered == 1
    assert "registry.registered model:fraud" in receiver.seen[0][1]
    for refused in (
        "json://localhost/x",
        "syslog://",
        "file:///tmp/x",
        "mailto://user:pass@intern.example",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?avatar_url=http://169.254.169.254/",
    ):
        with pytest.raises((Denied, Invalid)):
            workspace.governance.subscribe(refused, ["registry.*"])
    hook = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
    assert workspace.governance.subscribe(hook, ["registry.*"]).subscription.channel == "apprise"


def test_notices_work_on_postgresql(fresh_postgres_url: str, tmp_path: Path, receiver: Receiver) -> None:
    ws = Workspace.open(f"{fresh_postgres_url}&blobs={tmp_path}")
    ws.governance.subscribe(receiver.url, ["registry.*"])
    ws.registry.register("fraud", kept(ws.blobs, 1))
    ws.registry.promote("fraud", 1)
    assert carrier.deliver_all(ws).delivered == 2
    assert carrier.deliver_all(ws).delivered == 0
    ws.close()


def test_the_thread_carries_while_acts_go_on(workspace: Workspace, receiver: Receiver) -> None:
    workspace.governance.subscribe(receiver.url, ["registry.*"])
    thread = carrier.Carrier(workspace).start()
    register(workspace)
    deadline = time.monotonic() + 20
    while not receiver.seen and time.monotonic() < deadline:
        time.sleep(0.02)
    thread.stop()
    assert receiver.kinds == ["registry.registered"]
