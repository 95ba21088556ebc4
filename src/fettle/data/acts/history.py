"""What can be done with the history of versions: list it, follow it, find what was made from one."""

from __future__ import annotations

from fettle.acts import Context, act
from fettle.data.records.versions import Commit
from fettle.data.store import ancestry, resolve, versions

MADE_FROM = "made_from"
"""The metadata that says from which versions one was made: references with blanks between them."""


@act("data.log", reads=True)
def log(ctx: Context, dataset: str, *, branch: str = "main", limit: int = 100) -> list[Commit]:
    """List the versions of a dataset, newest first.

    Args:
        dataset: The dataset.
        branch: Where to begin: a branch, a tag or a commit.
        limit: At most so many.
    """
    return ancestry.line(ctx.tx, resolve.find_commit(ctx.tx, f"{dataset}@{branch}").id, limit)


@act("data.lineage", reads=True, plumbing=True)
def lineage(ctx: Context, ref: str, *, known: list[str] | None = None) -> list[Commit]:
    """List a version and all before it, merged branches included, oldest first.

    Args:
        ref: The version.
        known: Leave out these commits and all before them.
    """
    head = resolve.find_commit(ctx.tx, ref)
    wanted = ancestry.ancestors(ctx.tx, [head.id]) - ancestry.ancestors(ctx.tx, known or [])
    return _parents_first(versions.get_commits(ctx.tx, sorted(wanted)))


@act("data.derived", reads=True)
def derived(ctx: Context, ref: str) -> list[Commit]:
    """List the versions that were made from a version: cleaned, labelled, split, joined, synthesised.

    Args:
        ref: The version.
    """
    return versions.derived(ctx.tx, resolve.find_commit(ctx.tx, ref).id, MADE_FROM)


@act("data.known", reads=True, plumbing=True)
def known(ctx: Context, commits: list[str]) -> list[str]:
    """Tell which of these commits the workspace has.

    Args:
        commits: Ids of commits.
    """
    return sorted(versions.known_commits(ctx.tx, commits))


@act("data.merge_base", reads=True, plumbing=True)
def merge_base(ctx: Context, ours: str, theirs: str) -> Commit | None:
    """Show the newest version that two versions have in common; nothing if they have none.

    Args:
        ours: One version.
        theirs: The other.
    """
    one, other = resolve.find_commit(ctx.tx, ours), resolve.find_commit(ctx.tx, theirs)
    found = ancestry.merge_base(ctx.tx, one.id, other.id)
    return None if found is None else versions.get_commit(ctx.tx, found)


def _parents_first(commits: list[Commit]) -> list[Commit]:
    waiting = {each.id: each for each in sorted(commits, key=lambda each: (each.at, each.id))}
    ordered: list[Commit] = []
    for start in list(waiting):
        stack = [start]
        while stack:
            each = waiting.get(stack[-1])
            ahead = [one for one in each.parents if one in waiting] if each else []
            if ahead:
                stack.extend(ahead)
            else:
                done = waiting.pop(stack.pop(), None)
                ordered.extend([done] if done else [])
    return ordered
