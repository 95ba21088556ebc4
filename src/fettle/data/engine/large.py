"""Large files on their way into packs: read and hashed by one thread, cut by another, written by a third.

The bytes lie in a few blocks that all three look at; nothing is copied but the ends of blocks. Nearly all of the work
is done without the interpreter's lock, so two cores are busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO

from fettle.data.engine.blocks import ROOM, Block, Blocks
from fettle.data.engine.chunks import Cutter
from fettle.data.engine.format import LIST, SEGMENT, FileRef
from fettle.data.engine.jobs import Jobs
from fettle.data.engine.lists import ChunkList, Piece, Segment, encode_list, encode_segment, ends_segment

if TYPE_CHECKING:
    from fettle.data.engine.writer import Writer

_Ready = SimpleQueue[Block | None]


def put_open(writer: Writer, threads: Jobs, file: BinaryIO, first: Block, group: str) -> FileRef:
    """Keep an open, unbuffered file, of which the first block was read: a thread reads on and hashes the whole."""
    if not first.full:  # that was all of it
        return _put(writer, iter((first,)), lambda: _digest(first.data), group)
    ready: _Ready = SimpleQueue()
    reading = _Reading(file, writer.blocks, ready)
    whole = threads.submit(reading.run, first)
    blocks = iter(ready.get, None)
    try:
        return _put(writer, blocks, whole.result, group)
    finally:
        reading.stopped = True
        for block in blocks:  # it failed: the reader must not wait for a block for ever
            block.drop()


def put_pieces(writer: Writer, threads: Jobs, pieces: Iterable[bytes]) -> FileRef:
    """Keep a stream, whose pieces are taken in this thread: another hashes the whole."""
    fork: _Ready = SimpleQueue()
    whole = threads.submit(_hash_all, fork)
    try:
        return _put(writer, _forked(filled(pieces, writer.blocks), fork), whole.result, "")
    finally:
        fork.put(None)


def filled(pieces: Iterable[bytes], blocks: Blocks) -> Iterator[Block]:
    """The bytes of a stream in blocks, each held once; the last one may be short, and there may be none."""
    block: Block | None = None
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                block = block or blocks.take()
                rest = rest[block.fill(rest) :]
                if block.full:
                    given, block = block, None
                    yield given
        if block is not None:
            given, block = block, None
            yield given
    finally:
        if block is not None:
            block.drop()


def _put(writer: Writer, blocks: Iterator[Block], whole: Callable[[], bytes], group: str) -> FileRef:
    """Cut and store; `whole` gives the file's digest once all blocks were taken."""
    making = _Making(writer, group)
    cutter, block = Cutter(), None
    try:
        for following in blocks:
            chunks = cutter.chunks(following)
            if block is not None:
                block.drop()
            block = following
            making.take(writer.put_chunks(block, block.begin, chunks, group))
        if block is not None:
            at = block.end - len(cutter.rest)
            making.take(writer.put_chunks(block, at, cutter.last(), group))
    finally:
        if block is not None:
            block.drop()
    return making.finished(whole())


class _Making:
    """The chunk list of one file, while it is being made."""

    def __init__(self, writer: Writer, group: str) -> None:
        self._writer = writer
        self._segments: list[Segment] = []
        self._pieces: list[Piece] = []
        self._group = group

    def take(self, pieces: Iterable[Piece]) -> None:
        """The next chunks of the file."""
        for piece in pieces:
            self._pieces.append(piece)
            if ends_segment(piece.digest, len(self._pieces)):
                self._end_segment()

    def finished(self, whole: bytes) -> FileRef:
        """Keep the list, under the digest of the file."""
        if self._pieces:
            self._end_segment()
        made = ChunkList(sum(each.size for each in self._segments), self._segments)
        self._writer.put_object(whole, encode_list(made), LIST)
        return FileRef(whole.hex(), made.size)

    def _end_segment(self) -> None:
        pieces, self._pieces = self._pieces, []
        data = encode_segment(pieces)
        digest = self._writer.put_object(None, data, SEGMENT)
        self._segments.append(Segment(digest, sum(piece.size for piece in pieces), len(pieces)))


class _Reading:
    """Reads on in a file, hands the blocks over, and hashes them."""

    def __init__(self, file: BinaryIO, blocks: Blocks, ready: _Ready) -> None:
        self._file, self._blocks, self._ready = file, blocks, ready
        self.stopped = False

    def run(self, first: Block) -> bytes:
        from blake3 import blake3

        hasher = blake3()
        block: Block | None = first
        try:
            while block is not None and not self.stopped:
                block.hold()
                self._ready.put(block)
                hasher.update(block.data)
                block.drop()
                block = self._next()
        finally:
            self._ready.put(None)
        return hasher.digest()

    def _next(self) -> Block | None:
        block = self._blocks.take()
        try:
            block.end += self._file.readinto(block.view[ROOM:])  # type: ignore[attr-defined]  # unbuffered files have it
        except BaseException:
            block.drop()
            raise
        if block.end > ROOM:
            return block
        block.drop()
        return None


def _digest(data: memoryview) -> bytes:
    from blake3 import blake3

    return blake3(data).digest()


def _hash_all(blocks: _Ready) -> bytes:
    from blake3 import blake3

    hasher = blake3()
    while (block := blocks.get()) is not None:
        hasher.update(block.data)
        block.drop()
    return hasher.digest()


def _forked(blocks: Iterable[Block], fork: _Ready) -> Iterator[Block]:
    for block in blocks:
        block.hold()
        fork.put(block)
        yield block
    fork.put(None)
