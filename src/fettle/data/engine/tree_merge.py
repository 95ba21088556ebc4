"""Three-way merge of trees by path: what only one side changed is taken, what both changed otherwise is a conflict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fettle.data.engine.cuts import Put
from fettle.data.engine.nodes import Entry, path_bytes
from fettle.data.engine.tree_build import edit
from fettle.data.engine.tree_diff import Change, diff
from fettle.data.engine.tree_read import Node, entries, find


class Conflict(NamedTuple):
    """A path at which two trees differ from their base in different ways; None: it is not there.

    Where a file of one side stands in the way of a folder of the other, `path` is the file that was not taken from
    `theirs`, and `ours` what stands in its way (its own path says where).
    """

    path: str
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


def merge(base: str, ours: str, theirs: str, node: Node, put: Put) -> tuple[str, list[Conflict]]:
    """Take the changes from `base` to `theirs` into `ours`.

    Returns:
        The merged tree and what is in conflict, in order; at those paths the tree is as in `ours`.
    """
    if theirs in (base, ours):
        return ours, []
    if ours == base:
        return theirs, []
    conflicts: list[Conflict] = []
    taken: dict[str, Change] = {}
    for mine, other in _sides(diff(base, ours, node), diff(base, theirs, node)):
        if other is None:
            continue
        if mine is None:
            taken[other.path] = other
        elif mine.new != other.new:
            conflicts.append(Conflict(other.path, other.old, mine.new, other.new))
    for path in [each.path for each in taken.values() if each.old is None]:
        if (standing := _in_the_way(ours, path, taken, node)) is not None:
            conflicts.append(Conflict(path, None, standing, taken.pop(path).new))
    merged = edit(ours, ((each.path, each.new) for each in taken.values()), node, put)
    return merged, sorted(conflicts, key=lambda each: path_bytes(each.path))


def _sides(ours: Iterator[Change], theirs: Iterator[Change]) -> Iterator[tuple[Change | None, Change | None]]:
    """The changes of both sides, joined by path."""
    mine, other = next(ours, None), next(theirs, None)
    while mine is not None or other is not None:
        mine_key = path_bytes(mine.path) if mine else None
        other_key = path_bytes(other.path) if other else None
        if mine_key is not None and (other_key is None or mine_key < other_key):
            yield mine, None
            mine = next(ours, None)
        elif mine_key is None or (other_key is not None and other_key < mine_key):
            yield None, other
            other = next(theirs, None)
        else:
            yield mine, other
            mine, other = next(ours, None), next(theirs, None)


def _in_the_way(ours: str, path: str, taken: dict[str, Change], node: Node) -> Entry | None:
    """What of ours lies where a file of theirs needs a folder, or below its path, and does not go by the merge."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        above = find(ours, "/".join(parts[:count]), node)
        if above is not None and not _goes(above.path, taken):
            return above
    below = (each for each in entries(ours, node, f"{path}/") if not _goes(each.path, taken))
    return next(below, None)


def _goes(path: str, taken: dict[str, Change]) -> bool:
    return path in taken and taken[path].new is None
