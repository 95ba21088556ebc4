"""Decide: of everything that speaks for a retraining, does one start now, and if not, why not?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from fettle.monitoring.records import SEVERITIES, Alert
from fettle.retraining.records import Intent, Policy


class Decision(msgspec.Struct, frozen=True):
    """What a pass decided: the intent that starts and those merged into it, or why nothing starts."""

    leader: Intent | None
    merged: list[Intent] = []
    waiting: list[Intent] = []
    obstacle: str = ""


def decide(
    policy: Policy,
    waiting: Sequence[Intent],
    *,
    now: datetime,
    last_decided_at: datetime | None,
    decided_in_budget: int,
    quality: Sequence[Alert],
) -> Decision:
    """Choose the intent to start.

    A person's demand starts whatever the policy says of pace; only a freeze holds it. Everything else waits for the
    cool-down, the budget, the end of a freeze, and for data-quality alerts to be acknowledged or closed: training
    on broken data makes a broken model. When one starts, all that wait are merged into it, so that ten alarms of a
    bad day make one training.

    Args:
        policy: The project's policy.
        waiting: Its observed and blocked intents.
        now: The present.
        last_decided_at: When the last retraining was decided.
        decided_in_budget: How many were decided in the budget's time.
        quality: Open data-quality alerts of the endpoint.
    """
    if not waiting:
        return Decision(None)
    order = sorted(waiting, key=lambda each: (each.trigger != "demand", each.at, each.id))
    leader = order[0]
    frozen = next((each for each in policy.freezes if each.start_at <= now < each.end_at), None)
    if frozen is not None:
        because = f" ({frozen.reason})" if frozen.reason else ""
        return Decision(None, waiting=order, obstacle=f"frozen until {frozen.end_at:%Y-%m-%d %H:%M}{because}")
    if leader.trigger != "demand":
        obstacle = _pace(policy, now, last_decided_at, decided_in_budget) or _quality(quality)
        if obstacle:
            return Decision(None, waiting=order, obstacle=obstacle)
    return Decision(leader, merged=order[1:])


def _pace(policy: Policy, now: datetime, last_decided_at: datetime | None, decided_in_budget: int) -> str:
    if not policy.enabled:
        return "automatic retraining is switched off"
    if last_decided_at is not None:
        rested_at = last_decided_at + timedelta(seconds=policy.cooldown_s)
        if now < rested_at:
            return f"cooling down until {rested_at:%Y-%m-%d %H:%M}"
    if policy.budget_runs and decided_in_budget >= policy.budget_runs:
        days = policy.budget_s / 86_400
        return f"the budget of {policy.budget_runs} retrainings in {days:g} days is used up"
    return ""


def _quality(alerts: Sequence[Alert]) -> str:
    if not alerts:
        return ""
    return f"data quality: {alerts[0].message} Acknowledge or close alert {alerts[0].id} to go on."


def counts(policy: Policy, alert: Alert) -> bool:
    """Whether an alert speaks for a retraining under the policy."""
    if alert.kind == "quality" or alert.kind not in policy.triggers:
        return False
    least = policy.least.get(alert.kind, "notice" if alert.kind == "performance" else "warning")
    return SEVERITIES.index(alert.severity) >= SEVERITIES.index(least)
