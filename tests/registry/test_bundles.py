"""A version whose bundle is not there does not get a number, and does not go live."""

from __future__ import annotations

import msgspec
import pytest

from fettle.acts import Role
from fettle.core import canonical
from fettle.core.errors import FettleError, NotFound
from fettle.packaging.records import MODEL_FILE, Damaged
from fettle.registry.store import versions
from fettle.storage.objects import object_key, put_object
from fettle.workspace import Workspace
from tests.bundles import kept, tiny

from .conftest import acting, register

FILE = tiny(0).manifest.files[0]


def gone(ws: Workspace, digest: str) -> None:
    ws.blobs.delete(object_key(digest))


def test_a_bundle_that_is_not_kept_here_gets_no_number(anywhere: Workspace) -> None:
    with pytest.raises(NotFound, match="is not kept in this workspace") as refused:
        anywhere.registry.register("fraud", tiny(1).digest)
    assert "packaging.store" in refused.value.hint
    assert anywhere.registry.models() == []
    assert anywhere.registry.register("fraud", kept(anywhere.blobs, 1)).version == 1


@pytest.mark.parametrize("content", [b"one", b"{}", b"[" * 100_000, b'{"a":"b"}', b"\xff\xfe"])
def test_what_is_no_bundle_gets_no_number(workspace: Workspace, content: bytes) -> None:
    with pytest.raises(Damaged, match="does not name a bundle"):
        workspace.registry.register("fraud", put_object(workspace.blobs, content))
    assert workspace.registry.models() == []


def test_a_version_whose_files_are_gone_does_not_go_live(anywhere: Workspace) -> None:
    register(anywhere, 2)
    anywhere.registry.promote("fraud", 1)
    gone(anywhere, FILE.digest)
    admin = acting(anywhere, "user:root", Role.ADMIN)
    for act, arguments in (
        ("promote", {"version": 2}),
        ("promote", {"version": 2, "override": True, "reason": "now"}),
        ("promote", {"version": 2, "to": "candidate"}),
        ("set_alias", {"version": 2, "alias": "steady"}),
        ("rollback", {"to": 2}),
        ("stage", {"version": 2, "stage": "Production"}),
    ):
        with pytest.raises(NotFound, match="cannot go live") as refused:
            admin(f"registry.{act}", model="fraud", **arguments)
        assert (MODEL_FILE in refused.value.found, "verify fraud@2" in refused.value.hint) == (True, True)
    assert anywhere.registry.show("fraud", 2).aliases == []
    with pytest.raises(NotFound, match="cannot go live"):
        anywhere.serving.deploy("shop", "fraud")
    kept(anywhere.blobs, 2)
    assert anywhere.registry.promote("fraud", 2).aliases == ["champion"]


def test_a_version_without_its_manifest_does_not_come_back(workspace: Workspace) -> None:
    register(workspace, 2)
    workspace.registry.promote("fraud", 1)
    workspace.registry.promote("fraud", 2)
    gone(workspace, tiny(0).digest)
    with pytest.raises(NotFound, match="cannot go live"):
        workspace.registry.rollback("fraud")
    assert workspace.registry.alias("fraud").version == 2
    kept(workspace.blobs, 0)
    assert workspace.registry.rollback("fraud").version == 1


def test_a_file_of_another_size_does_not_go_live(workspace: Workspace) -> None:
    register(workspace)
    workspace.blobs.put(object_key(FILE.digest), b"cut")
    with pytest.raises(Damaged, match="cannot go live") as refused:
        workspace.registry.promote("fraud", 1)
    assert "of another size" in refused.value.found


def test_what_is_in_use_may_lose_its_alias_whatever_became_of_it(workspace: Workspace) -> None:
    register(workspace)
    workspace.registry.promote("fraud", 1)
    gone(workspace, tiny(0).digest)
    workspace.registry.remove_alias("fraud", "champion")
    workspace.registry.delete_version("fraud", 1)


def test_a_version_is_verified_file_by_file(workspace: Workspace) -> None:
    register(workspace, 2)
    seen = workspace.registry.verify("fraud@2")
    assert (seen.whole, seen.fault, seen.files, seen.size_bytes) == (True, "", 2, FILE.size_bytes)
    workspace.blobs.put(object_key(FILE.digest), bytes(FILE.size_bytes))  # a disk that rots keeps the size
    assert workspace.registry.promote("fraud", 2).aliases == ["champion"]
    rotten = workspace.registry.verify("fraud")
    assert (rotten.damaged, rotten.missing, rotten.whole) == ([MODEL_FILE], [], False)
    assert rotten.fault == f"fraud@2 is not whole: {MODEL_FILE} is damaged"
    gone(workspace, FILE.digest)
    assert workspace.registry.verify("fraud@2").missing == [MODEL_FILE]
    gone(workspace, tiny(1).digest)
    assert workspace.registry.verify("fraud@2").missing == ["manifest.json"]
    workspace.blobs.put(object_key(tiny(1).digest), b"{}")
    assert workspace.registry.verify("fraud@2").damaged == ["manifest.json"]


def test_foreign_files_are_verified_where_they_are_kept(workspace: Workspace) -> None:
    files = {path: put_object(workspace.blobs, path.encode()) for path in ("MLmodel", "data/model.pkl")}
    manifest = put_object(workspace.blobs, canonical.encode(files))
    workspace.registry.adopt("clf", "runs:/1/model", manifest=manifest)
    workspace.registry.adopt("clf", "s3://elsewhere/model")
    assert workspace.registry.verify("clf@1").files == 3
    gone(workspace, files["MLmodel"])
    assert workspace.registry.verify("clf@1").missing == ["MLmodel"]
    assert workspace.registry.promote("clf", 1).aliases == [
        "champion"
    ]  # foreign versions have their own rule
    elsewhere = workspace.registry.verify("clf@2")
    assert (elsewhere.whole, elsewhere.files, elsewhere.elsewhere) == (True, 0, "s3://elsewhere/model")


@pytest.mark.parametrize("field", ["digest", "name"])
def test_a_manifest_that_leads_elsewhere_is_no_bundle(workspace: Workspace, field: str) -> None:
    file = msgspec.structs.replace(FILE, **{field: "../../etc"})
    odd = msgspec.structs.replace(tiny(1).manifest, files=(file,))
    with pytest.raises(Damaged, match="does not name a bundle"):
        workspace.registry.register("fraud", put_object(workspace.blobs, canonical.encode(odd)))


def test_a_version_from_before_is_shown_but_not_promoted(workspace: Workspace) -> None:
    register(workspace)
    with workspace.database.write() as tx:  # as it could be registered before bundles were looked at
        versions.change_version(tx, "fraud", 1, bundle="0" * 64)
    assert workspace.registry.show("fraud", 1).bundle == "0" * 64
    with pytest.raises(FettleError, match="cannot go live"):
        workspace.registry.promote("fraud", 1)
