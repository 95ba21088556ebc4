"""What can be done with retraining: set the policy, ask for one, look at intents; and the reconciler's own acts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.core.units import duration_s
from fettle.monitoring import acts as monitoring
from fettle.monitoring import store as watched
from fettle.registry import acts as registry
from fettle.retraining import store
from fettle.retraining.decide import Decision, counts, decide
from fettle.retraining.records import (
    ACTIVE,
    MOVES,
    TRIGGER_OF,
    WAITING,
    Candidate,
    Freeze,
    Intent,
    Level,
    Policy,
    Sign,
    State,
    Transition,
    Trigger,
    Verdict,
)


@act("retraining.policy")
def policy(
    ctx: Context,
    project: str,
    *,
    endpoint: str = "",
    model: str = "",
    enabled: bool = True,
    triggers: list[Trigger] | None = None,
    least: dict[str, Level] | None = None,
    cooldown: str = "1d",
    budget_runs: int = 0,
    budget: str = "30d",
    every: str = "",
    new_labels: int = 0,
    freezes: list[Freeze] | None = None,
) -> Policy:
    """Say when a project is retrained.

    Args:
        project: The project.
        endpoint: The watched endpoint whose alerts count; empty means the project's name.
        model: The model it serves; empty means the project's name.
        enabled: Whether anything but a demand may start a retraining.
        triggers: Which of demand, schedule, data, performance, drift, prediction count; not given means all but
            drift: features may move and the model still be right.
        least: The least severity of an alert that counts, by kind, such as drift=critical.
        cooldown: Least time from one decision to the next.
        budget_runs: Most decisions in the budget's time; 0 means no limit.
        budget: The time the budget is for.
        every: Schedule: once in this time; empty means never.
        new_labels: Data: once so many labels came since the last decision; 0 means never.
        freezes: When nothing starts.
    """
    ids.check_name("project", project)
    if budget_runs < 0 or new_labels < 0:
        raise Invalid(
            "A budget and a number of labels cannot be negative.", found=f"{budget_runs}, {new_labels}"
        )
    fresh = Policy(
        project=project,
        endpoint=endpoint or project,
        model=model or project,
        enabled=enabled,
        cooldown_s=duration_s(cooldown),
        budget_runs=budget_runs,
        budget_s=duration_s(budget),
        every_s=duration_s(every) if every else 0.0,
        new_labels=new_labels,
        freezes=freezes or [],
    )
    if triggers is not None:
        fresh = msgspec.structs.replace(fresh, triggers=triggers)
    if least is not None:
        fresh = msgspec.structs.replace(fresh, least=least)
    store.put_policy(ctx.tx, fresh, ctx.now)
    ctx.emit("retraining.policy", f"project:{project}")
    return fresh


@act("retraining.policies", reads=True)
def policies(ctx: Context) -> list[Policy]:
    """List the policies, by project."""
    return store.list_policies(ctx.tx)


@act("retraining.request")
def request(
    ctx: Context, project: str, *, reason: str = "", evidence: dict[str, Any] | None = None, key: str = ""
) -> Intent:
    """Ask for a retraining now; it waits for no cool-down, and merges what else is waiting.

    Args:
        project: The project.
        reason: Why.
        evidence: Anything worth remembering with it.
        key: Asking twice with the same key asks once; empty means a new request each time.
    """
    _policy(ctx, project)
    key = f"demand:{key or ids.event_id(ctx.now)}"
    sign = Sign("demand", key, reason or f"asked for by {ctx.actor}", evidence or {})
    return _observe(ctx, project, sign)[0]


@act("retraining.intents", reads=True)
def intents(
    ctx: Context, project: str | None = None, *, state: State | None = None, limit: int = 200
) -> list[Intent]:
    """List intents, newest first.

    Args:
        project: Only this project's; None means all.
        state: Only those in this state.
        limit: At most so many.
    """
    return store.list_intents(ctx.tx, project=project, states=[state] if state else [], limit=limit)


@act("retraining.show", reads=True)
def show(ctx: Context, intent: str) -> Intent:
    """Show one intent with everything that happened to it.

    Args:
        intent: Its id.
    """
    found = _intent(ctx, intent)
    return msgspec.structs.replace(found, history=store.list_transitions(ctx.tx, intent))


@act("retraining.pending", reads=True)
def pending(ctx: Context, project: str) -> bool:
    """Say whether a reconciler has anything to do, at the price of a read.

    Args:
        project: The project.
    """
    rules, set_at = _policy(ctx, project)
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
    rules, set_at = _fenced(ctx, project, token)
    made = [_observe(ctx, project, each) for each in _signs(ctx, rules, set_at)]
    return [intent for intent, fresh in made if fresh]


def _signs(ctx: Context, rules: Policy, set_at: datetime) -> list[Sign]:
    """Everything that speaks for a retraining now, whether it was seen before or not."""
    found: list[Sign] = []
    for alert in watched.list_alerts(ctx.tx, endpoint=rules.endpoint, status="open"):
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
        turn = watched.count_labelled(ctx.tx, rules.endpoint, None) // rules.new_labels
        if turn:
            labels = turn * rules.new_labels
            reason = f"{labels} labelled requests have come in"
            found.append(Sign("data", f"data:{rules.new_labels}:{turn}", reason, {"labels": labels}))
    return found


def _observe(ctx: Context, project: str, sign: Sign) -> tuple[Intent, bool]:
    """The intent of a sign, and whether it is new."""
    known = store.intent_of(ctx.tx, project, sign.key)
    if known is not None:
        return known, False
    intent = Intent(
        id=ids.event_id(ctx.now),
        project=project,
        trigger=sign.trigger,
        key=sign.key,
        state="observed",
        reason=sign.reason,
        evidence=msgspec.to_builtins(sign.evidence, str_keys=True),
        at=ctx.now,
        updated_at=ctx.now,
    )
    store.add_intent(ctx.tx, intent)
    store.add_transition(ctx.tx, intent.id, Transition(ctx.now, "", "observed", sign.reason, ctx.actor))
    ctx.emit(
        "retraining.observed",
        f"project:{project}",
        intent=intent.id,
        trigger=sign.trigger,
        reason=sign.reason,
    )
    return intent, True


@act("retraining.decide", needs=Role.ADMIN, audited=False)
def decide_next(ctx: Context, project: str, token: int) -> Intent | None:
    """Return the intent to work on: the one under way, or the next that may start; None if none may.

    Args:
        project: The project.
        token: The reconciler's fencing token.
    """
    rules, _ = _fenced(ctx, project, token)
    active = store.list_intents(ctx.tx, project=project, states=ACTIVE)
    if active:
        return active[0]
    decision = _decision(ctx, rules)
    for intent in decision.waiting:
        if _newly_held(intent, decision):
            _move(ctx, intent, "blocked", decision.obstacle)
    if decision.leader is None:
        return None
    for intent in decision.merged:
        _move(ctx, intent, "coalesced", f"merged into {decision.leader.id}", into=decision.leader.id)
    merged = [each.id for each in decision.merged]
    reason = decision.leader.reason if decision.leader.state == "observed" else _why(ctx, decision.leader)
    return _move(ctx, decision.leader, "decided", reason, {"merged": merged}, decided_at=ctx.now)


def _decision(ctx: Context, rules: Policy) -> Decision:
    """What the policy makes of the intents that wait, as things stand."""
    project = rules.project
    return decide(
        rules,
        store.list_intents(ctx.tx, project=project, states=WAITING),
        now=ctx.now,
        last_decided_at=store.last_decided(ctx.tx, project),
        decided_in_budget=store.count_decided(ctx.tx, project, ctx.now - timedelta(seconds=rules.budget_s)),
        quality=watched.list_alerts(ctx.tx, endpoint=rules.endpoint, status="open", kind="quality"),
    )


def _newly_held(intent: Intent, decision: Decision) -> bool:
    return intent.state != "blocked" or intent.reason != decision.obstacle


def _why(ctx: Context, intent: Intent) -> str:
    """Why an intent was made: the reason it was observed for, which a block has covered since."""
    return store.list_transitions(ctx.tx, intent.id)[0].reason


@act("retraining.begin", needs=Role.ADMIN, audited=False)
def begin(ctx: Context, intent: str, token: int) -> Intent:
    """Begin, or begin again, to train or judge an intent's candidate.

    Too many errors or interruptions end it.

    Args:
        intent: Its id.
        token: The reconciler's fencing token.
    """
    found, rules = _worked_on(ctx, intent, token)
    if found.state not in ACTIVE:
        return found
    if found.errors >= rules.errors or found.attempts - found.errors > rules.interruptions:
        reason = f"gave up after {found.attempts} attempts, {found.errors} of which ended in an error"
        return _move(ctx, found, "failed", reason)
    attempts = found.attempts + 1
    if found.state == "decided":
        return _move(ctx, found, "training", f"attempt {attempts}", attempts=attempts)
    return _keep(ctx, found, attempts=attempts)


@act("retraining.trained", needs=Role.ADMIN)
def trained(ctx: Context, intent: str, token: int, candidate: Candidate) -> Intent:
    """Keep what a training brought; the intent goes on to its evaluation.

    Args:
        intent: Its id.
        token: The reconciler's fencing token.
        candidate: A registered version.
    """
    found, _ = _worked_on(ctx, intent, token)
    if found.state != "training":
        return found
    reason = f"version {candidate.version} of {candidate.model} is the challenger"
    return _move(ctx, found, "evaluating", reason, msgspec.to_builtins(candidate), candidate=candidate)


@act("retraining.stumbled", needs=Role.ADMIN)
def stumbled(ctx: Context, intent: str, token: int, error: str) -> Intent:
    """Note that an attempt ended in an error; the last one allowed fails the intent.

    Args:
        intent: Its id.
        token: The reconciler's fencing token.
        error: What went wrong.
    """
    found, rules = _worked_on(ctx, intent, token)
    if found.state not in ACTIVE:
        return found
    errors = found.errors + 1
    if errors >= rules.errors:
        return _move(
            ctx, found, "failed", f"{errors} attempts ended in an error, the last: {error}", errors=errors
        )
    note = Transition(
        ctx.now, found.state, found.state, f"error {errors} of {rules.errors}: {error}", ctx.actor
    )
    store.add_transition(ctx.tx, found.id, note)
    return _keep(ctx, found, errors=errors)


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
    found, rules = _worked_on(ctx, intent, token)
    if found.state != "evaluating" or found.candidate is None:
        return found
    evidence = msgspec.to_builtins(verdict.evidence, str_keys=True)
    model, version = found.candidate.model, found.candidate.version
    if not verdict.promote:
        registry.reject(ctx, model, version, verdict.reason)
        return _move(ctx, found, "rejected", verdict.reason, evidence, verdict=verdict)
    if registry.approvals_missing(ctx, model, version):
        asked = registry.request_approval(ctx, model, version, reason=verdict.reason)
        reason = f"{verdict.reason}; waits for approval {asked.id}"
        return _move(ctx, found, "proposed", reason, evidence, verdict=verdict)
    registry.promote(ctx, model, version, reason=f"{verdict.reason} (intent {found.id})")
    monitoring.supersede(ctx, rules.endpoint, model, version)
    for waiting in store.list_intents(ctx.tx, project=found.project, states=WAITING):
        if waiting.trigger != "demand":
            _move(ctx, waiting, "coalesced", f"version {version} took over", into=found.id)
    return _move(ctx, found, "promoted", verdict.reason, evidence, verdict=verdict)


def _move(
    ctx: Context,
    intent: Intent,
    after: State,
    reason: str,
    evidence: dict[str, Any] | None = None,
    **changes: Any,
) -> Intent:
    if after != intent.state and after not in MOVES.get(intent.state, ()):
        raise Conflict(
            f"An intent that is {intent.state} cannot become {after}.",
            found=f"intent {intent.id}",
            hint=f"fettle retraining show {intent.id}",
            subject=f"intent:{intent.id}",
        )
    store.add_transition(
        ctx.tx, intent.id, Transition(ctx.now, intent.state, after, reason, ctx.actor, evidence or {})
    )
    moved = _keep(ctx, intent, state=after, reason=reason, **changes)
    ctx.emit(f"retraining.{after}", f"project:{intent.project}", intent=intent.id, reason=reason)
    return moved


def _keep(ctx: Context, intent: Intent, **changes: Any) -> Intent:
    moved = msgspec.structs.replace(intent, updated_at=ctx.now, **changes)
    store.put_intent(ctx.tx, moved)
    return moved


def _worked_on(ctx: Context, intent: str, token: int) -> tuple[Intent, Policy]:
    found = _intent(ctx, intent)
    return found, _fenced(ctx, found.project, token)[0]


def _fenced(ctx: Context, project: str, token: int) -> tuple[Policy, datetime]:
    """The policy, after making sure that no newer reconciler has taken over."""
    found = _policy(ctx, project)
    highest = store.raise_token(ctx.tx, project, token)
    if token < highest:
        raise Conflict(
            f"Another reconciler of {project} has taken over.",
            found=f"fencing token {token}, but {highest} was seen",
            hint="Stop this one; the other goes on where it was.",
            subject=f"project:{project}",
        )
    return found


def _policy(ctx: Context, project: str) -> tuple[Policy, datetime]:
    found = store.find_policy(ctx.tx, project)
    if found is None:
        names = [each.project for each in store.list_policies(ctx.tx)]
        raise NotFound.among("retraining policy", project, names, hint=f"fettle retraining policy {project}")
    return found


def _intent(ctx: Context, id: str) -> Intent:
    found = store.find_intent(ctx.tx, id)
    if found is None:
        known = [each.id for each in store.list_intents(ctx.tx, limit=50)]
        raise NotFound.among("intent", id, known, hint="fettle retraining intents")
    return found
