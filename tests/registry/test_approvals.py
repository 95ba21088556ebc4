"""Four eyes: who may agree, to what, for how long; and that no way leads around the quorum."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fettle.acts import Role
from fettle.core.clock import FrozenClock
from fettle.core.errors import Conflict, Denied, FettleError, GateFailed, Invalid, NotFound
from fettle.registry import ApprovalMissing, GateResult
from fettle.workspace import Workspace
from tests.bundles import kept
from tests.conftest import new_workspace

from .conftest import BUNDLES, Doing, acting, register

FAILED = GateResult("accuracy", False, 0.7, 0.8)


def people_of(ws: Workspace) -> dict[str, Doing]:
    return {
        "ada": acting(ws, "user:ada", Role.APPROVER),
        "bob": acting(ws, "user:bob", Role.APPROVER),
        "eve": acting(ws, "user:eve", Role.EDITOR),
        "root": acting(ws, "user:root", Role.ADMIN),
        "author": acting(ws, "user:author", Role.APPROVER),
        "keeper": acting(ws, "service:keeper", Role.ADMIN),
    }


@pytest.fixture
def people(workspace: Workspace) -> dict[str, Doing]:
    """Somebody of each role, in a workspace of SQLite."""
    return people_of(workspace)


def test_the_default_asks_for_no_approvals(workspace: Workspace) -> None:
    register(workspace)
    assert workspace.registry.promote("fraud", 1).aliases == ["champion"]
    assert workspace.registry.protections() == []
    (rule,) = workspace.registry.protections("fraud")
    assert (rule.alias, rule.approvals) == ("champion", 0)


def test_two_people_agree_and_then_it_is_promoted(anywhere: Workspace) -> None:
    people = people_of(anywhere)
    register(anywhere, 2)
    people["root"]("registry.protect", model="fraud", approvals=2)
    with pytest.raises(ApprovalMissing, match="approvals are missing") as refused:
        people["ada"]("registry.promote", model="fraud", version=1)
    assert "request-approval" in refused.value.hint
    asked = people["eve"]("registry.request_approval", model="fraud", version=1, reason="better")
    assert (asked.needed, asked.bundle, asked.status) == (2, BUNDLES[0], "open")
    assert anywhere.registry.show("fraud", 1).review == "in review"
    assert people["bob"]("registry.request_approval", model="fraud", version=1).id == asked.id

    people["ada"]("registry.approve", request=asked.id, note="looked at the slices")
    people["ada"]("registry.approve", request=asked.id)  # twice is once
    with pytest.raises(ApprovalMissing) as refused:
        people["ada"]("registry.promote", model="fraud", version=1)
    assert "1 of 2 agreed (user:ada)" in refused.value.found
    people["bob"]("registry.approve", request=asked.id)
    assert anywhere.registry.show("fraud", 1).review == "approved"
    with pytest.raises(ApprovalMissing):
        people["ada"]("registry.promote", model="fraud", version=2)
    people["keeper"]("registry.promote", model="fraud", version=1)
    assert anywhere.registry.history("fraud")[0].request == asked.id
    (used,) = anywhere.registry.approvals("fraud", every=True)
    assert used.status == "used" and [each.actor for each in used.approvals] == ["user:ada", "user:bob"]
    assert anywhere.registry.approvals("fraud") == []


def test_who_may_not_agree(workspace: Workspace, people: dict[str, Doing]) -> None:
    register(workspace)
    people["root"]("registry.protect", model="*")
    asked = people["ada"]("registry.request_approval", model="fraud", version=1)
    for name, why in (("ada", "asked for it"), ("author", "registered"), ("keeper", "no person")):
        with pytest.raises(Denied) as refused:
            people[name]("registry.approve", request=asked.id)
        assert why in refused.value.found
    with pytest.raises(Denied):
        people["eve"]("registry.approve", request=asked.id)
    disguised = acting(workspace, "user:ADA", Role.ADMIN)
    with pytest.raises(Denied):
        disguised("registry.approve", request=asked.id)
    people["root"]("registry.protect", model="fraud", role="admin")
    with pytest.raises(Denied, match="You cannot agree"):
        people["bob"]("registry.approve", request=asked.id)
    people["root"]("registry.approve", request=asked.id)
    assert people["bob"]("registry.promote", model="fraud", version=1).aliases == ["champion"]


def test_a_role_that_was_lost_counts_no_more(workspace: Workspace, people: dict[str, Doing]) -> None:
    register(workspace)
    people["root"]("registry.protect", model="fraud")
    token = people["root"]("governance.grant", actor="user:ada", role="approver").token
    asked = people["eve"]("registry.request_approval", model="fraud", version=1)
    people["ada"]("registry.approve", request=asked.id)
    people["root"]("governance.revoke", token=token.id)
    with pytest.raises(ApprovalMissing, match="approvals are missing"):
        people["bob"]("registry.promote", model="fraud", version=1)
    people["root"]("governance.grant", actor="user:ada", role="viewer")
    with pytest.raises(ApprovalMissing):
        people["bob"]("registry.promote", model="fraud", version=1)
    people["root"]("governance.grant", actor="user:ada", role="approver")
    assert people["bob"]("registry.promote", model="fraud", version=1).aliases == ["champion"]


def test_requests_and_tokens_end_by_themselves(tmp_path: Path) -> None:
    clock = FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))
    ws = new_workspace(tmp_path, clock=clock)
    root, bob = acting(ws, "user:root", Role.ADMIN), acting(ws, "user:bob", Role.APPROVER)
    register(ws)
    root("registry.protect", model="fraud", expires_in="2d")
    root("governance.grant", actor="user:bob", role="approver", expires_in="1d")
    first = root("registry.request_approval", model="fraud", version=1)
    bob("registry.approve", request=first.id)
    clock.advance(86_400.0)
    with pytest.raises(ApprovalMissing):  # bob's token is over
        root("registry.promote", model="fraud", version=1)
    root("governance.grant", actor="user:bob", role="approver")
    clock.advance(86_400.0)
    with pytest.raises(ApprovalMissing, match="approvals are missing"):  # the request is over
        root("registry.promote", model="fraud", version=1)
    with pytest.raises(Conflict, match="closed"):
        bob("registry.approve", request=first.id)
    second = root("registry.request_approval", model="fraud", version=1)
    assert second.id != first.id
    bob("registry.approve", request=second.id)
    assert root("registry.promote", model="fraud", version=1).aliases == ["champion"]
    ws.close()


def test_taking_back(workspace: Workspace, people: dict[str, Doing]) -> None:
    register(workspace)
    people["root"]("registry.protect", model="fraud")
    asked = people["eve"]("registry.request_approval", model="fraud", version=1)
    people["ada"]("registry.approve", request=asked.id)
    people["ada"]("registry.withdraw", request=asked.id, reason="saw the nights")
    with pytest.raises(ApprovalMissing):
        people["bob"]("registry.promote", model="fraud", version=1)
    with pytest.raises(Denied, match="Only who asked"):
        people["bob"]("registry.withdraw", request=asked.id)
    assert people["eve"]("registry.withdraw", request=asked.id).status == "withdrawn"
    assert workspace.registry.show("fraud", 1).review == "none"
    with pytest.raises(Conflict, match="closed"):
        people["ada"]("registry.approve", request=asked.id)
    with pytest.raises(NotFound):
        people["ada"]("registry.approve", request="nothing")


def test_approvals_do_not_replace_gates_and_rejection_ends_requests(workspace: Workspace) -> None:
    register(workspace, gates=[FAILED])
    workspace.registry.protect("fraud")
    asked = workspace.registry.request_approval("fraud", 1)
    acting(workspace, "user:ada", Role.APPROVER)("registry.approve", request=asked.id)
    with pytest.raises(GateFailed):
        workspace.registry.promote("fraud", 1)
    workspace.registry.reject("fraud", 1, "no")
    (ended,) = workspace.registry.approvals(every=True)
    assert ended.status == "rejected"
    assert workspace.registry.show("fraud", 1).review == "rejected"
    with pytest.raises(Conflict, match="rejected"):
        workspace.registry.request_approval("fraud", 1)


def test_an_administrator_may_overrule_and_it_shows(workspace: Workspace, people: dict[str, Doing]) -> None:
    register(workspace)
    people["root"]("registry.protect", model="fraud", approvals=3)
    with pytest.raises(Denied):
        people["ada"]("registry.promote", model="fraud", version=1, override=True, reason="now")
    people["root"]("registry.promote", model="fraud", version=1, override=True, reason="the house burns")
    assert workspace.registry.history("fraud")[0].override


def test_free_aliases_are_anybodys_and_protected_ones_are_not(
    workspace: Workspace, people: dict[str, Doing]
) -> None:
    register(workspace, 2)
    people["eve"]("registry.set_alias", model="fraud", alias="mine", version=1)
    people["eve"]("registry.set_alias", model="fraud", alias="mine", version=2)
    with pytest.raises(Denied, match="protected"):
        people["eve"]("registry.set_alias", model="fraud", alias="champion", version=1)
    people["root"]("registry.protect", model="fraud", alias="mine")
    for call in (
        lambda: people["eve"]("registry.set_alias", model="fraud", alias="mine", version=1),
        lambda: people["ada"]("registry.set_alias", model="fraud", alias="mine", version=1),
        lambda: people["ada"](
            "registry.rollback", model="fraud", alias="mine"
        ),  # it was only set, not promoted
        lambda: people["eve"]("registry.remove_alias", model="fraud", alias="mine"),
    ):
        with pytest.raises((Denied, ApprovalMissing)):
            call()
    people["root"]("registry.unprotect", model="fraud", alias="mine")
    people["eve"]("registry.remove_alias", model="fraud", alias="mine")
    with pytest.raises(NotFound):
        people["root"]("registry.unprotect", model="fraud", alias="mine")


def test_no_name_is_a_way_around(workspace: Workspace, people: dict[str, Doing]) -> None:
    register(workspace, 2)
    people["root"]("registry.protect", model="fraud", approvals=1)
    people["ada"]("registry.rename", model="fraud", to="aside")
    register(workspace, 1)
    for model in ("fraud", "aside"):
        with pytest.raises(ApprovalMissing):
            people["ada"]("registry.promote", model=model, version=workspace.registry.model(model).latest)
    register(workspace, 1, model="free")
    people["ada"]("registry.promote", model="free", version=1)
    people["ada"]("registry.delete", model="fraud")
    with pytest.raises(Conflict, match="protections of its own"):
        people["ada"]("registry.rename", model="free", to="fraud")


@pytest.mark.parametrize("alias", ["latest", "7", "v7", "deadbeef", "a/b", "a@b", "", "x" * 200])
def test_what_names_versions_already_is_no_alias(workspace: Workspace, alias: str) -> None:
    register(workspace)
    with pytest.raises(Invalid):
        workspace.registry.set_alias("fraud", alias, 1)
    with pytest.raises(Invalid):
        workspace.registry.promote("fraud", 1, to=alias)


def test_a_policy_that_makes_no_sense_is_refused(workspace: Workspace) -> None:
    for more in ({"approvals": -1}, {"approvals": 100}, {"expires_in": "1s"}, {"role": "viewer"}):
        with pytest.raises(Invalid):
            workspace.registry.protect("fraud", **more)


PEOPLE = ["user:ada", "user:bob", "user:cyd", "service:ci"]
NEEDED = 2


class Board(RuleBasedStateMachine):
    """Any history of acts; the model of what must hold is written down beside it, in sets."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="fettle-board-")
        self.clock = FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.ws = new_workspace(self.folder, clock=self.clock)
        self.root = acting(self.ws, "user:root", Role.ADMIN)
        self.root("registry.protect", model="*", approvals=NEEDED, expires_in="3d")
        self.versions: dict[int, str] = {}  # number → author
        self.open: dict[
            str, tuple[int, str, datetime, set[str]]
        ] = {}  # request → version, asker, end, agreed
        self.lawful: set[int] = (
            set()
        )  # versions that had their quorum, or an override, when they were promoted

    def teardown(self) -> None:
        self.ws.close()
        shutil.rmtree(self.folder)

    @rule(author=st.sampled_from(PEOPLE))
    @precondition(lambda self: len(self.versions) < 4)
    def register(self, author: str) -> None:
        bundle = kept(self.ws.blobs, len(self.versions))
        made = acting(self.ws, author, Role.APPROVER)("registry.register", model="m", bundle=bundle)
        self.versions[made.version] = author

    @rule(who=st.sampled_from(PEOPLE), data=st.data())
    @precondition(lambda self: self.versions)
    def request(self, who: str, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.versions)))
        asked = acting(self.ws, who, Role.EDITOR)("registry.request_approval", model="m", version=version)
        self.open.setdefault(asked.id, (version, who, asked.expires_at, set()))

    @rule(who=st.sampled_from(PEOPLE), data=st.data())
    @precondition(lambda self: self.open)
    def approve(self, who: str, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(sorted(self.open)))
        version, asker, ends, agreed = self.open[request]
        allowed = who.startswith("user:") and who not in (asker, self.versions[version])
        try:
            acting(self.ws, who, Role.APPROVER)("registry.approve", request=request)
        except (Denied, Conflict):
            assert not allowed or self.clock.now() >= ends or request not in self._live(version)
        else:
            assert allowed and self.clock.now() < ends
            agreed.add(who)

    @rule(who=st.sampled_from(PEOPLE), data=st.data())
    @precondition(lambda self: self.open)
    def withdraw(self, who: str, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(sorted(self.open)))
        _, asker, _, agreed = self.open[request]
        try:
            acting(self.ws, who, Role.EDITOR)("registry.withdraw", request=request)
        except (Denied, Conflict):
            return
        if who in agreed:
            agreed.discard(who)
        else:
            assert who == asker
            del self.open[request]

    @rule(
        who=st.sampled_from(PEOPLE), data=st.data(), way=st.sampled_from(["promote", "set_alias", "rollback"])
    )
    @precondition(lambda self: self.versions)
    def place(self, who: str, data: st.DataObject, way: str) -> None:
        version = data.draw(st.sampled_from(sorted(self.versions)))
        given = {
            "promote": {"version": version},
            "set_alias": {"alias": "champion", "version": version},
            "rollback": {"to": version},
        }[way]
        before = self._champion()
        ready = [each for each in self._live(version) if len(self.open[each][3]) >= NEEDED]
        try:
            acting(self.ws, who, Role.APPROVER)(f"registry.{way}", model="m", **given)
        except FettleError:
            return
        if before != version:
            assert ready or (way == "rollback" and version in self.lawful)
            if ready:
                for each in ready[:1]:
                    del self.open[each]
                self.lawful.add(version)

    @rule(data=st.data())
    @precondition(lambda self: self.versions)
    def overrule(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.versions)))
        self.root("registry.promote", model="m", version=version, override=True, reason="fire")
        self.lawful.add(version)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(hours * 3600.0)

    @rule()
    def reopen(self) -> None:
        self.ws.close()
        self.ws = Workspace.create(self.folder, clock=self.clock)
        self.root = acting(self.ws, "user:root", Role.ADMIN)

    @invariant()
    def what_is_champion_had_its_quorum(self) -> None:
        champion = self._champion()
        assert champion is None or champion in self.lawful

    def _champion(self) -> int | None:
        try:
            return self.root("registry.alias", model="m").version
        except NotFound:
            return None

    def _live(self, version: int) -> list[str]:
        now = self.clock.now()
        return sorted(key for key, each in self.open.items() if each[0] == version and now < each[2])


Board.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
test_no_history_reaches_a_protected_alias_without_quorum = Board.TestCase
