"""Memory that large files pass through: a few blocks, used again and again, so that none is asked for anew.

A block is filled by one thread, cut by another and written by a third; who still reads it holds it, and when the last
lets go it is filled again. So the blocks there are bound both the memory and how far one thread runs ahead.
"""

from __future__ import annotations

import mmap
import threading
from queue import Empty, SimpleQueue

from fettle.data.engine.format import Chunking

ROOM = Chunking().max
"""Bytes in front of a block's own, for the end of the block before it."""
BLOCK_BYTES = 1 << 20
MOST_BLOCKS = 24


class Block:
    """A stretch of memory that several threads may hold.

    Attributes:
        view: All of it.
        begin: Where in it the data begins: at `ROOM`, or before.
        end: Where the data ends.
    """

    __slots__ = ("_free", "_guard", "_holders", "begin", "end", "view")

    def __init__(self, free: SimpleQueue[Block]) -> None:
        self.view = memoryview(mmap.mmap(-1, ROOM + BLOCK_BYTES))
        self.begin = self.end = ROOM
        self._free = free
        self._guard = threading.Lock()
        self._holders = 0

    @property
    def data(self) -> memoryview:
        """What was filled in, from `ROOM` on."""
        return self.view[ROOM : self.end]

    @property
    def full(self) -> bool:
        """Whether no more goes in."""
        return self.end == len(self.view)

    def fill(self, data: memoryview) -> int:
        """Copy as much of the data as has room behind what is there; how much that was."""
        size = min(len(data), len(self.view) - self.end)
        self.view[self.end : self.end + size] = data[:size]
        self.end += size
        return size

    def hold(self) -> None:
        """Keep it as it is until `drop`."""
        with self._guard:
            self._holders += 1

    def drop(self) -> None:
        """Let go of it."""
        with self._guard:
            self._holders -= 1
            unused = not self._holders
        if unused:
            self._free.put(self)


class Blocks:
    """The blocks of one writer, made when they are first needed."""

    def __init__(self) -> None:
        self._free: SimpleQueue[Block] = SimpleQueue()
        self._made = 0

    def take(self) -> Block:
        """An empty block, held once; waits for one where all are in use."""
        try:
            block = self._free.get_nowait()
        except Empty:
            block = self._another() or self._free.get()
        block.begin = block.end = ROOM
        block.hold()
        return block

    def _another(self) -> Block | None:
        if self._made >= MOST_BLOCKS:
            return None
        self._made += 1
        return Block(self._free)


Piece = tuple[bytes | memoryview, Block | None]
"""Bytes, and the block they lie in, which is held until they were taken; None: they stay as they are."""


def drop(piece: Piece | None) -> None:
    """Let go of the block that bytes lie in."""
    if piece is not None and piece[1] is not None:
        piece[1].drop()
