"""Approvals: what an alias asks of a version, who asked for it, and who agreed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

ApproverRole = Literal["approver", "admin"]
RequestStatus = Literal["open", "used", "withdrawn", "rejected"]


class Protection(msgspec.Struct, frozen=True):
    """What it takes to point an alias at a version.

    Attributes:
        model: The model; `*` for all that have no rule of their own.
        alias: The alias.
        approvals: How many people must agree, besides whoever made and asked for the version; 0 for none.
        role: The least role of those people.
        expires_s: How long a request and its approvals hold, in seconds.
        at: When the rule was made; None for the one that is there from the start.
        by: Who made it.
    """

    model: str
    alias: str
    approvals: int = 0
    role: ApproverRole = "approver"
    expires_s: float = 7 * 86_400.0
    at: datetime | None = None
    by: str = ""


class Approval(msgspec.Struct, frozen=True):
    """One person's agreement.

    Attributes:
        id: Sorts by time.
        request: Of which request.
        actor: Who agreed.
        role: Their role when they did.
        note: What they said.
        at: When.
        withdrawn_at: When they took it back.
    """

    id: str
    request: str
    actor: str
    role: ApproverRole
    note: str
    at: datetime
    withdrawn_at: datetime | None = None


class ApprovalRequest(msgspec.Struct, frozen=True):
    """The question whether a version may have an alias. It is about one bundle and ends by itself.

    Attributes:
        id: Sorts by time.
        model: The model.
        version: The version.
        bundle: The digest that people looked at; approvals hold for nothing else.
        alias: The alias it should get.
        requested_by: Who asked; they cannot agree.
        author: Who registered the version; they cannot agree either.
        at: When.
        expires_at: From when on it counts no more.
        reason: Why the version should be promoted.
        status: `open`, `used` by a promotion, `withdrawn`, or `rejected` with its version.
        needed: How many agreements the alias asks for now.
        approvals: Who agreed, oldest first.
    """

    id: str
    model: str
    version: int
    bundle: str
    alias: str
    requested_by: str
    author: str
    at: datetime
    expires_at: datetime
    reason: str = ""
    status: RequestStatus = "open"
    needed: int = 0
    approvals: list[Approval] = []
