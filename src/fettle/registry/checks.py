"""What an alias asks of a version, and whose agreement counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from fettle.core.errors import Conflict
from fettle.registry.aliases import PROTECTED
from fettle.registry.records.approvals import Approval, ApprovalRequest, Protection
from fettle.registry.records.versions import ModelVersion

RANKS = {"viewer": 1, "editor": 2, "approver": 3, "admin": 4}


class ApprovalMissing(Conflict):
    """An alias asks for approvals that a version does not have."""


def rule_for(rules: Sequence[Protection], model: str, alias: str) -> Protection | None:
    """The rule that counts for an alias: the model's own, else that for all models, else what is there from the start.

    None means that the alias is not protected: editors may set it as they like.
    """
    for name in (model, "*"):
        for each in rules:
            if (each.model, each.alias) == (name, alias):
                return each
    return Protection(model, alias) if alias in PROTECTED else None


def may_agree(actor: str, request: ApprovalRequest, authors: Collection[str] = ()) -> str:
    """Why somebody cannot agree to a request; empty if they can.

    Args:
        actor: Who would agree.
        request: What was asked.
        authors: Who ever registered the same bundle, under whatever name.
    """
    if not actor.startswith("user:"):
        return f"{actor} is no person"
    if _same(actor, request.requested_by):
        return f"{actor} asked for it"
    if any(_same(actor, each) for each in (request.author, *authors)):
        return f"{actor} registered the version"
    return ""


def counted(
    request: ApprovalRequest, rule: Protection, ranks: dict[str, int], authors: Collection[str] = ()
) -> list[Approval]:
    """The agreements that count: not withdrawn, of different people who may agree and still have the role.

    Args:
        request: What was asked.
        rule: What the alias asks for now.
        ranks: Actor → rank of the role they have now; see `RANKS`.
        authors: Who ever registered the same bundle, under whatever name.
    """
    found: dict[str, Approval] = {}
    for each in request.approvals:
        standing = ranks.get(each.actor, RANKS[each.role])
        barred = each.withdrawn_at is not None or may_agree(each.actor, request, authors)
        if not barred and standing >= RANKS[rule.role]:
            found.setdefault(each.actor.casefold(), each)
    return list(found.values())


def is_live(request: ApprovalRequest, version: ModelVersion, now: datetime) -> bool:
    """Whether a request is open, has not ended, and is about exactly this bundle."""
    return request.status == "open" and now < request.expires_at and request.bundle == version.bundle


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
