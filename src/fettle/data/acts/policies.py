"""What can be asked of versions: protected branches, retention, holds and hooks; and what gc must keep."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data import webhooks
from fettle.data.records.versions import (
    Commit,
    Event,
    Hold,
    Hook,
    Move,
    Protection,
    Removed,
    Retention,
    Roots,
)
from fettle.data.store import ancestry, pointers, resolve, versions
from fettle.data.store import policies as store

MOVES_KEPT_DAYS = 30
"""For so long a version stays that only a past movement of a branch still names."""

_ONWARD = ("commit", "merge", "advance")
"""Movements after which a branch still has before it what it was at."""


@act("data.protect", needs=Role.ADMIN)
def protect(
    ctx: Context,
    dataset: str,
    pattern: str = "main",
    *,
    merges_only: bool = False,
    checks: bool = False,
    approver: bool = False,
) -> Protection:
    """Protect branches: say what is asked of whoever moves them.

    Args:
        dataset: The dataset, or `*` for all.
        pattern: Branch names, with `*` and `?`.
        merges_only: Versions come by merging another branch only.
        checks: What is merged has passed every check of the dataset of severity error (`fettle data check`).
        approver: Only an approver may move them.
    """
    if not (merges_only or checks or approver):
        raise Invalid(
            "A protection must ask for something.",
            hint="Give --merges-only, --checks or --approver; `unprotect` removes a protection.",
        )
    made = Protection(dataset, pattern, merges_only=merges_only, checks=checks, approver=approver)
    store.set_protection(ctx.tx, made)
    return made


@act("data.unprotect", needs=Role.ADMIN)
def unprotect(ctx: Context, dataset: str, pattern: str = "main") -> None:
    """Remove a protection.

    Args:
        dataset: The dataset, as it was given.
        pattern: The pattern, as it was given.
    """
    store.remove_protection(ctx.tx, dataset, pattern)


@act("data.protections", reads=True)
def protections(ctx: Context) -> list[Protection]:
    """List what is asked of changes to branches."""
    return store.list_protections(ctx.tx)


@act("data.retain", needs=Role.ADMIN)
def retain(
    ctx: Context, dataset: str, days: int, *, pattern: str = "*", keep_last: int = 1
) -> Retention | None:
    """Say how long versions are kept; what is older loses its data at the next `fettle data gc`.

    Heads, tags, holds and what models were made from always stay. Without a rule everything stays.

    Args:
        dataset: The dataset, or `*` for all.
        days: So long; 0 removes the rule.
        pattern: Branch names, with `*` and `?`.
        keep_last: So many versions of a branch stay however old they are.
    """
    if days < 0 or keep_last < 1:
        raise Invalid(
            "Versions are kept for at least a day, and the last one always.",
            found=f"days={days}, keep_last={keep_last}",
            hint="Give days ≥ 1 (0 removes the rule) and keep_last ≥ 1.",
        )
    if days == 0:
        store.remove_retention(ctx.tx, dataset, pattern)
        return None
    made = Retention(dataset, pattern, days, keep_last)
    store.set_retention(ctx.tx, made)
    return made


@act("data.retentions", reads=True)
def retentions(ctx: Context) -> list[Retention]:
    """List how long versions are kept."""
    return store.list_retentions(ctx.tx)


@act("data.hold", needs=Role.APPROVER)
def hold(ctx: Context, ref: str, reason: str) -> Hold:
    """Put a version, or a whole dataset, on legal hold: nothing of it can be removed until the hold is released.

    Args:
        ref: `churn@3f9ac1` for a version; `churn` for the dataset with all its versions.
        reason: Why; kept with the hold.
    """
    if not reason.strip():
        raise Invalid("A hold needs a reason.", hint='For example --reason "case 2024-17".')
    found = resolve.find_commit(ctx.tx, ref)
    if "@" in ref:
        check_kept(ctx, found)
    commit = found.id if "@" in ref else ""
    made = Hold(ids.event_id(ctx.now), found.dataset, commit, "legal", reason, ctx.now, ctx.actor)
    store.add_hold(ctx.tx, made)
    ctx.emit("data.held", f"dataset:{found.dataset}", commit=commit, reason=reason)
    return made


@act("data.release", needs=Role.APPROVER)
def release(ctx: Context, hold: str) -> Hold:
    """End a hold; that there was one stays on record.

    Args:
        hold: The hold's id.
    """
    ended = store.release_hold(ctx.tx, hold, at=ctx.now, by=ctx.actor)
    ctx.emit("data.released", f"dataset:{ended.dataset}", commit=ended.commit, reason=ended.reason)
    return ended


@act("data.holds", reads=True)
def holds(ctx: Context, *, dataset: str | None = None, released: bool = False) -> list[Hold]:
    """List what must not be removed, and why.

    Args:
        dataset: Of one dataset only.
        released: Show those that ended too.
    """
    return store.list_holds(ctx.tx, dataset, released=released)


def pin(ctx: Context, dataset: str, commit: str, *, by: str) -> None:
    """Hold a version for as long as something made from it is known; for the rooms above, in their transaction.

    Args:
        ctx: The act that makes it.
        dataset: The dataset.
        commit: Id of the version; one that is not in this workspace needs no hold here.
        by: What was made from it, such as `model:fraud/3`.
    """
    held = {(each.commit, each.reason) for each in store.list_holds(ctx.tx, dataset)}
    if versions.known_commits(ctx.tx, [commit]) and (commit, by) not in held:
        store.add_hold(ctx.tx, Hold(ids.event_id(ctx.now), dataset, commit, "use", by, ctx.now, ctx.actor))


@act("data.hook", needs=Role.ADMIN)
def hook(ctx: Context, event: Event, target: str, *, dataset: str = "*", timeout_s: float = 60.0) -> Hook:
    """Have a webhook called when something happens to data; before an event, an answer that is no 2xx refuses it.

    Commands and Python functions are hooks of a project, and stand in its `fettle.toml`.

    Args:
        event: When.
        target: The address, `https://…`.
        dataset: For which datasets, with `*` and `?`.
        timeout_s: Longer counts as refused, in seconds.
    """
    from fettle.storage import outgoing

    kind: Literal["webhook"] = "webhook"
    outgoing.checked(target)
    made = Hook(event, kind, target, dataset, timeout_s)
    webhooks.change(ctx.blobs, lambda known: [*(each for each in known if not _same(each, made)), made])
    return made


@act("data.unhook", needs=Role.ADMIN)
def unhook(ctx: Context, event: Event, target: str, *, dataset: str = "*") -> None:
    """Remove a webhook.

    Args:
        event: When it is called.
        target: Its address.
        dataset: For which datasets, as it was given.
    """
    gone = Hook(event, "webhook", target, dataset)
    known = webhooks.stored(ctx.blobs)
    if not any(_same(each, gone) for each in known):
        raise NotFound.among(
            f"{event} hook", target, [each.target for each in known], hint="fettle data hooks"
        )
    webhooks.change(ctx.blobs, lambda known: [each for each in known if not _same(each, gone)])


@act("data.hooks", reads=True)
def hooks(ctx: Context) -> list[Hook]:
    """List the webhooks of this workspace."""
    return webhooks.stored(ctx.blobs)


def _same(one: Hook, other: Hook) -> bool:
    return (one.event, one.target, one.dataset) == (other.event, other.target, other.dataset)


@act("data.roots", reads=True, plumbing=True)
def roots(ctx: Context) -> Roots:
    """Tell which versions gc keeps and which have outlived their retention; those it removed are neither, for ever."""
    rules, kept, everything = store.list_retentions(ctx.tx), set[str](), set[str]()
    since = ctx.now - timedelta(days=MOVES_KEPT_DAYS)
    for dataset in versions.dataset_names(ctx.tx):
        named = pointers.list_pointers(ctx.tx, dataset)
        everything |= ancestry.ancestors(ctx.tx, [each.commit for each in named])
        everything |= ancestry.once_named(ctx.tx, dataset)
        for each in named:
            rule = store.retention_of(rules, dataset, each.name) if each.kind == "branch" else None
            kept |= _kept(ctx, each.commit, rule)
        moved = pointers.list_moves(ctx.tx, dataset, None, 100_000)
        kept |= _lately(ctx, rules, [each for each in moved if each.at >= since], kept)
        for held in store.list_holds(ctx.tx, dataset):
            kept |= {held.commit} if held.commit else versions.all_commits(ctx.tx, dataset)
    gone = store.removed_commits(ctx.tx).keys()
    kept -= gone
    found = versions.get_commits(ctx.tx, sorted(kept))
    return Roots(
        trees=sorted({each.tree for each in found if each.tree}),
        commits=sorted(kept),
        expired=sorted(everything - kept - gone),
        objects=sorted({digest for each in found for digest in _objects(each) if digest}),
    )


def _objects(commit: Commit) -> tuple[str, ...]:
    """The objects without which a version is not what it was: its profile, its schema, and how it was cleaned."""
    cleaning = commit.metadata.get("cleaning", "")
    fitted = cleaning if re.fullmatch("[0-9a-f]{64}", cleaning) else ""
    return commit.profile_digest, commit.schema_digest, fitted


@act("data.let_go", needs=Role.APPROVER, plumbing=True)
def let_go(ctx: Context) -> list[str]:
    """Note the versions that have outlived their retention as removed: nothing can name them from now on.

    `fettle data gc` calls this before it looks for what is dead, and removes their data.
    """
    gone: list[str] = roots(ctx).expired
    store.note_removed(ctx.tx, gone, at=ctx.now)
    if gone:
        ctx.emit("data.let_go", "data", versions=len(gone))
    return gone


@act("data.removed", reads=True, plumbing=True)
def removed(ctx: Context, commits: list[str]) -> list[str]:
    """Tell which of these versions gc has removed.

    Args:
        commits: Ids of commits.
    """
    return sorted(store.removed_commits(ctx.tx).keys() & set(commits))


@act("data.removed_with", reads=True, plumbing=True)
def removed_with(ctx: Context, digest: str) -> Removed | None:
    """Tell which removed version a tree, or a file of a table, belonged to; nothing if a version that is kept has it.

    Args:
        digest: Of the tree or file.
    """
    gone = store.removed_commits(ctx.tx)
    found = versions.containing(ctx.tx, digest) if gone else []
    if not found or any(each.id not in gone for each in found):
        return None
    last = max(found, key=lambda each: gone[each.id])
    return Removed(last.dataset, last.id, gone[last.id])


def check_kept(ctx: Context, commit: Commit) -> Commit:
    """The version itself, to be named by a branch, tag or hold.

    Raises:
        Conflict: Its data were removed.
    """
    at = store.removed_at(ctx.tx, commit.id)
    if at is not None:
        gone = Removed(commit.dataset, commit.id, at)
        raise Conflict(
            gone.words, found="a version without data", hint=Removed.HINT, subject=f"commit:{commit.id}"
        )
    return commit


def _lately(ctx: Context, rules: list[Retention], moved: list[Move], kept: set[str]) -> set[str]:
    """Where branches and tags were, and what these kept: whoever brings one back finds all of it."""
    recent = {one for each in moved for one in (each.old, each.new) if one}
    found, plain = set(recent), set[str]()
    for each in moved:
        rule = None if each.reason.startswith("tag") else store.retention_of(rules, each.dataset, each.name)
        if rule is None:
            plain |= {each.old, each.new} & recent
        elif each.old and each.reason not in _ONWARD:
            found |= _kept(ctx, each.old, rule)
    return found | ancestry.ancestors(ctx.tx, plain - kept)


def _kept(ctx: Context, head: str, rule: Retention | None) -> set[str]:
    """What a branch or tag keeps: its whole history, or of it what is young or among the last."""
    if rule is None:
        return ancestry.ancestors(ctx.tx, [head])
    since = ctx.now - timedelta(days=rule.days)
    young = {
        each.id
        for each in versions.get_commits(ctx.tx, sorted(ancestry.ancestors(ctx.tx, [head])))
        if each.at >= since
    }
    return young | {each.id for each in ancestry.line(ctx.tx, head, rule.keep_last)}
