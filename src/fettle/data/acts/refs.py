"""What can be done with the names of versions: branches and tags, and how they moved."""

from __future__ import annotations

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.acts.policies import check_kept
from fettle.data.acts.protections import check_protected, move
from fettle.data.records.versions import Commit, Move, Pointer
from fettle.data.store import ancestry, pointers, policies, resolve, versions


@act("data.branch")
def branch(ctx: Context, dataset: str, name: str, *, at: str = "main") -> Pointer:
    """Make a branch of a dataset, so that another line of commits can begin there.

    Args:
        dataset: The dataset.
        name: The new branch.
        at: The branch, tag or commit it begins at.
    """
    ids.check_name("branch", name)
    start = check_kept(ctx, resolve.find_commit(ctx.tx, f"{dataset}@{at}"))
    _check_free(ctx, dataset, name)
    check_protected(ctx, dataset, name, incoming=start)
    move(ctx, dataset, name, old="", new=start.id, reason=f"branch at {at}")
    ctx.emit("data.branched", f"dataset:{dataset}", branch=name, commit=start.id)
    return Pointer(dataset, name, "branch", start.id, ctx.now, ctx.actor, f"branch at {at}")


@act("data.tag")
def tag(ctx: Context, dataset: str, name: str, *, at: str = "main", message: str = "") -> Pointer:
    """Give a version a name that stays: unlike a branch, a tag always means the same version.

    Args:
        dataset: The dataset.
        name: The tag, such as `v1` or `audit-2024`.
        at: The branch, tag or commit it names.
        message: Why.
    """
    ids.check_name("tag", name)
    found = check_kept(ctx, resolve.find_commit(ctx.tx, f"{dataset}@{at}"))
    if pointers.head_of(ctx.tx, dataset, name) is not None:
        raise Conflict(f"{dataset!r} has a branch {name!r}.", hint="Choose another name for the tag.")
    made = Pointer(dataset, name, "tag", found.id, ctx.now, ctx.actor, message)
    pointers.add_tag(ctx.tx, made)
    ctx.emit("data.tagged", f"dataset:{dataset}", tag=name, commit=found.id)
    return made


@act("data.refs", reads=True)
def refs(ctx: Context, dataset: str) -> list[Pointer]:
    """List the branches and tags of a dataset.

    Args:
        dataset: The dataset.
    """
    found = pointers.list_pointers(ctx.tx, dataset)
    if not found:
        resolve.find_commit(ctx.tx, dataset)
    return found


@act("data.delete_branch", needs=Role.APPROVER)
def delete_branch(ctx: Context, dataset: str, name: str) -> Pointer:
    """Remove a branch. Its versions stay until gc, and can be had again from `fettle data moves` until then.

    Args:
        dataset: The dataset.
        name: The branch; `main` cannot be removed.
    """
    if name == "main":
        raise Invalid("The branch 'main' cannot be removed.", hint="Remove the other branches.")
    found = _pointer(ctx, dataset, name, "branch")
    check_protected(ctx, dataset, name)
    move(ctx, dataset, name, old=found.commit, new="", reason="branch removed")
    ctx.emit("data.branch_deleted", f"dataset:{dataset}", branch=name, commit=found.commit)
    return found


@act("data.delete_tag", needs=Role.APPROVER)
def delete_tag(ctx: Context, dataset: str, name: str) -> Pointer:
    """Remove a tag; the version stays as long as something else keeps it.

    Args:
        dataset: The dataset.
        name: The tag.
    """
    found = _pointer(ctx, dataset, name, "tag")
    pointers.remove_tag(ctx.tx, found, at=ctx.now, by=ctx.actor)
    ctx.emit("data.tag_deleted", f"dataset:{dataset}", tag=name, commit=found.commit)
    return found


@act("data.reset", needs=Role.APPROVER)
def reset(ctx: Context, dataset: str, to: str, *, branch: str = "main", reason: str = "") -> Commit:
    """Point a branch at another version, forwards or back. `fettle data revert` undoes without losing history.

    Args:
        dataset: The dataset.
        to: The version: a branch, tag or commit.
        branch: The branch to move; made if it is new.
        reason: Why; kept with the movement.
    """
    found = check_kept(ctx, resolve.find_commit(ctx.tx, f"{dataset}@{to}"))
    check_protected(ctx, dataset, branch)
    old = pointers.head_of(ctx.tx, dataset, branch)
    if old is None:
        _check_free(ctx, dataset, branch)
    if old != found.id:
        move(ctx, dataset, branch, old=old or "", new=found.id, reason=reason or f"reset to {to}")
        ctx.emit("data.reset", f"dataset:{dataset}", branch=branch, commit=found.id)
    return found


@act("data.advance", plumbing=True)
def advance(ctx: Context, dataset: str, to: str, *, branch: str = "main", expected_head: str = "") -> Commit:
    """Move a branch forward to a version that continues it; `fettle data pull` and `merge` call this.

    Args:
        dataset: The dataset.
        to: The id of the version.
        branch: The branch; made if it is new.
        expected_head: The commit it points at; empty: it is new.
    """
    ids.check_name("branch", branch)
    found = versions.get_commit(ctx.tx, to)
    if found.dataset != dataset:
        raise NotFound(
            f"{to[:12]} is no version of {dataset!r}.",
            found=f"one of {found.dataset!r}",
            hint=f"fettle data log {dataset}",
        )
    check_kept(ctx, found)
    if expected_head and expected_head not in ancestry.ancestors(ctx.tx, [found.id]):
        raise Conflict(
            f"{found.id[:12]} does not continue the branch {branch!r} of {dataset!r}.",
            found=f"the branch is at {expected_head[:12]}",
            hint=f"Merge the two: fettle data merge {dataset} {found.id[:12]} --into {branch}",
        )
    check_protected(ctx, dataset, branch, incoming=found)
    move(ctx, dataset, branch, old=expected_head, new=found.id, reason="advance")
    ctx.emit("data.advanced", f"dataset:{dataset}", branch=branch, commit=found.id)
    return found


@act("data.moves", reads=True)
def moves(ctx: Context, dataset: str, *, name: str | None = None, limit: int = 50) -> list[Move]:
    """List how branches and tags moved, newest first: who, when, from where to where.

    Args:
        dataset: The dataset.
        name: One branch or tag only.
        limit: At most so many.
    """
    return pointers.list_moves(ctx.tx, dataset, name, limit)


def _check_free(ctx: Context, dataset: str, name: str) -> None:
    if pointers.head_of(ctx.tx, dataset, name) is not None:
        raise Conflict(
            f"{dataset!r} has a branch {name!r} already.", hint=f"fettle data log {dataset} --branch {name}"
        )
    if pointers.tag_of(ctx.tx, dataset, name) is not None:
        raise Conflict(f"{dataset!r} has a tag {name!r}.", hint="Choose another name for the branch.")


def _pointer(ctx: Context, dataset: str, name: str, kind: str) -> Pointer:
    known = [each for each in pointers.list_pointers(ctx.tx, dataset) if each.kind == kind]
    found = next((each for each in known if each.name == name), None)
    if found is None:
        raise NotFound.among(f"{kind} of {dataset}", name, [each.name for each in known])
    held = [each for each in policies.list_holds(ctx.tx, dataset) if each.kind == "legal"]
    if held:
        raise Conflict(
            f"{dataset!r} is on hold: no {kind} of it can be removed.",
            found=f"{held[0].reason!r}, by {held[0].by}",
            hint=f"An approver ends the hold: fettle data release {held[0].id}",
        )
    return found
