"""Stages of MLflow's registry: a tag, of which `Production` asks what the alias `champion` asks, where that has a rule.

Without a rule of the model's own, or of `*`, for `champion` a stage is a mark that editors set as they like, as it is
with MLflow's own server; clients that load `models:/fraud/Production` take what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.errors import Invalid
from fettle.registry import admission, bundles
from fettle.registry.checks import rule_for
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import approvals

if TYPE_CHECKING:
    from fettle.acts import Context

TAG = "mlflow.stage"
"""Tag of a version that says its stage; none stands for `None`."""
STAGES = ("None", "Staging", "Production", "Archived")
IN_USE = "Production"
ALIAS = "champion"
"""The alias whose rule counts for the stage in use."""


def stage_named(text: str) -> str:
    """A stage in its own letter case.

    Raises:
        Invalid: There is no such stage.
    """
    for each in STAGES:
        if text.casefold() == each.casefold():
            return each
    raise Invalid(f"There is no stage {text[:60]!r}.", hint=f"There are: {', '.join(STAGES)}.")


def stage_of(version: ModelVersion) -> str:
    """The stage of a version."""
    return version.tags.get(TAG) or STAGES[0]


def check_change(ctx: Context, version: ModelVersion, before: str, after: str) -> None:
    """Let a version come to the stage in use, or leave it, if `champion` would let it.

    Args:
        ctx: The act that changes the stage.
        version: The version.
        before: Its stage until now.
        after: Its stage from now on.

    Raises:
        Denied: The role is below approver.
        GateFailed: A gate said no to its bundle.
        Conflict: It was rejected.
        ApprovalMissing: Too few people agreed.
        NotFound: Its bundle, or a file of it, is not kept in this workspace.
    """
    was, becomes = _in_use(before), _in_use(after)
    if becomes and not was:
        bundles.check_whole(ctx.blobs, version)
    if was == becomes or not _has_rule(ctx, version.model):
        return
    hint = "Ask an approver, or use the stage Staging."
    admission.check_approver(ctx, f"The stage {IN_USE} of {version.model}", hint)
    if becomes and ALIAS not in version.aliases:
        admission.admit(ctx, version, ALIAS)


def _in_use(stage: str) -> bool:
    return stage.strip().casefold() == IN_USE.casefold()


def _has_rule(ctx: Context, model: str) -> bool:
    rule = rule_for(approvals.list_protections(ctx.tx), model, ALIAS)
    return rule is not None and rule.at is not None
