"""The data that versions were trained on, and the runs that made them, stay as long as the versions do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.data.acts import policies as data
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import versions
from fettle.tracking.acts import upkeep as tracking

if TYPE_CHECKING:
    from fettle.acts import Context


def keep(ctx: Context, version: ModelVersion) -> None:
    """Hold what a version was made from."""
    if version.dataset and version.dataset_commit:
        data.pin(ctx, version.dataset, version.dataset_commit, by=_by(version))
    if version.run_id:
        tracking.pin(ctx, version.run_id, by=_by(version))


def release(ctx: Context, model: str, version: int | None = None) -> None:
    """Let go of what one version, or all of a model, were made from."""
    for each in versions.list_versions(ctx.tx, model):
        if version in (None, each.version):
            _release(ctx, each)


def renew(ctx: Context, model: str) -> None:
    """Hold what all versions of a model were made from, under its name now."""
    for each in versions.list_versions(ctx.tx, model):
        keep(ctx, each)


def _release(ctx: Context, version: ModelVersion) -> None:
    if version.run_id:
        tracking.unpin(ctx, version.run_id, by=_by(version))
    for hold in data.holds(ctx, dataset=version.dataset) if version.dataset else ():
        if hold.kind == "use" and hold.reason == _by(version):
            data.release(ctx, hold.id)


def _by(version: ModelVersion) -> str:
    return f"model:{version.model}/{version.version}"
