"""Who changed what last: for each file of a version the commit that gave it its content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from fettle.core.progress import phase
from fettle.data import versions
from fettle.data.records.versions import Commit
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface


class Blame(msgspec.Struct, frozen=True):
    """A file, and the version that gave it the content it has."""

    path: str
    commit: str
    author: str
    at: datetime
    message: str


def blame(ws: Surface, ref: str, path: str = "") -> list[Blame]:
    """Tell for each file of a version which commit gave it its content.

    Follows first parents, and into a merged branch where the content came from there. Trees that are the same are
    skipped whole, so that it costs what changed, not what there is.

    Args:
        ws: The workspace.
        ref: The version.
        path: Only this file, or the files of this folder; empty means all.

    Raises:
        NotFound: There is no such version or path.
    """
    from fettle.core.errors import NotFound
    from fettle.data.engine import trees

    head = versions.resolve(ws, ref)
    node = repository(ws).node
    wanted = {
        each.path: each.digest
        for each in trees.entries(head.tree, node, path)
        if not path or each.path == path or each.path.startswith(path.rstrip("/") + "/")
    }
    if path and not wanted:
        known = [each.path for each in trees.entries(head.tree, node)]
        raise NotFound.among(f"file of {head.dataset}@{head.id[:12]}", path, known)
    known_commits = {each.id: each for each in ws.call("data.lineage", ref=head.ref)}
    found: dict[str, Commit] = {}
    with phase("Looking back", total=len(wanted), unit="files") as step:
        _walk(head, set(wanted), known_commits, node, found, step)
    return [
        Blame(name, commit.id, commit.author, commit.at, commit.message)
        for name, commit in sorted(found.items())
    ]


def _walk(
    head: Commit,
    wanted: set[str],
    commits: dict[str, Commit],
    node: Callable[[str], bytes],
    found: dict[str, Commit],
    step: Callable[..., None],
) -> None:
    """Carry each file back along the parents that have it with the same content."""
    from fettle.data.engine import trees

    waiting: list[tuple[Commit, set[str]]] = [(head, wanted)]
    while waiting:
        commit, paths = waiting.pop()
        left = paths
        for parent in (commits[each] for each in commit.parents if each in commits):
            changed = {each.path for each in trees.diff(parent.tree, commit.tree, node)}
            same = left - changed
            if same:
                waiting.append((parent, same))
            left = left & changed
        for name in left:
            found[name] = commit
            step()
