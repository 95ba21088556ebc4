"""From a reference to a model that answers, in this process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fettle.core.errors import Conflict, Invalid, NotFound, Unavailable
from fettle.registry.moves import NOT_SERVED

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.packaging.bundle import Bundle
    from fettle.packaging.predictor import Predictor
    from fettle.registry.records.versions import ModelVersion


_DIGEST = re.compile(r"[0-9a-f]{64}")


def load(ws: Surface, ref: str, *, workspace: str | None = None, threads: int = 1) -> Predictor:
    """Load a registered model for predictions in this process.

    Args:
        ws: The workspace.
        ref: `fraud` (its champion), `fraud@champion`, `fraud@3`, `fraud/3`, `fraud@latest`, or the first 8 or more
            characters of a bundle's digest.
        workspace: Address of another workspace, where the model is registered.
        threads: Threads per prediction.

    Raises:
        NotFound: There is no such model, alias or version; the nearest names are offered.
        Conflict: The version has files of another tool, or a digest's beginning fits several.
        Damaged: The bundle is not what its digest says.
        Unavailable: The workspace is away. A bundle that was loaded here before loads by its whole digest all the same.
    """
    from fettle.packaging.predictor import Predictor

    if workspace is None:
        return Predictor(_bring(ws, ref), threads=threads)
    with ws.elsewhere(workspace) as other:
        return Predictor(_bring(other, ref), threads=threads)


def _bring(ws: Surface, ref: str) -> Bundle:
    """The bundle a reference names; where the workspace is away, a whole digest is enough for one that was here."""
    try:
        return fetch(ws, find(ws, ref))
    except Unavailable as away:
        kept = _kept(ws, ref.rpartition("@")[2])
        if kept is not None:
            return kept
        raise Unavailable(
            away.message,
            found=away.found,
            hint="Without the workspace only a bundle that was loaded here before can be loaded, by its whole digest: "
            "fettle.load(model.digest)",
        ) from away


def _kept(ws: Surface, digest: str) -> Bundle | None:
    """A bundle of which everything is in this machine's cache, each file checked; None if anything is missing."""
    from fettle.packaging.bundle import open_folder

    if not _DIGEST.fullmatch(digest):
        return None
    try:
        found = open_folder(ws.folder / "cache" / digest)
    except (Invalid, NotFound):  # it was never here, or is damaged
        return None
    return found if found.digest == digest else None


def find(ws: Surface, ref: str) -> ModelVersion:
    """The version that a reference names."""
    return ws.call("registry.find", ref=ref)


def fetch(ws: Surface, version: ModelVersion) -> Bundle:
    """Bring a version's bundle, checked.

    Raises:
        Conflict: It has files of another tool.
    """
    from fettle.packaging import bundle

    if version.kind != "bundle":
        raise Conflict(
            f"Version {version.version} of {version.model} cannot be loaded as a predictor.",
            found=NOT_SERVED.format(source=version.source),
            hint=f"Load it with its own tool, after: fettle registry download {version.ref} FOLDER",
            subject=f"model:{version.model}",
        )
    return bundle.fetch(ws.blobs, version.bundle, ws.folder / "cache")
