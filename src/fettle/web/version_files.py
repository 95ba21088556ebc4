"""What files a version is made of, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fettle.acts import Surface
from fettle.core import canonical
from fettle.core.errors import FettleError

if TYPE_CHECKING:
    from fettle.registry.records.versions import ModelVersion

MOST_FILES = 200


class Filed(msgspec.Struct, frozen=True):
    """One file: its path, and its size where that is known."""

    path: str
    size_bytes: int | None = None


class Kept(msgspec.Struct, frozen=True):
    """The files of a version.

    Attributes:
        files: The first of them.
        count: How many there are.
        here: Whether they are kept in this workspace, and can be saved.
        note: What is to be said where they cannot be listed.
    """

    files: list[Filed]
    count: int
    here: bool
    note: str = ""


def read_files(ws: Surface, version: ModelVersion) -> Kept:
    """List the files of a version.

    Args:
        ws: The workspace.
        version: The version.
    """
    if version.kind == "foreign" and version.manifest is None:
        return Kept([], 0, here=False, note=f"They lie at {version.source}, outside of this workspace.")
    try:
        found = _bundled(ws, version) if version.kind == "bundle" else _foreign(ws, version)
    except (FettleError, msgspec.MsgspecError):
        return Kept([], 0, here=False, note="Its list of files is not kept in this workspace, or is damaged.")
    return Kept(found[:MOST_FILES], len(found), here=True)


def _bundled(ws: Surface, version: ModelVersion) -> list[Filed]:
    from fettle.packaging.records import Manifest
    from fettle.storage.objects import get_object

    manifest: Any = canonical.decode(get_object(ws.blobs, version.bundle), Manifest)
    return [Filed(each.name, each.size_bytes) for each in manifest.files]


def _foreign(ws: Surface, version: ModelVersion) -> list[Filed]:
    from fettle.registry.downloads import listing
    from fettle.storage.objects import get_object

    return [Filed(path) for path in listing(get_object(ws.blobs, version.manifest or ""))]
