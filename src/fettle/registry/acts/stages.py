"""What can be done with stages, as MLflow's registry has them."""

from __future__ import annotations

from typing import Literal

from fettle.acts import Context, act
from fettle.core.errors import Invalid
from fettle.registry import find, stages
from fettle.registry.acts.releases import change_version
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import versions

Stage = Literal["None", "Staging", "Production", "Archived"]
_ACTIVE = ("Staging", "Production")


@act("registry.stage")
def stage(
    ctx: Context, model: str, version: int, stage: Stage, *, archive_others: bool = False
) -> ModelVersion:
    """Give a version a stage of MLflow's registry; aliases say more, this is for its clients.

    `Production` asks what the alias `champion` asks, where `registry.protect` gave that a rule; so does leaving it ask
    for the role approver.

    Args:
        model: The model.
        version: Its version.
        stage: The stage; `None` takes it away.
        archive_others: Move the other versions that are in this stage, Staging or Production, to Archived.

    Raises:
        Denied: The stage is protected and the role is below approver.
        ApprovalMissing: Too few people agreed.
    """
    if archive_others and stage not in _ACTIVE:
        raise Invalid(
            f"Moving a version to {stage} archives no others.",
            found=f"archive_others with {stage}",
            hint="Only Staging and Production take the place of other versions.",
        )
    chosen = find.version(ctx, model, version)
    changed = _move(ctx, chosen, stage)
    if archive_others:
        for each in versions.list_versions(ctx.tx, model):
            if each.version != version and stages.stage_of(each) == stage:
                _move(ctx, each, "Archived")
    return changed


def _move(ctx: Context, version: ModelVersion, stage: str) -> ModelVersion:
    if stage == stages.stage_of(version):
        return version
    if stage == stages.STAGES[0]:
        return change_version(ctx, version.model, version.version, untag=[stages.TAG])
    return change_version(ctx, version.model, version.version, tags={stages.TAG: stage})
