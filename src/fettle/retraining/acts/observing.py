"""The reconciler's own acts before a training: see what speaks for one, and decide."""

from __future__ import annotations

from datetime import datetime, timedelta

from fettle.acts import Context, Role, act
from fettle.monitoring.store import alerts as alert_store
from fettle.monitoring.store import requests as request_store
from fettle.retraining import store
from fettle.retraining.decide import Decision, counts, decide
from fettle.retraining.moves import fenced, move, note, policy_of
from fettle.retraining.records import (
    ACTIVE,
    TRIGGER_OF,
    WAITING,
    Intent,
    Policy,
    Sign,
)


@act("retraining.pending", reads=True)
def pending(ctx: Context, project: str) -> bool:
    """Say whether a reconciler has anything to do, at the price of a read.

    Args:
        project: The project.
    """
    rules, set_at = policy_of(ctx, project)
    if store.list_intents(ctx.tx, project=project, states=ACTIVE, limit=1):
        return True
    if any(store.intent_of(ctx.tx, project, each.key) is None for each in _signs(ctx, rules, set_at)):
        return True
    decision = _decision(ctx, rules)
    return decision.leader is not None or any(_newly_held(each, decision) for each in decision.waiting)


@act("retraining.observe", needs=Role.ADMIN, audited=False)
def observe(ctx: Context, project: str, token: int) -> list[Intent]:
    """Turn what has happened into intents: alerts, the schedule, new labels. Each becomes one, once.

    Args:
        project: The project.
        token: The reconciler's fencing token.
    """
    rules, set_at = fenced(ctx, project, token)
    made = [note(ctx, project, each) for each in _signs(ctx, rules, set_at)]
    return [intent for intent, fresh in made if fresh]


def _signs(ctx: Context, rules: Policy, set_at: datetime) -> list[Sign]:
    """Everything that speaks for a retraining now, whether it was seen before or not."""
    found: list[Sign] = []
    for alert in alert_store.list_alerts(ctx.tx, endpoint=rules.endpoint, status="open"):
        if counts(rules, alert) and alert.kind in TRIGGER_OF:
            evidence = {
                "alert": alert.id,
                "severity": alert.severity,
                "model": alert.model,
                "version": alert.version,
                "window": [alert.start_at, alert.end_at],
                "shown": alert.evidence,
            }
            key = f"{alert.kind}:{alert.endpoint}:{alert.start_at.isoformat()}"
            found.append(Sign(TRIGGER_OF[alert.kind], key, alert.message, evidence))
    if rules.every_s and "schedule" in rules.triggers:
        turn = int((ctx.now - set_at).total_seconds() // rules.every_s)
        if turn:
            key = f"schedule:{rules.every_s:g}:{turn}"
            found.append(Sign("schedule", key, f"turn {turn} of the schedule", {"turn": turn}))
    if rules.new_labels and "data" in rules.triggers:
        turn = request_store.count_labelled(ctx.tx, rules.endpoint, None) // rules.new_labels
        if turn:
            labels = turn * rules.new_labels
            reason = f"{labels} labelled requests have come in"
            found.append(Sign("data", f"data:{rules.new_labels}:{turn}", reason, {"labels": labels}))
    return found


@act("retraining.decide", needs=Role.ADMIN, audited=False)
def decide_next(ctx: Context, project: str, token: int) -> Intent | None:
    """Return the intent to work on: the one under way, or the next that may start; None if none may.

    Args:
        project: The project.
        token: The reconciler's fencing token.
    """
    rules, _ = fenced(ctx, project, token)
    active = store.list_intents(ctx.tx, project=project, states=ACTIVE)
    if active:
        return active[0]
    decision = _decision(ctx, rules)
    for intent in decision.waiting:
        if _newly_held(intent, decision):
            move(ctx, intent, "blocked", decision.obstacle)
    if decision.leader is None:
        return None
    for intent in decision.merged:
        move(ctx, intent, "coalesced", f"merged into {decision.leader.id}", into=decision.leader.id)
    merged = [each.id for each in decision.merged]
    reason = decision.leader.reason if decision.leader.state == "observed" else _why(ctx, decision.leader)
    return move(ctx, decision.leader, "decided", reason, {"merged": merged}, decided_at=ctx.now)


def _decision(ctx: Context, rules: Policy) -> Decision:
    """What the policy makes of the intents that wait, as things stand."""
    project = rules.project
    return decide(
        rules,
        store.list_intents(ctx.tx, project=project, states=WAITING),
        now=ctx.now,
        last_decided_at=store.last_decided(ctx.tx, project),
        decided_in_budget=store.count_decided(ctx.tx, project, ctx.now - timedelta(seconds=rules.budget_s)),
        quality=alert_store.list_alerts(ctx.tx, endpoint=rules.endpoint, status="open", kind="quality"),
    )


def _newly_held(intent: Intent, decision: Decision) -> bool:
    return intent.state != "blocked" or intent.reason != decision.obstacle


def _why(ctx: Context, intent: Intent) -> str:
    """Why an intent was made: the reason it was observed for, which a block has covered since."""
    return store.list_transitions(ctx.tx, intent.id)[0].reason
