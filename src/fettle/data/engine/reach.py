"""Everything that trees refer to: nodes, files, the segments of their chunk lists, and chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from fettle.core.errors import NotFound, Unavailable
from fettle.data.engine.format import LIST, binary
from fettle.data.engine.lists import decode_list, decode_segment
from fettle.data.engine.nodes import contents
from fettle.data.engine.reading import missing
from fettle.data.engine.repository import Repository


class Visitor(Protocol):
    """Is told what is reachable, and what cannot be read."""

    def found(self, digest: bytes) -> None:
        """An object that something refers to; told once or more often, whether or not it is kept here."""
        ...

    def fault(self, digest: bytes, error: NotFound | Unavailable) -> None:
        """An object that had to be read, to see what it refers to, and could not be. May raise."""
        ...


class Reach:
    """Walks from roots; what was walked once is not read again.

    Args:
        repository: Where.
        visitor: Who is told.
        known: Nodes (hex) that are not entered.
    """

    def __init__(self, repository: Repository, visitor: Visitor, known: Iterable[str] = ()) -> None:
        self._repository, self._visitor = repository, visitor
        self._nodes = set(known)
        self._lists: set[bytes] = set()

    def tree(self, root: str) -> None:
        """Everything below a root; an empty root has nothing."""
        waiting = [root] if root else []
        while waiting:
            digest = waiting.pop()
            if digest in self._nodes:
                continue
            self._nodes.add(digest)
            self._visitor.found(binary(digest))
            data = self._read(binary(digest), lambda digest=digest: self._repository.node(digest))
            if data is None:
                continue
            is_leaf, below = contents(data)
            if is_leaf:
                self.files(below)
            else:
                waiting.extend(below)

    def known_nodes(self, root: str, into: set[str]) -> None:
        """Add the nodes below a root to a set, without looking at files."""
        waiting = [root] if root else []
        while waiting:
            digest = waiting.pop()
            if digest in into:
                continue
            into.add(digest)
            data = self._read(binary(digest), lambda digest=digest: self._repository.node(digest))
            if data is not None:
                is_leaf, below = contents(data)
                waiting.extend(() if is_leaf else below)

    def files(self, digests: Iterable[str]) -> None:
        """These files and what they consist of."""
        found, find = self._visitor.found, self._repository.catalog.find
        for each in digests:
            digest = bytes.fromhex(each)
            found(digest)
            frame = find(digest)
            if frame is not None and frame.kind == LIST and digest not in self._lists:
                self._lists.add(digest)
                self._list(digest)

    def _list(self, digest: bytes) -> None:
        data = self._read(digest, lambda: self._object(digest))
        if data is None:
            return
        for segment in decode_list(data).segments:
            self._visitor.found(segment.digest)
            if segment.digest in self._lists:
                continue
            self._lists.add(segment.digest)
            body = self._read(segment.digest, lambda digest=segment.digest: self._object(digest))
            for piece in decode_segment(body) if body is not None else ():
                self._visitor.found(piece.digest)

    def _object(self, digest: bytes) -> bytes:
        found = self._repository.reader.object(digest)
        if found is None:
            raise missing(digest)
        return found[0]

    def _read(self, digest: bytes, read: Callable[[], bytes]) -> bytes | None:
        try:
            return read()
        except (NotFound, Unavailable) as error:
            self._visitor.fault(digest, error)
            return None
