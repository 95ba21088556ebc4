"""What an alias asks of a version, and whose agreement counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

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
            found.setdefault(person(each.actor), each)
    return list(found.values())


def is_live(
    request: ApprovalRequest, version: ModelVersion, now: datetime, rule: Protection | None = None
) -> bool:
    """Whether a request is open, has not ended, and is about exactly this bundle.

    A clock that was set back does not make it live again as far as its approvals tell: it is no earlier than they are.

    Args:
        request: What was asked.
        version: The version as it is now.
        now: The time.
        rule: What the alias asks for now; None: nothing.
    """
    reached = max([now, request.at, *(each.at for each in request.approvals)])
    return request.status == "open" and reached < ends_at(request, rule) and request.bundle == version.bundle


def ends_at(request: ApprovalRequest, rule: Protection | None) -> datetime:
    """When a request ends: as was said when it was made, or earlier, if its alias allows less by now."""
    if rule is None or rule.expires_s >= (request.expires_at - request.at).total_seconds():
        return request.expires_at
    return request.at + timedelta(seconds=rule.expires_s)


def person(actor: str) -> str:
    """Who an actor is: names that differ in letter case, width or outer spaces only are one person's."""
    return unicodedata.normalize("NFKC", actor).casefold().replace(" ", "")


def _same(one: str, other: str) -> bool:
    return person(one) == person(other)
