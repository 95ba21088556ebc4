from __future__ import annotations

import polars as pl
import pytest

from fettle.acts import Role
from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.data.versions import commit_frame
from fettle.workspace import Workspace
from tests.bundles import kept

from .conftest import acting, register


def test_a_deleted_version_leaves_its_number_and_its_record(anywhere: Workspace) -> None:
    register(anywhere, 2, metrics={"accuracy": 0.9})
    gone = anywhere.registry.delete_version("fraud", 2, reason="made from bad rows")
    assert (gone.version, gone.record.metrics) == (2, {"accuracy": 0.9})
    with pytest.raises(NotFound, match="was deleted") as refused:
        anywhere.registry.show("fraud", 2)
    assert "made from bad rows" in refused.value.found
    assert (
        anywhere.registry.register("fraud", kept(anywhere.blobs, 1)).version == 3
    )  # the same bundle, a new number
    assert anywhere.registry.removed("fraud") == [gone]


def test_numbers_are_not_used_again_after_the_model_was_deleted(workspace: Workspace) -> None:
    register(workspace, 3)
    gone = workspace.registry.delete("fraud", reason="over")
    assert [each.version for each in gone] == [3, 2, 1]
    assert workspace.registry.models() == []
    assert workspace.registry.register("fraud", kept(workspace.blobs, 0)).version == 4
    assert workspace.registry.model("fraud").tags == {}


def test_what_is_live_or_on_hold_cannot_go(workspace: Workspace) -> None:
    register(workspace, 4)
    workspace.registry.promote("fraud", 1)
    workspace.registry.set_alias("fraud", "staging", 2)
    workspace.registry.set_alias("fraud", "mine", 3)
    workspace.serving.deploy("api", "fraud", alias="staging")
    held = workspace.registry.hold("fraud", "case 7", version=4)

    for version, why in ((1, "it is champion"), (2, "endpoint:api serves staging"), (3, "it is mine")):
        with pytest.raises(Conflict, match="it is live") as refused:
            workspace.registry.delete_version("fraud", version)
        assert refused.value.found == why
    with pytest.raises(Conflict, match="on hold"):
        workspace.registry.delete_version("fraud", 4)
    for version in (1, 2):
        with pytest.raises(Conflict):
            workspace.registry.delete_version("fraud", version, drop_aliases=True)
    with pytest.raises(Conflict):
        workspace.registry.delete("fraud", drop_aliases=True)
    assert len(workspace.registry.versions("fraud")) == 4  # all or none

    workspace.registry.delete_version("fraud", 3, drop_aliases=True)
    assert workspace.registry.history("fraud", "mine")[0].move == "removed"
    workspace.registry.release(held.id)
    assert workspace.registry.release(held.id).released_at is not None
    workspace.registry.delete_version("fraud", 4)
    with pytest.raises(Conflict, match="in use"):
        workspace.registry.remove_alias("fraud", "staging")
    workspace.serving.undeploy("api")
    workspace.registry.remove_alias("fraud", "staging", reason="done")
    workspace.registry.delete_version("fraud", 2)


def test_a_hold_on_the_model_holds_all_of_it(workspace: Workspace) -> None:
    register(workspace, 2)
    workspace.registry.hold("fraud", "case 7")
    with pytest.raises(Conflict, match="on hold"):
        workspace.registry.delete_version("fraud", 2)
    with pytest.raises(Conflict, match="on hold"):
        workspace.registry.delete("fraud")
    with pytest.raises(Invalid, match="reason"):
        workspace.registry.hold("fraud", " ")
    with pytest.raises(NotFound):
        workspace.registry.release("nothing")


def test_an_editor_deletes_nothing(workspace: Workspace) -> None:
    register(workspace)
    editor = acting(workspace, "user:eve", Role.EDITOR)
    for act in ("registry.delete", "registry.rename"):
        with pytest.raises(Denied):
            editor(act, model="fraud", **({"to": "x"} if act.endswith("rename") else {}))
    with pytest.raises(Denied):
        editor("registry.delete_version", model="fraud", version=1)


def test_rollback_passes_over_deleted_versions(workspace: Workspace) -> None:
    register(workspace, 3)
    for version in (1, 2, 3):
        workspace.registry.promote("fraud", version)
    workspace.registry.delete_version("fraud", 2)
    assert workspace.registry.rollback("fraud").version == 1


def test_the_data_of_a_deleted_version_are_let_go(workspace: Workspace) -> None:
    commit = commit_frame(workspace, "payments", pl.DataFrame({"a": [1, 2]}), source="payments.csv")
    workspace.registry.register(
        "fraud", kept(workspace.blobs, 0), dataset="payments", dataset_commit=commit.id
    )
    (held,) = workspace.data.holds(dataset="payments")
    assert held.reason == "model:fraud/1"
    workspace.registry.rename("fraud", "scams")
    assert [each.reason for each in workspace.data.holds(dataset="payments")] == ["model:scams/1"]
    workspace.registry.delete_version("scams", 1)
    assert workspace.data.holds(dataset="payments") == []
