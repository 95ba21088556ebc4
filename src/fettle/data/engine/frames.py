"""Frames read from packs: fetched in few requests, decoded, and held to their digests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fettle.core.errors import Unavailable
from fettle.data.engine.blocks import BLOCK_BYTES, ROOM, Blocks, Piece
from fettle.data.engine.codecs import decode
from fettle.data.engine.format import KINDS, LIST, RAW, Frame, pack_key
from fettle.data.engine.lists import decode_list
from fettle.storage.ports import BlobStore

_GAP_BYTES = 128 << 10
_RUN_BYTES = 8 << 20

Wanted = tuple[bytes, Frame]


class FrameReader:
    """Reads frames; safe to share between threads."""

    def __init__(self, blobs: BlobStore, prefix: str) -> None:
        self._blobs, self._prefix = blobs, prefix

    @property
    def run_bytes(self) -> int:
        """How much one request should fetch at most: from a folder little, for it is read into blocks."""
        return BLOCK_BYTES if hasattr(self._blobs, "read_into") else _RUN_BYTES

    def one(self, digest: bytes, frame: Frame) -> bytes:
        """The plain bytes of one frame, verified.

        Raises:
            NotFound: The pack is gone (its objects may have moved to another).
            Unavailable: The frame is damaged.
        """
        stored = self._get(frame.pack, frame.offset, frame.offset + frame.stored)
        return bytes(verified(digest, frame, memoryview(stored)))

    def run(self, wanted: Sequence[Wanted]) -> Iterator[memoryview]:
        """The stored bytes of frames that `runs` put together, in their order."""
        pack, start = wanted[0][1].pack, wanted[0][1].offset
        end = max(frame.offset + frame.stored for _, frame in wanted)
        data = memoryview(self._get(pack, start, end))
        for _, frame in wanted:
            yield data[frame.offset - start : frame.offset - start + frame.stored]

    def stretches(self, wanted: Sequence[Wanted], blocks: Blocks) -> Iterator[Piece]:
        """The plain bytes of such frames in their order, unverified; those that lie together raw, in one piece.

        A block that comes with a piece is held for whoever takes it, and to be dropped.

        Raises:
            Unavailable: The pack is too short, or a frame cannot be decoded.
        """
        pack, start = wanted[0][1].pack, wanted[0][1].offset
        end = max(frame.offset + frame.stored for _, frame in wanted)
        read_into = getattr(self._blobs, "read_into", None)
        block = blocks.take() if read_into is not None and end - start <= BLOCK_BYTES else None
        try:
            if read_into is not None and block is not None:
                block.end += read_into(
                    pack_key(pack, self._prefix), start, block.view[ROOM : ROOM + end - start]
                )
                data = block.data
            else:
                data = memoryview(self._get(pack, start, end))
            if len(data) < end - start:
                raise damaged(*wanted[-1], "a pack that ends too early")
            for piece in _stretched([frame for _, frame in wanted], data, start):
                lent = block if isinstance(piece, memoryview) else None
                if lent is not None:
                    lent.hold()
                yield piece, lent
        finally:
            if block is not None:
                block.drop()

    def _get(self, pack: str, start: int, end: int) -> bytes:
        return self._blobs.get(pack_key(pack, self._prefix), start=start, end=end)


def _stretched(frames: Sequence[Frame], data: memoryview, start: int) -> Iterator[bytes | memoryview]:
    """The plain bytes of frames that lie in `data`, which begins at `start` of the pack; views of it where raw."""
    low = high = start
    for frame in frames:
        if frame.codec == RAW and frame.offset == high:
            high += frame.stored
            continue
        if high > low:
            yield data[low - start : high - start]
        low, high = frame.offset, frame.offset + frame.stored
        if frame.codec != RAW:
            yield bytes(decode(data[low - start : high - start], frame.codec, frame.raw))
            low = high
    if high > low:
        yield data[low - start : high - start]


def runs(wanted: Iterable[Wanted], most: int = _RUN_BYTES) -> Iterator[list[Wanted]]:
    """Group consecutive frames that one request should fetch: of one pack, in ascending order, with small gaps.

    Args:
        wanted: Digests and frames.
        most: Bytes of a run, if it has more than one frame.
    """
    run: list[Wanted] = []
    for each in wanted:
        frame = each[1]
        if run:
            first, last = run[0][1], run[-1][1]
            near = (
                frame.pack == last.pack
                and last.offset <= frame.offset <= last.offset + last.stored + _GAP_BYTES
            )
            if not near or frame.offset + frame.stored - first.offset > most:
                yield run
                run = []
        run.append(each)
    if run:
        yield run


def verified(digest: bytes, frame: Frame, stored: memoryview) -> bytes | memoryview:
    """Decode a frame and hold it to its digest.

    Raises:
        Unavailable: It is damaged; names the pack and the object.
    """
    from blake3 import blake3

    if len(stored) != frame.stored:
        raise damaged(digest, frame, f"{len(stored)} bytes where {frame.stored} were written")
    try:
        plain = decode(stored, frame.codec, frame.raw)
        if frame.kind == LIST:
            decode_list(plain)
            return plain
    except Unavailable as error:
        raise damaged(digest, frame, error.found or error.message) from None
    if len(plain) != frame.raw or blake3(plain).digest() != digest:
        raise damaged(digest, frame, "other bytes than were stored under this digest")
    return plain


def damaged(digest: bytes, frame: Frame, found: str) -> Unavailable:
    """The error for a frame that is not what it was."""
    kind = KINDS[frame.kind] if frame.kind < len(KINDS) else f"object of kind {frame.kind}"
    return Unavailable(
        f"The {kind} {digest.hex()[:12]}… in pack {frame.pack} is damaged.",
        found=f"{found}, at byte {frame.offset} of the pack",
        hint="Run fettle data fsck; with another copy (a push target) it can be repaired from there.",
        subject=f"pack:{frame.pack}",
    )
