"""The reconciler's own acts around a training: begin it, keep what it brought, promote or reject."""

from __future__ import annotations

import msgspec

from fettle.acts import Context, Role, act
from fettle.monitoring import acts as monitoring
from fettle.registry import acts as registry
from fettle.retraining import store
from fettle.retraining.moves import keep, move, worked_on
from fettle.retraining.records import (
    ACTIVE,
    WAITING,
    Candidate,
    Intent,
    Transition,
    Verdict,
)


@act("retraining.begin", needs=Role.ADMIN, audited=False)
def begin(ctx: Context, intent: str, token: int) -> Intent:
    """Begin, or begin again, to train or judge an intent's candidate.

    Too many errors or interruptions end it.

    Args:
        intent: Its id.
        token: The reconciler's fencing token.
    """
    found, rules = worked_on(ctx, intent, token)
    if found.state not in ACTIVE:
        return found
    if found.errors >= rules.errors or found.attempts - found.errors > rules.interruptions:
        reason = f"gave up after {found.attempts} attempts, {found.errors} of which ended in an error"
        return move(ctx, found, "failed", reason)
    attempts = found.attempts + 1
    if found.state == "decided":
        return move(ctx, found, "training", f"attempt {attempts}", attempts=attempts)
    return keep(ctx, found, attempts=attempts)


@act("retraining.trained", needs=Role.ADMIN)
def trained(ctx: Context, intent: str, token: int, candidate: Candidate) -> Intent:
    """Keep what a training brought; the intent goes on to its evaluation.

    Args:
        intent: Its id.
        token: The reconciler's fencing token.
        candidate: A registered version.
    """
    found, _ = worked_on(ctx, intent, token)
    if found.state != "training":
        return found
    reason = f"version {candidate.version} of {candidate.model} is the challenger"
    return move(ctx, found, "evaluating", reason, msgspec.to_builtins(candidate), candidate=candidate)


@act("retraining.stumbled", needs=Role.ADMIN)
def stumbled(ctx: Context, intent: str, token: int, error: str) -> Intent:
    """Note that an attempt ended in an error; the last one allowed fails the intent.

    Args:
        intent: Its id.
        token: The reconciler's fencing token.
        error: What went wrong.
    """
    found, rules = worked_on(ctx, intent, token)
    if found.state not in ACTIVE:
        return found
    errors = found.errors + 1
    if errors >= rules.errors:
        return move(
            ctx, found, "failed", f"{errors} attempts ended in an error, the last: {error}", errors=errors
        )
    note = Transition(
        ctx.now, found.state, found.state, f"error {errors} of {rules.errors}: {error}", ctx.actor
    )
    store.add_transition(ctx.tx, found.id, note)
    return keep(ctx, found, errors=errors)


@act("retraining.conclude", needs=Role.ADMIN)
def conclude(ctx: Context, intent: str, token: int, verdict: Verdict) -> Intent:
    """Promote or reject the candidate: alias, intent and the old version's alerts move in one transaction, once.

    Args:
        intent: Its id.
        token: The reconciler's fencing token.
        verdict: What the comparison said.

    Raises:
        GateFailed: The registry refuses the promotion; nothing has changed.
    """
    found, rules = worked_on(ctx, intent, token)
    if found.state != "evaluating" or found.candidate is None:
        return found
    evidence = msgspec.to_builtins(verdict.evidence, str_keys=True)
    model, version = found.candidate.model, found.candidate.version
    if not verdict.promote:
        registry.reject(ctx, model, version, verdict.reason)
        return move(ctx, found, "rejected", verdict.reason, evidence, verdict=verdict)
    if registry.approvals_missing(ctx, model, version):
        asked = registry.request_approval(ctx, model, version, reason=verdict.reason)
        reason = f"{verdict.reason}; waits for approval {asked.id}"
        return move(ctx, found, "proposed", reason, evidence, verdict=verdict)
    registry.promote(ctx, model, version, reason=f"{verdict.reason} (intent {found.id})")
    monitoring.supersede(ctx, rules.endpoint, model, version)
    for waiting in store.list_intents(ctx.tx, project=found.project, states=WAITING):
        if waiting.trigger != "demand":
            move(ctx, waiting, "coalesced", f"version {version} took over", into=found.id)
    return move(ctx, found, "promoted", verdict.reason, evidence, verdict=verdict)
