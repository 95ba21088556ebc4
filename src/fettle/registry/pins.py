"""The data that versions were trained on stay as long as the versions do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.data.acts import policies as data
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import versions

if TYPE_CHECKING:
    from fettle.acts import Context


def release(ctx: Context, model: str, version: int | None = None) -> None:
    """Let go of the data of one version, or of all of a model."""
    for each in versions.list_versions(ctx.tx, model):
        if each.dataset and version in (None, each.version):
            for hold in data.holds(ctx, dataset=each.dataset):
                if hold.kind == "use" and hold.reason == _by(each):
                    data.release(ctx, hold.id)


def renew(ctx: Context, model: str) -> None:
    """Hold the data of all versions of a model, under its name now."""
    for each in versions.list_versions(ctx.tx, model):
        if each.dataset and each.dataset_commit:
            data.pin(ctx, each.dataset, each.dataset_commit, by=_by(each))


def _by(version: ModelVersion) -> str:
    return f"model:{version.model}/{version.version}"
