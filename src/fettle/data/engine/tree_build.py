"""Make trees: from files in order, or from another tree and what changed; both come to the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fettle.core.errors import Invalid
from fettle.data.engine.cuts import Cutter, Put, stack, write
from fettle.data.engine.nodes import (
    MODES,
    Entry,
    Inner,
    Leaf,
    Ref,
    only_child,
    patched,
    path_bytes,
    stray,
)
from fettle.data.engine.tree_read import EMPTY, Node, Nodes

Changes = list[tuple[bytes, Any]]
"""What becomes of the items of a level by their keys, in order: an entry or a node, or None where it goes."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


def build(files: Iterable[Entry], put: Put) -> str:
    """Make a tree of files that come in the order of their paths' bytes.

    Memory holds one node and a line for each node made, about one for 500 files.

    Args:
        files: The files, each path once.
        put: Keeps a node's bytes and returns their digest.

    Returns:
        The root's digest; empty if there are no files.

    Raises:
        Invalid: A path is out of order or twice there, or an entry is none that a tree may have.
    """
    return stack(1, _leaves(files, put), put)


def edit(root: str, changes: Iterable[tuple[str, Entry | None]], node: Node, put: Put) -> str:
    """Make a tree from another one: what `build` would make of the changed files, at the cost of the change.

    Args:
        root: The tree there is.
        changes: By path, in any order: the new entry, or None for a file that goes; the last word on a path counts.
        node: Gives the bytes of the old tree's nodes.
        put: Keeps the bytes of new nodes.

    Returns:
        The new root's digest.

    Raises:
        Invalid: An entry is none that a tree may have, or stands under another path than its own.
    """
    wanted = _in_order(changes)
    if root == EMPTY:
        return build((entry for _key, entry in wanted if entry is not None), put)
    if not wanted:
        return root
    old = Nodes(root, node)
    height = old.height
    made: list[Ref] = []
    fresh: dict[str, str] = {}

    def put_fresh(data: bytes) -> str:
        digest = put(data)
        fresh[digest] = only_child(data)
        return digest

    for level in range(height + 1):
        gone, made = _Level(old, level, put_fresh).changed(wanted)
        wanted = _for_parents(gone, made)
        if not wanted:
            return root
    return stack(height + 1, made, put) if len(made) > 1 else _lowest(made, fresh, node)


def _leaves(files: Iterable[Entry], put: Put) -> Iterator[Ref]:
    cutter = Cutter(0, put)
    before = b""
    for entry in files:
        key = checked(entry)
        if key <= before:
            raise Invalid(
                f"The files of a tree come in the order of their paths, each once; {entry.path!r} does not.",
                found=f"it follows {before!r}",
            )
        before = key
        if made := cutter.add(key, entry):
            yield made
    if made := cutter.flush():
        yield made


def checked(entry: Entry) -> bytes:
    """The path of an entry as bytes.

    Raises:
        Invalid: The path is absolute, empty or climbs, the digest is none, or the mode is unknown.
    """
    key = path_bytes(entry.path)
    if b"\0" in key or stray(key):
        raise Invalid(
            f"{entry.path!r} cannot be the path of a file in a tree.",
            hint="Paths are relative, without empty parts, `.`, `..`, `.git` or `.fettle`.",
        )
    if entry.mode not in MODES or entry.size_bytes < 0 or not _DIGEST.fullmatch(entry.digest):
        raise Invalid(f"{entry.path!r} cannot be put into a tree.", found=repr(entry))
    return key


def _in_order(changes: Iterable[tuple[str, Entry | None]]) -> Changes:
    by_key: dict[bytes, Entry | None] = {}
    for path, entry in changes:
        if entry is not None and entry.path != path:
            raise Invalid(f"The entry under {path!r} has another path.", found=repr(entry.path))
        by_key[path_bytes(path) if entry is None else checked(entry)] = entry
    return sorted(by_key.items(), key=lambda each: each[0])


def _for_parents(gone: list[Ref], made: list[Ref]) -> Changes:
    """What the level above has to change; a node that came out as it was is no change."""
    before = {each.key: each for each in gone}
    after = {each.key: each for each in made}
    keys = sorted(before.keys() | after.keys())
    return [(key, after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _lowest(made: list[Ref], fresh: dict[str, str], node: Node) -> str:
    """The root where at most one node is left on the topmost level: a node with but one child is none.

    `fresh` has the only child, or nothing, of the nodes that were just made; the store need not show them yet.
    """
    root = made[0].digest if made else EMPTY
    while root != EMPTY:
        below = fresh[root] if root in fresh else only_child(node(root))
        if not below:
            break
        root = below
    return root


class _Level:
    """Cuts one level of a tree anew where it changes."""

    def __init__(self, old: Nodes, level: int, put: Put) -> None:
        self._old = old
        self._level = level
        self._put = put
        self._cutter = Cutter(level, put)
        self._gone: list[Ref] = []
        self._made: list[Ref] = []

    def changed(self, wanted: Changes) -> tuple[list[Ref], list[Ref]]:
        """The nodes of this level that go, and those that come."""
        place = 0
        while place < len(wanted):
            ref: Ref | None = self._old.at(self._level, wanted[place][0])
            while ref is not None:
                following = self._old.after(self._level, ref.key)
                end = place
                while end < len(wanted) and (following is None or wanted[end][0] <= ref.key):
                    end += 1
                self._rewrite(ref, wanted[place:end])
                place = end
                if following is None:
                    self._keep(self._cutter.flush())
                elif self._cutter.empty:
                    break  # the borders behind are as they were
                ref = following
        return self._gone, self._made

    def _rewrite(self, ref: Ref, changes: Changes) -> None:
        """Take the items of one old node, with its changes, into the nodes that are being made."""
        self._gone.append(ref)
        whole = self._level == 0 and self._cutter.empty and changes
        if whole and (found := patched(self._old.bytes_of(ref.digest), changes)):
            data, grown = found
            self._made.append(Ref(ref.key, self._put(data), ref.files, ref.size_bytes + grown))
            return
        old = self._old.get(ref.digest)
        if self._cutter.empty and (items := _replaced(old, changes)) is not None:
            self._made.append(write(self._level, old.keys, items, self._put))
            return
        for key, item in _merged(old, changes):
            self._keep(self._cutter.add(key, item))

    def _keep(self, made: Ref | None) -> None:
        if made is not None:
            self._made.append(made)


def _replaced(old: Leaf | Inner, changes: Changes) -> list[Any] | None:
    """The items with others under the same keys; None where keys come or go, which moves borders."""
    if not changes:
        return None
    places = {key: place for place, key in enumerate(old.keys)}
    items: list[Any] = list(old.items)
    for key, item in changes:
        place = places.get(key)
        if place is None or item is None:
            return None
        items[place] = item
    return items


def _merged(old: Leaf | Inner, changes: Changes) -> Iterator[tuple[bytes, Any]]:
    items: Sequence[Any] = old.items
    place = 0
    for key, item in zip(old.keys, items, strict=True):
        while place < len(changes) and changes[place][0] < key:
            if changes[place][1] is not None:
                yield changes[place]
            place += 1
        if place < len(changes) and changes[place][0] == key:
            item = changes[place][1]
            place += 1
        if item is not None:
            yield key, item
    for key, item in changes[place:]:
        if item is not None:
            yield key, item
