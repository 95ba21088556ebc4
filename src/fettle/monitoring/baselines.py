"""What a served version is held against, found in the registry and in the bundle that is being served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.canonical import decode
from fettle.monitoring.records import Baseline
from fettle.packaging.records import REFERENCE_FILE, Manifest
from fettle.storage.objects import get_object

if TYPE_CHECKING:
    from fettle.acts import Surface

WATCHED_METRICS = {"binary": "accuracy", "multiclass": "accuracy", "regression": "mae"}
"""The metric watched for each task: one that needs no more than answers and labels, and adds up over rows."""


def resolve(ws: Surface, endpoint: str, model: str, version: int) -> Baseline:
    """Find the reference profile, the task and the accepted metric of a served version.

    A bundle's files are objects under their own digests, so the profile is named, not copied.

    Raises:
        NotFound: The registry does not know the version, or its bundle is not kept in this workspace.
    """
    registered = ws.call("registry.show", model=model, version=version)
    manifest: Manifest = decode(get_object(ws.blobs, registered.bundle), Manifest)
    metric = WATCHED_METRICS[manifest.task]
    return Baseline(
        endpoint=endpoint,
        model=model,
        version=version,
        profile=next((each.digest for each in manifest.files if each.name == REFERENCE_FILE), ""),
        task="regression" if manifest.task == "regression" else "classification",
        target=manifest.target,
        metric=metric,
        reference=registered.metrics.get(metric),
    )
