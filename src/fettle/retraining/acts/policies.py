"""What can be done with policies: say when a project is retrained."""

from __future__ import annotations

import msgspec

from fettle.acts import Context, act
from fettle.core import ids
from fettle.core.errors import Invalid
from fettle.core.units import duration_s
from fettle.retraining import store
from fettle.retraining.records import (
    Freeze,
    Level,
    Policy,
    Trigger,
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
