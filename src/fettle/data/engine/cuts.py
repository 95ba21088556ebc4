"""Where a tree is cut into nodes: by the paths alone, so that the same files make the same nodes however they came.

A leaf ends behind a path whose BLAKE3 is divisible by 512, an inner node behind a child whose last path has 8 zero
bits above those; a node has at least an eighth and at most eight times its usual size, the last one of a level
excepted. A change then moves the borders of the nodes beside it at most, and the borders behind stay.

Source: the idea of a prolly tree is Noms' (2015); the rule is our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from blake3 import blake3

from fettle.core.ids import digest
from fettle.data.engine.nodes import Entry, Ref, encode_inner, encode_leaf

Put = Callable[[bytes], str]
"""Keeps the bytes of a node and returns their digest."""

Item = TypeVar("Item", Entry, Ref)

LEAF_BITS, LEAF_LEAST, LEAF_MOST = 9, 64, 4096
INNER_BITS, INNER_LEAST, INNER_MOST = 8, 32, 2048


def ends(key: bytes, level: int) -> bool:
    """Whether a node of this level that is long enough ends behind `key`."""
    value = int.from_bytes(blake3(key).digest(length=8), "little")
    if level == 0:
        return value & ((1 << LEAF_BITS) - 1) == 0
    shift = LEAF_BITS + INNER_BITS * ((level - 1) % 6)
    return (value >> shift) & ((1 << INNER_BITS) - 1) == 0


class Cutter:
    """Collects the items of one level and hands out nodes."""

    def __init__(self, level: int, put: Put) -> None:
        self._level = level
        self._put = put
        self._least, self._most = (LEAF_LEAST, LEAF_MOST) if level == 0 else (INNER_LEAST, INNER_MOST)
        self._keys: list[bytes] = []
        self._items: list = []

    @property
    def empty(self) -> bool:
        """Whether the last item ended a node, or there was none."""
        return not self._keys

    def add(self, key: bytes, item: Entry | Ref) -> Ref | None:
        """Take the next item; the node that it ends, if it ends one."""
        keys = self._keys
        keys.append(key)
        self._items.append(item)
        count = len(keys)
        if count < self._least or (count < self._most and not ends(key, self._level)):
            return None
        return self.flush()

    def flush(self) -> Ref | None:
        """End the node with what there is; None if there is nothing."""
        if not self._keys:
            return None
        made = write(self._level, self._keys, self._items, self._put)
        self._keys, self._items = [], []
        return made


def write(level: int, keys: list[bytes], items: list, put: Put) -> Ref:
    """Keep one node and return how its parent knows it."""
    if level == 0:
        return Ref(
            keys[-1], put(encode_leaf(keys, items)), len(items), sum(each.size_bytes for each in items)
        )
    files, size = sum(each.files for each in items), sum(each.size_bytes for each in items)
    return Ref(keys[-1], put(encode_inner(level, items)), files, size)


def stack(level: int, refs: Iterable[Ref], put: Put) -> str:
    """Put levels above these nodes of `level - 1` until one holds all; its digest, empty if there are none."""
    current = list(refs)
    while len(current) > 1:
        cutter, above = Cutter(level, put), []
        for each in current:
            if made := cutter.add(each.key, each):
                above.append(made)
        if made := cutter.flush():
            above.append(made)
        current, level = above, level + 1
    return current[0].digest if current else ""


def keep_nothing(data: bytes) -> str:
    """A `Put` that only names: to know a tree's digest without keeping it."""
    return digest(data)
