"""What is known of a bundle follows it; aliases that look like protected ones; stages that ask what champion asks."""

from __future__ import annotations

import pytest

from fettle.acts import Role
from fettle.core import canonical
from fettle.core.errors import Conflict, Denied, GateFailed, Invalid
from fettle.registry import ApprovalMissing, GateResult
from fettle.registry.twins import looks, twin_of
from fettle.storage.objects import put_object
from fettle.workspace import Workspace
from tests.bundles import kept

from .conftest import BUNDLES, acting, register

FAILED = GateResult("accuracy", False, 0.7, 0.8)
BUNDLE = BUNDLES[0]


def test_a_failed_gate_follows_the_bundle_to_other_names(anywhere: Workspace) -> None:
    register(anywhere, 1, "m3", gates=[FAILED])
    register(anywhere, 1, "m4", gates=[GateResult("accuracy", True, 0.9, 0.8)])
    with pytest.raises(GateFailed, match="m4") as refused:
        anywhere.registry.promote("m4", 1)
    assert refused.value.found == "accuracy is 0.7, against 0.8 (as m3@1)"
    anywhere.registry.promote("m4", 1, to="candidate")
    assert anywhere.registry.promote("m4", 1, override=True, reason="known").aliases == [
        "candidate",
        "champion",
    ]


def test_a_failed_gate_outlives_the_deletion_of_its_version(anywhere: Workspace) -> None:
    register(anywhere, gates=[FAILED])
    anywhere.registry.delete_version("fraud", 1)
    assert anywhere.registry.register("fraud", BUNDLE).version == 2
    with pytest.raises(GateFailed, match="Version 2"):
        anywhere.registry.promote("fraud", 2)


def test_a_rejection_follows_the_bundle(workspace: Workspace) -> None:
    register(workspace, 2)
    register(workspace, 1, "other")
    workspace.registry.promote("fraud", 1)
    workspace.registry.promote("fraud", 2)
    workspace.registry.reject("other", 1, "leaks the label")
    with pytest.raises(Conflict, match="rejected") as refused:
        workspace.registry.rollback("fraud", to=1)
    assert refused.value.found == "leaks the label (as other@1)"
    with pytest.raises(Conflict, match="rejected"):
        workspace.registry.request_approval("fraud", 1)
    workspace.registry.delete("other")
    register(workspace, 1, "again")
    with pytest.raises(Conflict, match="rejected"):
        workspace.registry.promote("again", 1)


def test_a_rejection_follows_foreign_files(anywhere: Workspace) -> None:
    digest = put_object(
        anywhere.blobs, canonical.encode({"MLmodel": put_object(anywhere.blobs, b"flavors: {}")})
    )
    for model in ("a", "b"):
        anywhere.registry.adopt(model, "s3://bucket/model", manifest=digest)
    anywhere.registry.reject("a", 1, "bad")
    anywhere.registry.delete("a")
    with pytest.raises(Conflict, match="rejected"):
        anywhere.registry.promote("b", 1)


@pytest.mark.parametrize("bundle", ["", "../../etc/passwd", "x" * 64, "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_a_bundle_is_named_by_a_digest(workspace: Workspace, bundle: str) -> None:
    with pytest.raises(Invalid, match="bundle"):
        workspace.registry.register("fraud", bundle)
    assert workspace.registry.models() == []


@pytest.mark.parametrize(
    "alias", ["Champion", "CHAMPION", "\uff43hampion", "ch\u0430mpion", "champ\u00edon", "champion-"]
)
def test_an_alias_that_looks_like_a_protected_one_is_refused(workspace: Workspace, alias: str) -> None:
    register(workspace)
    editor = acting(workspace, "user:eve", Role.EDITOR)
    for call in (editor, acting(workspace, "user:root", Role.ADMIN)):
        with pytest.raises(Invalid, match="alias"):
            call("registry.set_alias", model="fraud", version=1, alias=alias)
    with pytest.raises(Invalid, match="alias"):
        workspace.registry.promote("fraud", 1, to=alias)


def test_twins_of_an_alias_with_a_rule_of_its_own(workspace: Workspace) -> None:
    register(workspace)
    workspace.registry.set_alias("fraud", "live", 1)
    workspace.registry.protect("*", "Live")
    with pytest.raises(Invalid, match="alias"):
        workspace.registry.set_alias("fraud", "l\u0456ve", 1)
    workspace.registry.remove_alias("fraud", "live")
    with pytest.raises(Invalid, match="alias"):
        workspace.registry.set_alias("fraud", "live", 1)


def test_names_that_differ_are_no_twins() -> None:
    assert looks("staging") != looks("champion")
    assert twin_of("champions", ["champion"]) is None
    assert twin_of("чемпион", ["champion"]) is None


def test_a_stage_is_a_mark_until_champion_has_a_rule(workspace: Workspace) -> None:
    register(workspace, 2)
    editor = acting(workspace, "user:eve", Role.EDITOR)
    editor("registry.stage", model="fraud", version=1, stage="Production")
    moved = editor("registry.stage", model="fraud", version=2, stage="Production", archive_others=True)
    assert moved.tags == {"mlflow.stage": "Production"}
    assert workspace.registry.show("fraud", 1).tags == {"mlflow.stage": "Archived"}
    assert editor("registry.stage", model="fraud", version=2, stage="None").tags == {}
    with pytest.raises(Invalid, match="archives"):
        editor("registry.stage", model="fraud", version=2, stage="Archived", archive_others=True)


def test_production_asks_what_champion_asks(anywhere: Workspace) -> None:
    register(anywhere, 3)
    editor, ada = acting(anywhere, "user:eve", Role.EDITOR), acting(anywhere, "user:ada", Role.APPROVER)
    anywhere.registry.protect("*", approvals=1)
    editor("registry.stage", model="fraud", version=1, stage="Staging")
    for change in (
        lambda: editor("registry.stage", model="fraud", version=1, stage="Production"),
        lambda: editor(
            "registry.change_version", model="fraud", version=1, tags={"mlflow.stage": "production"}
        ),
        lambda: editor(
            "registry.register",
            model="fraud",
            bundle=kept(anywhere.blobs, 5),
            tags={"mlflow.stage": "Production"},
        ),
        lambda: editor("registry.adopt", model="fraud", source="s3://b", tags={"mlflow.stage": "Production"}),
    ):
        with pytest.raises(Denied, match="Production"):
            change()
    with pytest.raises(ApprovalMissing):
        ada("registry.stage", model="fraud", version=1, stage="Production", archive_others=True)
    asked = editor("registry.request_approval", model="fraud", version=1)
    ada("registry.approve", request=asked.id)
    ada("registry.stage", model="fraud", version=1, stage="Production")
    assert anywhere.registry.show("fraud", 1).tags == {"mlflow.stage": "Production"}
    with pytest.raises(Denied):
        editor("registry.change_version", model="fraud", version=1, untag=["mlflow.stage"])
    with pytest.raises(ApprovalMissing):
        ada("registry.stage", model="fraud", version=2, stage="Production", archive_others=True)
    assert anywhere.registry.show("fraud", 1).tags == {"mlflow.stage": "Production"}  # nothing half done
    assert len(anywhere.registry.versions("fraud")) == 3


def test_a_list_of_files_is_looked_at_before_a_version_names_it(workspace: Workspace) -> None:
    file = put_object(workspace.blobs, b"graph")
    good = put_object(workspace.blobs, canonical.encode({"model/MLmodel": file}))
    bad = [
        file, "0" * 64, "nonsense",
        *(put_object(workspace.blobs, canonical.encode(each)) for each in (
            {"../../a": file}, {"/etc/passwd": file}, {"a": "nonsense"}, ["a"], {"a": 1},
        )),
    ]  # fmt: skip
    for each in bad:
        with pytest.raises((Invalid, Conflict)):
            workspace.registry.adopt("m", "mlflow-artifacts:/x", manifest=each)
    assert workspace.registry.models() == []
    assert workspace.registry.adopt("m", "mlflow-artifacts:/x", manifest=good).manifest == good


def test_who_made_a_bundle_never_agrees_to_it(workspace: Workspace) -> None:
    author, bob = (
        acting(workspace, "user:author", Role.APPROVER),
        acting(workspace, "user:bob", Role.APPROVER),
    )
    workspace.registry.protect("fraud", approvals=1)
    register(workspace)
    bob("registry.delete_version", model="fraud", version=1)
    bob("registry.register", model="fraud", bundle=BUNDLE)
    asked = acting(workspace, "user:eve", Role.EDITOR)("registry.request_approval", model="fraud", version=2)
    for person in (author, bob):
        with pytest.raises(Denied) as refused:
            person("registry.approve", request=asked.id)
        assert "registered the version" in refused.value.found


def test_what_was_overruled_once_does_not_come_back_by_itself(workspace: Workspace) -> None:
    register(workspace, gates=[FAILED])
    workspace.registry.register("fraud", kept(workspace.blobs, 1))
    workspace.registry.promote("fraud", 2)
    workspace.registry.promote("fraud", 1, override=True, reason="hot fix")
    workspace.registry.rollback("fraud")
    with pytest.raises(GateFailed):
        workspace.registry.rollback("fraud", to=1)


def test_a_new_description_of_a_version_is_no_change_of_the_model(workspace: Workspace) -> None:
    register(workspace)
    before = workspace.registry.model("fraud").updated_at
    workspace.registry.change_version("fraud", 1, note="new")
    assert workspace.registry.model("fraud").updated_at == before
    workspace.registry.change_version("fraud", 1, tags={"a": "b"})
    assert workspace.registry.model("fraud").updated_at != before
