"""From a reference to a model that answers, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.errors import Conflict
from fettle.registry.moves import NOT_SERVED

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.packaging.bundle import Bundle
    from fettle.packaging.predictor import Predictor
    from fettle.registry.records.versions import ModelVersion


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
    """
    from fettle.packaging.predictor import Predictor

    if workspace is None:
        return Predictor(fetch(ws, find(ws, ref)), threads=threads)
    with ws.elsewhere(workspace) as other:
        return Predictor(fetch(other, find(other, ref)), threads=threads)


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
