"""Whether a version may be put in use: rejections, gates and approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.acts import Role
from fettle.core.errors import Denied, Invalid
from fettle.registry import quorum, verdicts
from fettle.registry.aliases import UNGATED
from fettle.registry.records.versions import ModelVersion

if TYPE_CHECKING:
    from fettle.acts import Context


def admit(ctx: Context, version: ModelVersion, alias: str) -> str | None:
    """Let a version have an alias, or refuse; the request whose approvals it rests on, if any.

    Raises:
        GateFailed: A gate said no to its bundle.
        Conflict: The bundle was rejected.
        ApprovalMissing: Too few people agreed.
    """
    if alias not in UNGATED:
        verdicts.check_passed(ctx, version)
    return quorum.require(ctx, version, alias, quorum.rule_of(ctx, version.model, alias))


def check_override(ctx: Context, reason: str) -> None:
    """Refuse to overrule what an alias asks for to all but administrators with a reason.

    Raises:
        Denied: It is no administrator.
        Invalid: There is no reason.
    """
    if ctx.role < Role.ADMIN:
        raise Denied(
            "Overruling a gate or missing approvals needs the role admin.",
            found=f"{ctx.actor} is {ctx.role.name.lower()} here",
            hint="Ask an administrator of this workspace.",
        )
    if not reason.strip():
        raise Invalid(
            "Overruling a gate needs a reason.",
            found="an empty reason",
            hint="Say why: --reason 'hot fix for …'",
        )


def check_approver(ctx: Context, what: str, hint: str) -> None:
    """Refuse to move what is protected to all below approver.

    Args:
        ctx: The act that would move it.
        what: What is protected, such as `the alias champion of fraud`.
        hint: What to do instead.

    Raises:
        Denied: The role is too low.
    """
    if ctx.role < Role.APPROVER:
        raise Denied(
            f"{what} is protected: moving it needs the role approver.",
            found=f"{ctx.actor} is {ctx.role.name.lower()} here",
            hint=hint,
        )
