"""Packs on their way into the store: frames are streamed out by a thread while the next ones are being made."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator, Sequence

from fettle.core.errors import Unavailable
from fettle.data.engine import indexes
from fettle.data.engine.blocks import Block, Piece, drop
from fettle.data.engine.format import PACK_BYTES, PACK_FRAMES, RAW, index_key, pack_key
from fettle.data.engine.jobs import Jobs
from fettle.storage.ports import BlobStore

HEAD = b"fettlepk" + (1).to_bytes(4, "little") + bytes(4)
_PIECE_BYTES = 1 << 20
_WAITING_PIECES = 64
_FEW_PIECES = 32
"""So many or fewer are handed over as they are; more are joined first."""


class Upload:
    """One pack being written. It belongs to the thread that adds to it; another sends what was added.

    The index follows the pack and is put only after it is durable: what an index names can be read.

    Args:
        blobs: Where to.
        prefix: Of the repository in the store.
        threads: Where it is sent; one thread is busy until it is sealed.
        done: Called in the sending thread with the pack's id and its index, once both are durable.
    """

    def __init__(
        self, blobs: BlobStore, prefix: str, threads: Jobs, done: Callable[[str, bytes], None]
    ) -> None:
        self.pack = os.urandom(16).hex()
        self.size = len(HEAD)
        self.frames = 0
        self._blobs, self._prefix, self._done = blobs, prefix, done
        self._raw = 0
        self._rows: list[bytes] = []
        self._pieces: list[Piece] = [(HEAD, None)]
        self._waiting_bytes = 0
        self._queue: queue.Queue[Piece | None] = queue.Queue(_WAITING_PIECES)
        self._taken_all = self._given_up = False
        self._index = b""
        self._sending = threads.submit(self._send)

    def fits(self, size: int, frames: int = 1) -> bool:
        """Whether frames of so many bytes together have room; one alone always has."""
        alone = not self.frames and frames == 1
        return self.frames + frames <= PACK_FRAMES and (self.size + size <= PACK_BYTES or alone)

    def fitting(self, sizes: Sequence[int]) -> int:
        """How many frames of these sizes, from the first on, have room."""
        if self.fits(sum(sizes), len(sizes)):
            return len(sizes)
        count = size = 0
        while count < len(sizes) and self.fits(size + sizes[count], count + 1):
            size += sizes[count]
            count += 1
        return count

    def add(self, digest: bytes, data: bytes | memoryview, raw: int, kind: int, codec: int) -> None:
        """Append a frame; its bytes may not change afterwards. Raises what went wrong in sending."""
        size = len(data)
        self._rows.append(indexes.ROW.pack(digest, self.size, size, raw, kind, codec, 0))
        self.size += size
        self.frames += 1
        self._raw += raw
        self._pieces.append((data, None))
        self._waiting_bytes += size
        if self._waiting_bytes >= _PIECE_BYTES:
            self.hand_over()

    def add_raw(
        self,
        digests: Sequence[bytes],
        sizes: Sequence[int],
        data: memoryview,
        kind: int,
        block: Block | None = None,
    ) -> None:
        """Append frames that lie one after another and are kept as they are; else as `add`.

        Args:
            block: Where they lie, if it is to be used again: held until they were sent.
        """
        at, pack = self.size, indexes.ROW.pack
        for digest, size in zip(digests, sizes, strict=True):
            self._rows.append(pack(digest, at, size, size, kind, RAW, 0))
            at += size
        self.size = at
        self.frames += len(digests)
        self._raw += len(data)
        if block is not None:
            block.hold()
        self._pieces.append((data, block))
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _PIECE_BYTES:
            self.hand_over()

    def seal(self) -> None:
        """No frame follows: send the index too."""
        self._index = indexes.build(self._rows, self.size, self._raw)
        self._rows = []
        self._pieces.append((self._index, None))
        self.hand_over()
        self._queue.put(None)

    def wait(self) -> None:
        """Return when the pack and its index are durable; raises what went wrong."""
        self._sending.result()

    def abandon(self) -> None:
        """Give the pack up: nothing of it appears."""
        self._given_up = True
        self._queue.put(None)
        self._sending.wait()

    def hand_over(self) -> None:
        """Send what was added so far, without waiting for more; raises what went wrong."""
        if self._sending.done():
            self._sending.result()
        if len(self._pieces) > _FEW_PIECES:
            joined = b"".join([data for data, _block in self._pieces])
            for piece in self._pieces:
                drop(piece)
            self._pieces = [(joined, None)]
        for piece in self._pieces:
            self._queue.put(piece)
        self._pieces, self._waiting_bytes = [], 0

    def _send(self) -> None:
        try:
            self._blobs.put(pack_key(self.pack, self._prefix), self._taken())  # type: ignore[arg-type] - views will do
            self._blobs.put(index_key(self.pack, self._prefix), self._index)
            self._done(self.pack, self._index)
        finally:
            while not self._taken_all:  # sending failed: the other thread must not wait for room
                drop(self._take())

    def _taken(self) -> Iterator[bytes | memoryview]:
        at_once = getattr(self._blobs, "takes_at_once", False)
        while (piece := self._take()) is not None:
            data, block = piece
            try:
                yield data if at_once or block is None else bytes(data)
            finally:
                drop(piece)
        if self._given_up:
            raise Unavailable("The pack was given up by its writer.")

    def _take(self) -> Piece | None:
        piece = self._queue.get()
        self._taken_all = piece is None
        return piece


def tail_of(blobs: BlobStore, key: str, size: int) -> bytes | None:
    """The copy of its index at a pack's end; None if that is damaged."""
    footer = blobs.get(key, start=max(size - indexes.FOOTER.size, 0))
    if len(footer) < indexes.FOOTER.size:
        return None
    begins = indexes.frames_end_of(footer)
    if begins > size or size - begins != indexes.size_of(indexes.FOOTER.unpack(footer)[0]):
        return None
    data = blobs.get(key, start=begins)
    try:
        indexes.parse(data, key)
    except Unavailable:
        return None
    return data
