"""Read trees: find a file, list a folder, go through all; only the nodes on the way are read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

from fettle.data.engine.nodes import (
    Entry,
    Inner,
    Leaf,
    Ref,
    contents,
    decode,
    level_of,
    path_bytes,
    path_text,
)

Node = Callable[[str], bytes]
"""Gives the bytes of a node by its digest."""

EMPTY = ""
"""The root of a tree without files."""

_KEPT_NODES = 32


class Folder(NamedTuple):
    """A folder as its parent lists it: its name, and what lies below it."""

    name: str
    files: int
    size_bytes: int


class Nodes:
    """Decoded nodes of one tree, the last few kept."""

    def __init__(self, root: str, node: Node) -> None:
        self.root = root
        self._node = node
        self._kept: dict[str, Leaf | Inner] = {}

    def get(self, digest: str) -> Leaf | Inner:
        """The node of a digest."""
        found = self._kept.get(digest)
        if found is None:
            if len(self._kept) >= _KEPT_NODES:
                del self._kept[next(iter(self._kept))]
            found = self._kept[digest] = decode(self._node(digest))
        return found

    def bytes_of(self, digest: str) -> bytes:
        """The bytes of a node, which is not kept."""
        return self._node(digest)

    @property
    def height(self) -> int:
        """The level of the root."""
        top = self.get(self.root)
        return top.level if isinstance(top, Inner) else 0

    def root_ref(self) -> Ref:
        """The root as a parent would know it."""
        top = self.get(self.root)
        files = len(top.items) if isinstance(top, Leaf) else sum(each.files for each in top.items)
        return Ref(top.keys[-1], self.root, files, sum(each.size_bytes for each in top.items))

    def at(self, level: int, key: bytes) -> Ref:
        """The node of a level in which `key` lies or would lie: the first that does not end before it, or the last."""
        ref = self.root_ref()
        for _ in range(self.height - level):
            inner = self.get(ref.digest)
            place = min(bisect_left(inner.keys, key), len(inner.keys) - 1)
            ref = inner.items[place]
            assert isinstance(ref, Ref)
        return ref

    def first(self, key: bytes) -> tuple[bytes, Entry] | None:
        """The first file whose path is not before `key`, or None."""
        leaf = self.get(self.at(0, key).digest)
        place = bisect_left(leaf.keys, key)
        if place == len(leaf.keys):
            return None
        entry = leaf.items[place]
        assert isinstance(entry, Entry)
        return leaf.keys[place], entry

    def after(self, level: int, key: bytes) -> Ref | None:
        """The first node of a level that ends behind `key`, or None."""
        ref = self.root_ref()
        if ref.key <= key:
            return None
        for _ in range(self.height - level):
            inner = self.get(ref.digest)
            ref = inner.items[bisect_right(inner.keys, key)]
            assert isinstance(ref, Ref)
        return ref


def stats(root: str, node: Node) -> tuple[int, int]:
    """How many files a tree has, and how many bytes they have together."""
    if root == EMPTY:
        return 0, 0
    top = Nodes(root, node).root_ref()
    return top.files, top.size_bytes


def find(root: str, path: str, node: Node) -> Entry | None:
    """The file at a path, or None."""
    if root == EMPTY:
        return None
    key = path_bytes(path)
    current = decode(node(root))
    while isinstance(current, Inner):
        place = bisect_left(current.keys, key)
        if place == len(current.keys):
            return None
        current = decode(node(current.items[place].digest))
    place = bisect_left(current.keys, key)
    return current.items[place] if place < len(current.keys) and current.keys[place] == key else None


def entries(root: str, node: Node, prefix: str = "") -> Iterator[Entry]:
    """The files of a tree in order, of those only whose path begins with the characters of `prefix`."""
    start = path_bytes(prefix)
    for key, entry in pairs(root, node, start):
        if not key.startswith(start):
            return
        yield entry


def pairs(root: str, node: Node, start: bytes = b"") -> Iterator[tuple[bytes, Entry]]:
    """Files with their paths as bytes, in order, from `start` on."""
    if root == EMPTY:
        return
    current = decode(node(root))
    place = bisect_left(current.keys, start)
    if isinstance(current, Leaf):
        yield from zip(current.keys[place:], current.items[place:], strict=True)
        return
    for child in current.items[place:]:
        yield from pairs(child.digest, node, start)


def listing(root: str, node: Node, folder: str = "") -> Iterator[Entry | Folder]:
    """What lies directly in a folder, in order; folders are counted without reading all that is in them.

    Args:
        root: The tree.
        node: Gives its nodes.
        folder: Such as `images/cats`; empty for the topmost.
    """
    start = path_bytes(f"{folder.strip('/')}/") if folder.strip("/") else b""
    nodes = Nodes(root, node)
    at = start
    while root != EMPTY and (found := nodes.first(at)) is not None:
        key, entry = found
        if not key.startswith(start):
            return
        name, slash, _rest = key[len(start) :].partition(b"/")
        if not slash:
            yield entry
            at = key + b"\0"
            continue
        low, high = start + name + b"/", start + name + b"0"  # "0" follows "/"
        files, size = _between(nodes, low, high)
        yield Folder(path_text(name), files, size)
        at = high


def _between(nodes: Nodes, low: bytes, high: bytes) -> tuple[int, int]:
    (few, small), (many, large) = _before(nodes, low), _before(nodes, high)
    return many - few, large - small


def _before(nodes: Nodes, key: bytes) -> tuple[int, int]:
    """How many files, and bytes, have a path before `key`."""
    files = size = 0
    current = nodes.get(nodes.root)
    while isinstance(current, Inner):
        place = bisect_left(current.keys, key)
        files += sum(each.files for each in current.items[:place])
        size += sum(each.size_bytes for each in current.items[:place])
        if place == len(current.keys):
            return files, size
        current = nodes.get(current.items[place].digest)
    place = bisect_left(current.keys, key)
    return files + place, size + sum(each.size_bytes for each in current.items[:place])


def nodes(root: str, node: Node, known: Container[str] = frozenset()) -> Iterator[str]:
    """The digests of a tree's nodes, each once, parents first; what is `known` is skipped with all below it."""
    waiting = [root] if root != EMPTY and root not in known else []
    while waiting:
        digest = waiting.pop()
        yield digest
        data = node(digest)
        if level_of(data) > 0:
            waiting.extend(each for each in reversed(contents(data)[1]) if each not in known)
