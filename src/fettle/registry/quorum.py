"""Whether enough people agreed that a version may have an alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fettle.core.errors import Invalid
from fettle.registry import find
from fettle.registry.aliases import PROTECTED
from fettle.registry.checks import ApprovalMissing, counted, is_live, rule_for
from fettle.registry.records.approvals import Approval, ApprovalRequest, Protection
from fettle.registry.records.versions import ModelVersion
from fettle.registry.standing import ranks_now
from fettle.registry.store import approvals as store
from fettle.registry.store import versions
from fettle.registry.twins import twin_of

if TYPE_CHECKING:
    from datetime import datetime

    from fettle.acts import Context


def rule_of(ctx: Context, model: str, alias: str) -> Protection | None:
    """What an alias asks for; None if it is not protected."""
    return rule_for(store.list_protections(ctx.tx), model, alias)


def check_twin(ctx: Context, model: str, alias: str) -> None:
    """Refuse an alias that could be taken for a protected one, such as `Champion` beside `champion`.

    Raises:
        Invalid: It could.
    """
    protected = {each.alias for each in store.list_protections(ctx.tx) if each.model in (model, "*")}
    twin = twin_of(alias, sorted(protected | PROTECTED))
    if twin is not None:
        raise Invalid(
            f"{alias!r} cannot be an alias of {model}.",
            found=f"it could be taken for {twin!r}, which is protected",
            hint=f"Choose another word, or mean {twin}.",
        )


def require(ctx: Context, version: ModelVersion, alias: str, rule: Protection | None) -> str | None:
    """The request whose approvals let `alias` name `version`; None where the alias asks for none.

    Raises:
        ApprovalMissing: Too few people agreed, or their agreement ended, or they have lost the role.
    """
    if rule is None or rule.approvals == 0:
        return None
    live = live_requests(ctx, version, alias)
    for request in live:
        if len(agreed(ctx, request, rule)) >= rule.approvals:
            return request.id
    raise _missing(ctx, version, alias, rule, live)


def approvals_missing(ctx: Context, model: str, version: int, alias: str = "champion") -> bool:
    """Whether an alias asks for approvals that a version does not have; for the rooms above, before they promote.

    Args:
        ctx: The act that wants to promote.
        model: The model.
        version: Its version.
        alias: The alias it should get.
    """
    try:
        require(ctx, find.version(ctx, model, version), alias, rule_of(ctx, model, alias))
    except ApprovalMissing:
        return True
    return False


def live_requests(ctx: Context, version: ModelVersion, alias: str) -> list[ApprovalRequest]:
    """The requests about this version and alias that are open now, oldest first."""
    found = store.list_requests(
        ctx.tx, model=version.model, version=version.version, alias=alias, status="open"
    )
    rule, now = rule_of(ctx, version.model, alias), moment(ctx)
    return [each for each in found if is_live(each, version, now, rule)]


def moment(ctx: Context) -> datetime:
    """The time now that the transaction has begun: an act may have waited for it, and an approval ended meanwhile."""
    return max(ctx.now, ctx.clock.now())


def agreed(ctx: Context, request: ApprovalRequest, rule: Protection) -> list[Approval]:
    """The agreements that count now."""
    ranks = ranks_now(ctx, [each.actor for each in request.approvals])
    return counted(request, rule, ranks, authors_of(ctx, request))


def authors_of(ctx: Context, request: ApprovalRequest) -> set[str]:
    """Who registered the bundle that is asked about, under this name or another, now or before a deletion."""
    asked = versions.find_version(ctx.tx, request.model, request.version)
    same = versions.sharing(ctx.tx, request.bundle, asked.manifest if asked else None)
    return {each.author for each in same}


def told(ctx: Context, request: ApprovalRequest) -> ApprovalRequest:
    """The request with what its alias asks for now."""
    rule = rule_of(ctx, request.model, request.alias)
    return msgspec.structs.replace(request, needed=rule.approvals if rule else 0)


def _missing(
    ctx: Context, version: ModelVersion, alias: str, rule: Protection, live: list[ApprovalRequest]
) -> ApprovalMissing:
    if live:
        names = [each.actor for each in agreed(ctx, live[-1], rule)]
        found = (
            f"{len(names)} of {rule.approvals} agreed ({', '.join(names) or 'nobody yet'}) to {live[-1].id}"
        )
        hint = f"Another person with the role {rule.role}: fettle registry approve {live[-1].id}"
    else:
        found = f"no open request; {alias} asks for {rule.approvals} with the role {rule.role}"
        hint = f"fettle registry request-approval {version.model} {version.version} --alias {alias}"
    return ApprovalMissing(
        f"Version {version.version} of {version.model} may not be {alias} yet: approvals are missing.",
        found=found,
        hint=hint,
        subject=f"model:{version.model}",
    )
