"""Policies: what happens to the columns of a dataset when rows come in."""

from __future__ import annotations

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.privacy.records import Policy, PolicyVersion, Standing


@act("privacy.set_policy", needs=Role.APPROVER)
def set_policy(ctx: Context, dataset: str, policy: Policy) -> PolicyVersion:
    """Set what happens to the columns of a dataset; rows that are there stay as they are.

    A policy that says the same as the newest version changes nothing.

    Args:
        dataset: The dataset.
        policy: Its rules.
    """
    from fettle.privacy import store
    from fettle.privacy.policies import check

    ids.check_name("dataset", dataset)
    check(policy)
    newest = store.find_policy(ctx.tx, dataset)
    if newest is not None and newest.policy == policy:
        return newest
    version = newest.version + 1 if newest else 1
    made = PolicyVersion(dataset, version, policy, ctx.now, ctx.actor)
    store.add_policy(ctx.tx, made)
    ctx.emit("privacy.policy_set", f"dataset:{dataset}", version=version)
    return made


@act("privacy.policies", reads=True)
def policies(ctx: Context, dataset: str = "") -> list[PolicyVersion]:
    """List the versions of a dataset's policy, newest first, or the newest of every dataset.

    Args:
        dataset: The dataset; empty: all.
    """
    from fettle.privacy import store

    return store.list_policies(ctx.tx, dataset)


@act("privacy.standing", reads=True)
def standing(ctx: Context, dataset: str) -> Standing:
    """Show what happens to rows of a dataset that come in now: its policy, and the columns that need care.

    Args:
        dataset: The dataset; it need not exist yet.
    """
    from fettle.privacy import store

    found = store.find_policy(ctx.tx, dataset)
    classes = [
        each for each in store.list_classes(ctx.tx, dataset) if each.level in ("personal", "sensitive")
    ]
    return Standing(
        dataset=dataset,
        version=found.version if found else 0,
        policy=found.policy if found else Policy(),
        careful={each.column: each.level for each in classes if each.status == "confirmed"},
        proposed=[each.column for each in classes if each.status == "proposed"],
    )
