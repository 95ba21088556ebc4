"""Who follows an alias; for the rooms above, in their transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.registry import find, moves, quorum, verdicts
from fettle.registry.admission import check_approver
from fettle.registry.aliases import UNGATED
from fettle.registry.records.aliases import AliasUse
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import aliases

if TYPE_CHECKING:
    from fettle.acts import Context


def follow(ctx: Context, model: str, alias: str, *, by: str) -> None:
    """Note that something serves what an alias names, so that it is not deleted under it.

    What follows an alias that is protected is pointed elsewhere by approvers only; and no free alias puts a version in
    use that was rejected or failed its gates, `candidate` alone excepted.

    Args:
        ctx: The act that deploys it.
        model: The model.
        alias: The alias.
        by: What follows it, such as `endpoint:fraud`; it follows one alias at a time.

    Raises:
        Conflict: The alias names files of another tool, which fettle does not serve, or a rejected version.
        GateFailed: A gate said no to what a free alias names.
        NotFound: The bundle it names is not kept in this workspace.
        Denied: It follows a protected alias now, and the role is below approver.
    """
    version = find.version(ctx, model, find.alias(ctx, model, alias))
    before = aliases.find_use(ctx.tx, by)
    if before is not None and (before.model, before.alias) != (model, alias):
        _check_leaving(ctx, before)
    if quorum.rule_of(ctx, model, alias) is None:
        check_served(ctx, alias, version)
    aliases.add_use(ctx.tx, AliasUse(model, alias, by))
    moves.check_servable(ctx, alias, version)


def unfollow(ctx: Context, *, by: str) -> None:
    """Note that something follows no alias any more.

    Raises:
        Denied: It follows a protected alias, and the role is below approver.
    """
    before = aliases.find_use(ctx.tx, by)
    if before is not None:
        _check_leaving(ctx, before)
    aliases.drop_use(ctx.tx, by)


def check_served(ctx: Context, alias: str, version: ModelVersion) -> None:
    """Refuse to serve by a free alias what was rejected or failed its gates.

    Raises:
        GateFailed: A gate said no to its bundle.
        Conflict: It was rejected.
    """
    if alias not in UNGATED:
        verdicts.check_passed(ctx, version)


def _check_leaving(ctx: Context, use: AliasUse) -> None:
    if quorum.rule_of(ctx, use.model, use.alias) is not None:
        hint = "Ask an approver, or deploy an endpoint of another name."
        check_approver(ctx, f"What {use.by} serves, {use.alias} of {use.model},", hint)
