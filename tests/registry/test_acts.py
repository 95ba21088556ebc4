from __future__ import annotations

import pytest

from fettle.acts import Role
from fettle.core.errors import Conflict, Denied, GateFailed, Invalid, NotFound
from fettle.registry import GateResult
from fettle.workspace import Workspace
from tests.bundles import kept

PASSED = GateResult("accuracy", True, 0.9, 0.8)
FAILED = GateResult("accuracy", False, 0.7, 0.8, "accuracy is 0.70, below 0.80")


def register(workspace: Workspace, count: int = 1, gates: list[GateResult] | None = None) -> None:
    for number in range(count):
        workspace.registry.register(
            "fraud", kept(workspace.blobs, number), gates=[PASSED] if gates is None else gates
        )


def test_versions_are_numbered_and_keep_where_they_came_from(workspace: Workspace) -> None:
    first = workspace.registry.register(
        "fraud",
        kept(workspace.blobs, 0),
        metrics={"accuracy": 0.9, "undefined": float("nan")},
        gates=[PASSED],
        run_id="run-1",
        flow_id="flow-1",
        dataset="payments",
        dataset_commit="c" * 64,
        tags={"note": "first"},
        description="Finds fraud.",
    )
    second = workspace.registry.register("fraud", kept(workspace.blobs, 1), parent_version=1)
    assert (first.version, second.version) == (1, 2)
    shown = workspace.registry.show("fraud", 1)
    assert shown == first
    assert shown.metrics == {"accuracy": 0.9}
    assert shown.gates == [PASSED]
    assert [each.version for each in workspace.registry.versions("fraud")] == [2, 1]
    (model,) = workspace.registry.models()
    assert (model.name, model.description, model.versions, model.latest) == ("fraud", "Finds fraud.", 2, 2)
    assert workspace.registry.made_from(run_id="run-1") == [first]
    assert workspace.registry.made_from(dataset_commit="c" * 64) == [first]
    assert workspace.registry.made_from() == []


def test_registering_a_bundle_twice_gives_the_version_it_has(workspace: Workspace) -> None:
    register(workspace)
    again = workspace.registry.register("fraud", kept(workspace.blobs, 0))
    assert again.version == 1
    assert len(workspace.registry.versions("fraud")) == 1


def test_promotion_moves_the_alias_and_keeps_the_move(workspace: Workspace) -> None:
    register(workspace, 2)
    workspace.registry.promote("fraud", 1, reason="the first")
    promoted = workspace.registry.promote("fraud", 2, reason="better")
    assert promoted.aliases == ["champion"]
    assert workspace.registry.alias("fraud").version == 2
    newest, oldest = workspace.registry.history("fraud", "champion")
    assert (newest.version, newest.previous, newest.reason, newest.move) == (2, 1, "better", "promoted")
    assert oldest.previous is None
    assert newest.actor == workspace.actor


def test_promoting_twice_is_one_move(workspace: Workspace) -> None:
    register(workspace)
    workspace.registry.promote("fraud", 1)
    workspace.registry.promote("fraud", 1)
    assert len(workspace.registry.history("fraud")) == 1


def test_a_failed_gate_keeps_a_version_from_being_promoted(workspace: Workspace) -> None:
    register(workspace, gates=[PASSED, FAILED])
    with pytest.raises(GateFailed, match="did not pass") as refused:
        workspace.registry.promote("fraud", 1)
    assert "accuracy is 0.70, below 0.80" in refused.value.found
    assert workspace.registry.show("fraud", 1).aliases == []
    assert workspace.registry.promote("fraud", 1, to="candidate").aliases == ["candidate"]


def test_an_administrator_may_overrule_a_gate_with_a_reason(workspace: Workspace) -> None:
    register(workspace, gates=[FAILED])
    with pytest.raises(Invalid, match="reason"):
        workspace.registry.promote("fraud", 1, override=True)
    arguments = {"model": "fraud", "version": 1, "override": True, "reason": "hot fix"}
    with pytest.raises(Denied, match="admin"):
        workspace.perform("registry.promote", arguments, actor="user:bob", role=Role.APPROVER)
    workspace.perform("registry.promote", arguments, actor="user:ada", role=Role.ADMIN)
    assert workspace.registry.history("fraud")[0].override


def test_an_editor_may_register_but_not_promote(workspace: Workspace) -> None:
    register(workspace)
    with pytest.raises(Denied):
        workspace.perform(
            "registry.promote", {"model": "fraud", "version": 1}, actor="user:eve", role=Role.EDITOR
        )


def test_rollback_goes_back_and_asking_twice_goes_back_once(workspace: Workspace) -> None:
    register(workspace, 3)
    for version in (1, 2, 3):
        workspace.registry.promote("fraud", version)
    assert workspace.registry.rollback("fraud", leaving=3, reason="latency").version == 2
    assert workspace.registry.rollback("fraud", leaving=3).version == 2
    assert workspace.registry.rollback("fraud").version == 1
    with pytest.raises(Conflict, match="no version to roll"):
        workspace.registry.rollback("fraud")
    assert [each.move for each in workspace.registry.history("fraud")][:2] == ["rolled back", "rolled back"]


def test_rollback_to_a_named_version(workspace: Workspace) -> None:
    register(workspace, 3)
    for version in (1, 2, 3):
        workspace.registry.promote("fraud", version)
    assert workspace.registry.rollback("fraud", to=1).aliases == ["champion"]


def test_a_rejected_version_is_closed_for_good(workspace: Workspace) -> None:
    register(workspace, 2)
    workspace.registry.promote("fraud", 1, to="challenger")
    rejected = workspace.registry.reject("fraud", 1, "worse on nights")
    assert (rejected.status, rejected.reason, rejected.aliases) == ("rejected", "worse on nights", [])
    assert workspace.registry.reject("fraud", 1, "again").reason == "worse on nights"
    with pytest.raises(Conflict, match="was rejected"):
        workspace.registry.promote("fraud", 1)


def test_a_version_in_use_cannot_be_rejected(workspace: Workspace) -> None:
    register(workspace)
    workspace.registry.promote("fraud", 1)
    with pytest.raises(Conflict, match="in use"):
        workspace.registry.reject("fraud", 1, "bad")


def test_unknown_names_offer_the_nearest(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="no model 'fraud'"):
        workspace.registry.versions("fraud")
    register(workspace)
    with pytest.raises(NotFound) as refused:
        workspace.registry.show("frauds", 1)
    assert "'fraud'" in refused.value.hint
    with pytest.raises(NotFound, match="version of fraud"):
        workspace.registry.show("fraud", 9)
    with pytest.raises(NotFound, match="alias of fraud"):
        workspace.registry.alias("fraud", "champion")
    with pytest.raises(Invalid):
        workspace.registry.register("no/slash", kept(workspace.blobs, 0))
