"""What differs between two trees; what is the same in both is never read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fettle.data.engine.nodes import Entry, Leaf, Ref, decode, level_of
from fettle.data.engine.tree_read import EMPTY, Node


class Change(NamedTuple):
    """A path at which two trees differ; None: it is not there."""

    path: str
    old: Entry | None
    new: Entry | None


def diff(a: str, b: str, node: Node) -> Iterator[Change]:
    """The paths at which tree `b` differs from tree `a`, in order.

    Both are gone down level by level; nodes that both have are left out by their digests, so the cost is that of the
    difference. Memory holds a line for each node that differs, not the files.
    """
    if a == b:
        return
    left, right = _Frontier(a, node), _Frontier(b, node)
    while left.level > 0 or right.level > 0:
        level = max(left.level, right.level)
        for each in (left, right):
            if each.level == level:
                each.descend()
        if left.level == right.level:
            both = left.digests() & right.digests()
            left.drop(both)
            right.drop(both)
    yield from joined(left.files(), right.files())


class _Frontier:
    """The nodes of one level of one tree that may differ from the other's."""

    def __init__(self, root: str, node: Node) -> None:
        self._node = node
        self._digests = [] if root == EMPTY else [root]
        self.level = level_of(node(root)) if self._digests else 0

    def digests(self) -> set[str]:
        return set(self._digests)

    def drop(self, digests: set[str]) -> None:
        if digests:
            self._digests = [each for each in self._digests if each not in digests]

    def descend(self) -> None:
        below: list[str] = []
        for digest in self._digests:
            for ref in decode(self._node(digest)).items:
                assert isinstance(ref, Ref)
                below.append(ref.digest)
        self._digests = below
        self.level -= 1

    def files(self) -> Iterator[tuple[bytes, Entry]]:
        for digest in self._digests:
            leaf = decode(self._node(digest))
            assert isinstance(leaf, Leaf)
            yield from zip(leaf.keys, leaf.items, strict=True)


def joined(left: Iterator[tuple[bytes, Entry]], right: Iterator[tuple[bytes, Entry]]) -> Iterator[Change]:
    """What differs between two sequences of files in order, each with its path as bytes."""
    end = (None, None)
    old_key, old = next(left, end)
    new_key, new = next(right, end)
    while old_key is not None or new_key is not None:
        if new_key is None or (old_key is not None and old_key < new_key):
            assert old is not None
            yield Change(old.path, old, None)
            old_key, old = next(left, end)
        elif old_key is None or new_key < old_key:
            assert new is not None
            yield Change(new.path, None, new)
            new_key, new = next(right, end)
        else:
            assert old is not None and new is not None
            if old != new:
                yield Change(old.path, old, new)
            old_key, old = next(left, end)
            new_key, new = next(right, end)
