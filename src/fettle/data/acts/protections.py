"""Moving a branch, as far as the protections of it allow."""

from __future__ import annotations

from fettle.acts import Context, Role
from fettle.core.errors import Denied, GateFailed
from fettle.data.records.versions import Commit, Move
from fettle.data.store import checks, pointers, policies


def move(ctx: Context, dataset: str, branch: str, *, old: str, new: str, reason: str) -> None:
    """Point the branch at `new` (empty: remove it) if it still points at `old` (empty: it is not there).

    Raises:
        Conflict: Another commit was faster.
    """
    pointers.move_head(ctx.tx, Move(dataset, branch, old, new, ctx.now, ctx.actor, reason))


def check_protected(
    ctx: Context, dataset: str, branch: str, *, incoming: Commit | None = None, tree: str | None = None
) -> None:
    """Refuse a change that the branch's protections do not allow.

    Args:
        ctx: The act that changes it.
        dataset: The dataset.
        branch: The branch.
        incoming: The version whose changes come in from another branch; None if it is no merge.
        tree: What the branch is to hold, where that is not the very tree of `incoming`.

    Raises:
        Denied: The branch takes merges only, or only an approver may move it.
        GateFailed: What comes in has not passed the checks.
    """
    for rule in policies.protections_of(ctx.tx, dataset, branch):
        if rule.approver and ctx.role < Role.APPROVER:
            raise Denied(
                f"Only an approver may move the branch {branch!r} of {dataset!r}.",
                found=f"{ctx.actor} is {ctx.role.name.lower()}; the branch falls under {rule.dataset}:{rule.pattern}",
                hint="Commit to another branch and ask an approver to merge it.",
            )
        if rule.merges_only and (incoming is None or not _is_named(ctx, incoming, but=branch)):
            raise Denied(
                f"The branch {branch!r} of {dataset!r} is protected: changes come by merging another branch.",
                found=f"a protection of {rule.dataset}:{rule.pattern}",
                hint=f"Commit or push to another branch, then: fettle data merge {dataset} BRANCH --into {branch}",
            )
        if rule.checks:
            _check_passed(ctx, dataset, branch, incoming, tree)


def _is_named(ctx: Context, commit: Commit, *, but: str) -> bool:
    """Whether another branch, or a tag, names the version: so it was looked at under that name before."""
    return any(
        each.commit == commit.id and (each.kind, each.name) != ("branch", but)
        for each in pointers.list_pointers(ctx.tx, commit.dataset)
    )


def _check_passed(ctx: Context, dataset: str, branch: str, incoming: Commit | None, tree: str | None) -> None:
    """Refuse what has not passed the dataset's checks of severity error; the newest result of each counts.

    What was checked is what the branch will hold: where both sides changed, theirs is merged first and checked again.
    Only results of the check as it reads now count; those that the author recorded count if an approver lets it in.
    """
    wanted = {each.id: each.text for each in checks.list_checks(ctx.tx, dataset) if each.severity == "error"}
    if not wanted:
        found = "the dataset has no check of severity error"
    elif incoming is None:
        found = "a change that is no merge"
    elif tree not in (None, incoming.tree):
        found = f"{branch!r} changed too, so that nobody checked what comes of both"
    else:
        runs = checks.list_runs(ctx.tx, dataset, commit=incoming.id, most=10_000)
        newest = {
            each.check: each.outcome
            for each in reversed(runs)
            if each.text == wanted.get(each.check) and _is_witness(ctx, each.by, incoming)
        }
        left = sorted(each for each in wanted if newest.get(each) != "passed")
        if not left:
            return
        found = f"not passed on {incoming.id[:12]}: {', '.join(left)}"
    raise GateFailed(
        f"The branch {branch!r} of {dataset!r} takes only versions that have passed its checks.",
        found=found,
        hint=f"Merge {branch} into a branch, fettle data check {dataset}@BRANCH, then merge that one.",
        subject=f"dataset:{dataset}",
    )


def _is_witness(ctx: Context, by: str, incoming: Commit) -> bool:
    """Whether somebody's word on a version counts: an approver who lets it in decides, others need another's word."""
    return ctx.role >= Role.APPROVER or by not in (incoming.author, ctx.actor)
