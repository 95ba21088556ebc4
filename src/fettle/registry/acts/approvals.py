"""What can be done about approvals: ask, agree, take back, and say what an alias asks for."""

from __future__ import annotations

from datetime import timedelta

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.core.units import duration_s
from fettle.registry import edits, find, quorum, verdicts
from fettle.registry.aliases import PROTECTED
from fettle.registry.checks import RANKS, ends_at, is_live, may_agree
from fettle.registry.names import check_alias, check_model, check_reason
from fettle.registry.records.approvals import Approval, ApprovalRequest, ApproverRole, Protection
from fettle.registry.records.versions import Review
from fettle.registry.store import approvals as store
from fettle.registry.store import versions

MOST_APPROVALS = 20
SHORTEST_S, LONGEST_S = 60.0, 3650 * 86_400.0


@act("registry.protect", needs=Role.ADMIN)
def protect(
    ctx: Context,
    model: str,
    alias: str = "champion",
    *,
    approvals: int = 1,
    role: ApproverRole = "approver",
    expires_in: str = "7d",
) -> Protection:
    """Say what it takes to point an alias at a version: gates always, and so many people who agree.

    People are tokens of `user:…`; who registered the version or asked for it does not count, and neither do services.

    Args:
        model: The model, or `*` for all that have no rule of their own.
        alias: The alias.
        approvals: How many people must agree; 0 asks for gates only.
        role: The least role of those people.
        expires_in: How long a request and its approvals hold.
    """
    check_alias(alias)
    if model != "*":
        check_model(model)
    seconds = duration_s(expires_in)
    if not 0 <= approvals <= MOST_APPROVALS or not SHORTEST_S <= seconds <= LONGEST_S:
        raise Invalid(
            "An alias asks for 0 to 20 approvals that hold for a minute to ten years.",
            found=f"approvals={approvals}, expires_in={expires_in[:40]}",
            hint="For example --approvals 2 --expires-in 7d",
        )
    quorum.check_twin(ctx, model, alias)
    made = Protection(model, alias, approvals, role, seconds, ctx.now, ctx.actor)
    store.set_protection(ctx.tx, made)
    ctx.emit("registry.protected", f"model:{model}", alias=alias, approvals=approvals, role=role)
    return made


@act("registry.unprotect", needs=Role.ADMIN)
def unprotect(ctx: Context, model: str, alias: str = "champion") -> None:
    """Remove a rule. `champion` then asks for gates only; another alias for nothing.

    Args:
        model: The model, as it was given.
        alias: The alias, as it was given.
    """
    if not store.drop_protection(ctx.tx, model, alias):
        known = [f"{each.model} {each.alias}" for each in store.list_protections(ctx.tx)]
        raise NotFound.among("protection", f"{model} {alias}", known, hint="fettle registry protections")
    ctx.emit("registry.unprotected", f"model:{model}", alias=alias)


@act("registry.protections", reads=True)
def protections(ctx: Context, model: str | None = None) -> list[Protection]:
    """List what aliases ask for.

    Args:
        model: What counts for the aliases of one model; None lists all rules as they were made.
    """
    rules = store.list_protections(ctx.tx)
    if model is None:
        return rules
    names = sorted({each.alias for each in rules if each.model in (model, "*")} | PROTECTED)
    return [rule for name in names if (rule := quorum.rule_of(ctx, model, name)) is not None]


@act("registry.request_approval")
def request_approval(
    ctx: Context, model: str, version: int, *, alias: str = "champion", reason: str = ""
) -> ApprovalRequest:
    """Ask that people agree to a version getting an alias. While a request is open, asking again returns it.

    Args:
        model: The model.
        version: Its version; approvals hold for its bundle and no other.
        alias: The alias it should get.
        reason: Why it should be promoted.

    Raises:
        Conflict: The version was rejected.
    """
    check_alias(alias)
    chosen = find.version(ctx, model, version)
    if verdicts.is_rejected(ctx, chosen):
        raise Conflict(
            f"Version {version} of {model} was rejected.",
            found=chosen.reason or "no reason was given",
            hint="Train a new version.",
            subject=f"model:{model}",
        )
    live = quorum.live_requests(ctx, chosen, alias)
    if live:
        return quorum.told(ctx, live[-1])
    rule = quorum.rule_of(ctx, model, alias) or Protection(model, alias)
    made = ApprovalRequest(
        id=ids.event_id(ctx.now),
        model=model,
        version=version,
        bundle=chosen.bundle,
        alias=alias,
        requested_by=ctx.actor,
        author=chosen.author,
        at=ctx.now,
        expires_at=ctx.now + timedelta(seconds=min(rule.expires_s, LONGEST_S)),
        reason=check_reason(reason),
    )
    store.add_request(ctx.tx, made)
    _set_review(ctx, model, version, "in review")
    ctx.emit(
        "registry.approval_requested",
        f"model:{model}",
        request=made.id,
        version=version,
        alias=alias,
        reason=reason,
    )
    return quorum.told(ctx, made)


@act("registry.approve", needs=Role.APPROVER)
def approve(ctx: Context, request: str, *, note: str = "") -> ApprovalRequest:
    """Agree that a version may have an alias. Agreeing twice changes nothing.

    Args:
        request: The request's id.
        note: What is to be said about it.

    Raises:
        Denied: You asked for it, registered the version, are a service, or lack the role that the alias asks for.
        Conflict: The request is closed or has ended.
    """
    asked = _open(ctx, request)
    reason = may_agree(ctx.actor, asked, quorum.authors_of(ctx, asked))
    rule = quorum.rule_of(ctx, asked.model, asked.alias)
    if not reason and rule is not None and ctx.role < RANKS[rule.role]:
        reason = f"{ctx.actor} is {ctx.role.name.lower()} here; {asked.alias} asks for the role {rule.role}"
    if reason:
        raise Denied(
            f"You cannot agree to version {asked.version} of {asked.model} becoming {asked.alias}.",
            found=reason,
            hint="Another person with the role must look at it.",
            subject=f"model:{asked.model}",
        )
    if not any(each.actor == ctx.actor and each.withdrawn_at is None for each in asked.approvals):
        _agree(ctx, asked, note)
    return quorum.told(ctx, find_request(ctx, request))


def _agree(ctx: Context, asked: ApprovalRequest, note: str) -> None:
    role: ApproverRole = "admin" if ctx.role >= Role.ADMIN else "approver"
    store.add_approval(
        ctx.tx, Approval(ids.event_id(ctx.now), asked.id, ctx.actor, role, check_reason(note), ctx.now)
    )
    rule = quorum.rule_of(ctx, asked.model, asked.alias)
    needed = max(1, rule.approvals) if rule else 1
    if rule is None or len(quorum.agreed(ctx, find_request(ctx, asked.id), rule)) >= needed:
        _set_review(ctx, asked.model, asked.version, "approved")
    ctx.emit(
        "registry.approved",
        f"model:{asked.model}",
        request=asked.id,
        version=asked.version,
        alias=asked.alias,
        note=note,
    )


@act("registry.withdraw")
def withdraw(ctx: Context, request: str, *, reason: str = "") -> ApprovalRequest:
    """Take back what you said about a request: your approval; or, if you asked for it, the request itself.

    Args:
        request: The request's id.
        reason: Why.

    Raises:
        Denied: You neither asked nor agreed.
        Conflict: The request is closed.
    """
    check_reason(reason)
    asked = _open(ctx, request)
    mine = [each for each in asked.approvals if each.actor == ctx.actor and each.withdrawn_at is None]
    if mine:
        store.withdraw_approval(ctx.tx, mine[0].id, ctx.now)
        _set_review(ctx, asked.model, asked.version, "in review")
    elif asked.requested_by == ctx.actor or ctx.role >= Role.ADMIN:
        store.close_request(ctx.tx, request, "withdrawn")
        _set_review(ctx, asked.model, asked.version, "none")
    else:
        raise Denied(
            "Only who asked, or agreed, can take it back.",
            found=f"{ctx.actor} did neither; {asked.requested_by} asked",
            hint="Reject the version if it must not be promoted: fettle registry reject",
        )
    ctx.emit(
        "registry.approval_withdrawn",
        f"model:{asked.model}",
        request=request,
        version=asked.version,
        alias=asked.alias,
        reason=reason,
        closed=not mine,
    )
    return quorum.told(ctx, find_request(ctx, request))


@act("registry.approvals", reads=True)
def approvals(
    ctx: Context, model: str | None = None, *, version: int | None = None, every: bool = False
) -> list[ApprovalRequest]:
    """List the requests that wait for approvals, oldest first, with who agreed.

    Args:
        model: Of one model only.
        version: Of one version only.
        every: Those that were used, withdrawn, rejected or have ended too.
    """
    found = store.list_requests(ctx.tx, model=model, version=version)
    return [
        quorum.told(ctx, each)
        for each in found
        if every
        or (each.status == "open" and ctx.now < ends_at(each, quorum.rule_of(ctx, each.model, each.alias)))
    ]


def find_request(ctx: Context, request: str) -> ApprovalRequest:
    """The request of that id.

    Raises:
        NotFound: There is none.
    """
    found = store.find_request(ctx.tx, request)
    if found is None:
        known = [each.id for each in store.list_requests(ctx.tx, status="open")]
        raise NotFound.among("request", request, known, hint="fettle registry approvals")
    return found


def _open(ctx: Context, request: str) -> ApprovalRequest:
    asked = find_request(ctx, request)
    rule = quorum.rule_of(ctx, asked.model, asked.alias)
    if not is_live(asked, find.version(ctx, asked.model, asked.version), quorum.moment(ctx), rule):
        ended = "it has ended" if asked.status == "open" else f"it is {asked.status}"
        raise Conflict(
            "This request is closed.",
            found=f"{ended}; it held until {ends_at(asked, rule):%Y-%m-%d %H:%M}",
            hint=f"Ask anew: fettle registry request-approval {asked.model} {asked.version} --alias {asked.alias}",
            subject=f"model:{asked.model}",
        )
    return asked


def _set_review(ctx: Context, model: str, version: int, review: Review) -> None:
    known = find.version(ctx, model, version)
    if known.review != review and known.status != "rejected":
        edits.note(ctx, model, version, "review", known.review, review)
        versions.change_version(ctx.tx, model, version, review=review, updated_at=ctx.now)
