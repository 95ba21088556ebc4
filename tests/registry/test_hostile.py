"""People who mean no good: approvals used elsewhere or twice, races, endpoints as a way round, texts without end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fettle.acts import Role
from fettle.core.clock import FrozenClock
from fettle.core.errors import Conflict, Denied, FettleError, GateFailed, Invalid, NotFound
from fettle.registry import ApprovalMissing, GateResult
from fettle.registry.checks import person
from fettle.workspace import Workspace
from tests.bundles import kept
from tests.conftest import new_workspace

from .conftest import acting, register

FAILED = GateResult("accuracy", False, 0.7, 0.8)
LONG = "x" * 10_000_000
HOUR_S = 3600


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def timed(tmp_path: Path, clock: FrozenClock) -> Iterator[Workspace]:
    with new_workspace(tmp_path, clock=clock) as ws:
        yield ws


def agreed(ws: Workspace, version: int, *people: str, model: str = "fraud") -> str:
    """A request about a version, by `user:eve`, to which people agreed."""
    asked = acting(ws, "user:eve", Role.EDITOR)("registry.request_approval", model=model, version=version)
    for each in people:
        acting(ws, each, Role.APPROVER)("registry.approve", request=asked.id)
    return asked.id


# --- approvals


def test_an_approval_is_used_once_and_for_one_version(anywhere: Workspace) -> None:
    register(anywhere, 3)
    anywhere.registry.protect("fraud", approvals=1)
    ada = acting(anywhere, "user:ada", Role.APPROVER)
    request = agreed(anywhere, 1, "user:bob")
    with pytest.raises(ApprovalMissing):
        ada("registry.promote", model="fraud", version=2)
    ada("registry.promote", model="fraud", version=1)
    agreed(anywhere, 2, "user:bob")
    ada("registry.promote", model="fraud", version=2)
    ada("registry.remove_alias", model="fraud", alias="champion")
    with pytest.raises(ApprovalMissing):
        ada("registry.promote", model="fraud", version=1)
    with pytest.raises(Conflict, match="closed"):
        acting(anywhere, "user:cy", Role.APPROVER)("registry.approve", request=request)


def test_an_approval_of_a_deleted_model_holds_for_none_of_the_same_name(anywhere: Workspace) -> None:
    register(anywhere, 1)
    anywhere.registry.protect("fraud", approvals=1)
    request = agreed(anywhere, 1, "user:bob")
    anywhere.registry.delete("fraud")
    register(anywhere, 1)
    assert anywhere.registry.model("fraud").latest == 2
    ada = acting(anywhere, "user:ada", Role.APPROVER)
    with pytest.raises(ApprovalMissing):
        ada("registry.promote", model="fraud", version=2)
    with pytest.raises(FettleError):
        ada("registry.approve", request=request)
    assert anywhere.registry.protections("fraud")[0].approvals == 1


@pytest.mark.parametrize("other", ["user:AUTHOR", "user:author ", " user:author", "user:\uff41uthor"])
def test_one_person_is_one_person_however_written(workspace: Workspace, other: str) -> None:
    register(workspace)
    workspace.registry.protect("fraud", approvals=1)
    request = agreed(workspace, 1)
    assert person(other) == person("user:author")
    with pytest.raises(Denied):
        acting(workspace, other, Role.APPROVER)("registry.approve", request=request)


def test_two_spellings_are_one_agreement(workspace: Workspace) -> None:
    register(workspace)
    workspace.registry.protect("fraud", approvals=2)
    agreed(workspace, 1, "user:ada", "user:ADA")
    with pytest.raises(ApprovalMissing, match="approvals are missing"):
        acting(workspace, "user:cy", Role.APPROVER)("registry.promote", model="fraud", version=1)


def test_a_shorter_rule_counts_for_what_is_open(timed: Workspace, clock: FrozenClock) -> None:
    register(timed)
    timed.registry.protect("fraud", approvals=1, expires_in="100d")
    agreed(timed, 1, "user:ada")
    clock.advance(2 * HOUR_S)
    assert len(timed.registry.approvals()) == 1
    timed.registry.protect("fraud", approvals=1, expires_in="1h")
    with pytest.raises(ApprovalMissing):
        timed.registry.promote("fraud", 1)
    assert timed.registry.approvals() == []


def test_an_approval_that_ends_while_the_promotion_waits_does_not_count(
    timed: Workspace, clock: FrozenClock
) -> None:
    register(timed)
    timed.registry.protect("fraud", approvals=1, expires_in="1h")
    agreed(timed, 1, "user:ada")
    clock.advance(HOUR_S - 1)
    failed: list[BaseException] = []

    def promote() -> None:
        try:
            timed.registry.promote("fraud", 1)
        except FettleError as error:
            failed.append(error)

    with timed.database.write():  # another writer is at it
        waiting = threading.Thread(target=promote)
        waiting.start()
        waiting.join(0.3)
        clock.advance(2)
    waiting.join()
    assert [type(each) for each in failed] == [ApprovalMissing]


def test_a_clock_that_is_set_back_gives_no_approval_more_time(timed: Workspace, clock: FrozenClock) -> None:
    register(timed)
    timed.registry.protect("fraud", approvals=2, expires_in="2h")
    request = agreed(timed, 1, "user:ada")
    clock.advance(1.5 * HOUR_S)
    acting(timed, "user:bob", Role.APPROVER)("registry.approve", request=request)
    timed.registry.protect("fraud", approvals=2, expires_in="1h")
    clock.advance(-1.4 * HOUR_S)  # now it seems to be within the hour
    with pytest.raises(ApprovalMissing):
        timed.registry.promote("fraud", 1)
    clock.advance(-10 * HOUR_S)
    timed.registry.set_alias("fraud", "mine", 1)
    assert timed.registry.history("fraud", "mine")[0].version == 1


@pytest.mark.parametrize("expires_in", ["999999999d", "99999999999999999999w", "4000d", "59s", "0s"])
def test_a_rule_holds_for_a_sensible_time(workspace: Workspace, expires_in: str) -> None:
    with pytest.raises(Invalid, match="a minute to ten years"):
        workspace.registry.protect("fraud", approvals=1, expires_in=expires_in)


# --- races


def at_once(*works: Callable[[], Any]) -> list[BaseException | None]:
    """Do all at the same moment; what each raised."""
    raised: list[BaseException | None] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(place: int) -> None:
        gate.wait()
        try:
            works[place]()
        except FettleError as error:
            raised[place] = error

    threads = [threading.Thread(target=run, args=(each,)) for each in range(len(works))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return raised


def test_promotions_at_once_make_one_chain(anywhere: Workspace) -> None:
    register(anywhere, 6)

    def promote(version: int) -> Callable[[], Any]:
        return lambda: anywhere.registry.promote("fraud", version)

    for _ in range(3):
        assert at_once(*(promote(each) for each in range(1, 7))) == [None] * 6
    moves = anywhere.registry.history("fraud", "champion")[::-1]
    assert [each.previous for each in moves] == [None, *(each.version for each in moves[:-1])]
    assert anywhere.registry.alias("fraud").version == moves[-1].version
    assert len({each.id for each in moves}) == len(moves)


def test_one_approval_lets_one_of_two_promotions_through(anywhere: Workspace) -> None:
    register(anywhere, 2)
    anywhere.registry.protect("fraud", approvals=1)
    agreed(anywhere, 1, "user:ada")
    bob = acting(anywhere, "user:bob", Role.APPROVER)
    raised = at_once(
        lambda: bob("registry.promote", model="fraud", version=1),
        lambda: bob("registry.promote", model="fraud", version=2),
        lambda: bob("registry.promote", model="fraud", version=1),
    )
    assert [type(each) for each in raised] == [type(None), ApprovalMissing, type(None)]
    assert len(anywhere.registry.history("fraud", "champion")) == 1


def test_a_version_is_not_deleted_or_rejected_while_it_goes_live(anywhere: Workspace) -> None:
    register(anywhere, 9)
    for version in range(1, 9):
        at_once(
            partial(anywhere.registry.promote, "fraud", version),
            partial(anywhere.registry.delete_version, "fraud", version),
            partial(anywhere.registry.reject, "fraud", version, "bad"),
        )
        try:
            assert anywhere.registry.alias("fraud").status == "registered"
        except NotFound:
            assert anywhere.registry.history("fraud", "champion") == []


# --- endpoints as a way round


def test_an_editor_does_not_change_what_an_endpoint_serves_by_deploying_anew(anywhere: Workspace) -> None:
    register(anywhere, 2)
    anywhere.registry.register("bad", kept(anywhere.blobs, "bad"), gates=[FAILED])
    anywhere.registry.promote("fraud", 1)
    editor, ada = acting(anywhere, "user:eve", Role.EDITOR), acting(anywhere, "user:ada", Role.APPROVER)
    editor("serving.deploy", endpoint="shop", model="fraud")
    editor("serving.deploy", endpoint="shop", model="fraud", port=8123)  # the same alias on another port
    editor("registry.set_alias", model="fraud", alias="mine", version=2)
    editor("registry.set_alias", model="bad", alias="mine", version=1)
    for model in ("fraud", "bad"):
        with pytest.raises(Denied, match="champion of fraud"):
            editor("serving.deploy", endpoint="shop", model=model, alias="mine")
    with pytest.raises(Denied, match="champion of fraud"):
        editor("serving.undeploy", endpoint="shop")
    with pytest.raises(GateFailed):
        editor("serving.deploy", endpoint="second", model="bad", alias="mine")
    assert ada("serving.deploy", endpoint="shop", model="fraud", alias="mine").alias == "mine"
    editor("serving.undeploy", endpoint="shop")


def test_a_free_alias_that_is_served_takes_nothing_that_failed(anywhere: Workspace) -> None:
    register(anywhere, 1)
    editor = acting(anywhere, "user:eve", Role.EDITOR)
    failed = editor("registry.register", model="fraud", bundle=kept(anywhere.blobs, "failed"), gates=[FAILED])
    rejected = editor("registry.register", model="fraud", bundle=kept(anywhere.blobs, "rejected"))
    anywhere.registry.reject("fraud", rejected.version, "leaks")
    editor("registry.set_alias", model="fraud", alias="blue", version=1)
    editor("serving.deploy", endpoint="shop", model="fraud", alias="blue")
    for version in (failed.version, rejected.version):
        with pytest.raises(Conflict):
            editor("registry.set_alias", model="fraud", alias="blue", version=version)
    assert anywhere.registry.alias("fraud", "blue").version == 1
    editor("registry.set_alias", model="fraud", alias="candidate", version=failed.version)
    editor(
        "serving.deploy", endpoint="shadow", model="fraud", alias="candidate"
    )  # looked at before its gates


# --- texts


def test_texts_without_end_are_refused(workspace: Workspace) -> None:
    register(workspace, 2)
    ws, bundle = workspace.registry, kept(workspace.blobs, "long")
    gate = {"name": "g", "passed": True, "value": None, "threshold": None, "detail": LONG}
    asked = ws.request_approval("fraud", 1)
    attempts: list[Callable[[], Any]] = [
        lambda: ws.register("m", bundle, description=LONG),
        lambda: ws.register("m", bundle, note=LONG),
        lambda: ws.register("m", bundle, run_id=LONG),
        lambda: ws.register("m", bundle, dataset=LONG),
        lambda: ws.register("m", bundle, metrics={LONG: 1.0}),
        lambda: ws.register("m", bundle, metrics={f"m{number}": 1.0 for number in range(50_000)}),
        lambda: ws.register("m", bundle, gates=[gate]),
        lambda: ws.register("m", bundle, gates=[{**gate, "detail": ""}] * 2000),
        lambda: ws.adopt("m", "s3://b", logged_model=LONG),
        lambda: ws.make("m", description=LONG),
        lambda: ws.promote("fraud", 1, reason=LONG),
        lambda: ws.set_alias("fraud", "mine", 1, reason=LONG),
        lambda: ws.reject("fraud", 1, LONG),
        lambda: ws.hold("fraud", LONG),
        lambda: ws.delete_version("fraud", 1, reason=LONG),
        lambda: ws.delete("fraud", reason=LONG),
        lambda: ws.request_approval("fraud", 2, reason=LONG),
        lambda: ws.withdraw(asked.id, reason=LONG),
        lambda: ws.change("fraud", description=LONG),
        lambda: ws.change_version("fraud", 1, note=LONG),
    ]
    for attempt in attempts:
        with pytest.raises(Invalid):
            attempt()
    assert [each.name for each in ws.models()] == ["fraud"] and ws.show("fraud", 1).review == "in review"


def test_digits_of_another_alphabet_are_no_number(workspace: Workspace) -> None:
    register(workspace, 2)
    with pytest.raises(NotFound):
        workspace.registry.find("fraud@\u0662")
