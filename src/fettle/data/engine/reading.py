"""Objects and files read back: located, fetched in few requests, verified, put together."""

from __future__ import annotations

from collections.abc import Iterator

from fettle.core.errors import NotFound, Unavailable
from fettle.data.engine import blocks as blocks_
from fettle.data.engine.catalog import Catalog
from fettle.data.engine.format import LIST, Frame
from fettle.data.engine.frames import FrameReader, Wanted, damaged, runs, verified
from fettle.data.engine.lists import ChunkList, Piece, decode_segment


class Reader:
    """Reads what the catalog knows; safe to share between threads."""

    def __init__(self, catalog: Catalog, frames: FrameReader) -> None:
        self._catalog, self._frames = catalog, frames

    def object(self, digest: bytes) -> tuple[bytes, bool] | None:
        """An object's plain bytes, and whether they are a chunk list; None if no pack has it.

        Raises:
            Unavailable: Every copy of it is damaged.
        """
        frame = self._catalog.find_new(digest)
        return None if frame is None else self._any(digest, frame)

    def slices(self, found: ChunkList, start: int, end: int) -> Iterator[bytes | memoryview]:
        """The bytes of a large file from `start` to `end`, in order and verified, chunk by chunk."""
        for pieces, at in self._covering(found, start, end):
            for piece, plain in zip(pieces, self._chunks(pieces), strict=True):
                low, high = max(start - at, 0), min(end - at, piece.size)
                yield plain if high - low == piece.size else plain[low:high]
                at += piece.size

    def unverified(self, found: ChunkList, blocks: blocks_.Blocks) -> Iterator[blocks_.Piece]:
        """The bytes of a large file in order as the packs have them: whoever takes them holds the whole to its digest.

        Raises:
            NotFound: A pack went while we read.
            Unavailable: Something is missing, or cannot be decoded.
        """
        for segment in found.segments:
            pieces = decode_segment(self._require(segment.digest))
            located = ((piece.digest, self._locate(piece.digest)) for piece in pieces)
            for run in runs(located, self._frames.run_bytes):
                yield from self._frames.stretches(run, blocks)

    def pieces(self, found: ChunkList) -> Iterator[Piece]:
        """All chunks of a large file in order."""
        for segment in found.segments:
            yield from decode_segment(self._require(segment.digest))

    def _covering(self, found: ChunkList, start: int, end: int) -> Iterator[tuple[list[Piece], int]]:
        """For each segment that overlaps the range: the overlapping chunks, and where in the file they begin."""
        at = 0
        for segment in found.segments:
            if at < end and at + segment.size > start:
                here, inside, first = at, [], -1
                for piece in decode_segment(self._require(segment.digest)):
                    if here < end and here + piece.size > start:
                        first = here if first < 0 else first
                        inside.append(piece)
                    here += piece.size
                yield inside, first
            at += segment.size

    def _chunks(self, pieces: list[Piece]) -> Iterator[bytes | memoryview]:
        located: list[Wanted] = [(piece.digest, self._locate(piece.digest)) for piece in pieces]
        for run in runs(located):
            try:
                stored = list(self._frames.run(run))
            except NotFound:  # the pack went while we read: its objects are elsewhere
                yield from (self._require(digest) for digest, _ in run)
                continue
            for (digest, frame), data in zip(run, stored, strict=True):
                yield self._repaired(digest, frame, data)

    def _repaired(self, digest: bytes, frame: Frame, stored: memoryview) -> bytes | memoryview:
        try:
            return verified(digest, frame, stored)
        except Unavailable:
            return self._any(digest, frame)[0]

    def _locate(self, digest: bytes) -> Frame:
        frame = self._catalog.find_new(digest)
        if frame is None:
            raise missing(digest)
        return frame

    def _require(self, digest: bytes) -> bytes:
        found = self.object(digest)
        if found is None:
            raise missing(digest)
        return found[0]

    def sound(self, digest: bytes, frame: Frame) -> bytes:
        """An object's plain bytes from this frame, or from another that is sound; errors as `object`."""
        return self._any(digest, frame)[0]

    def _any(self, digest: bytes, frame: Frame) -> tuple[bytes, bool]:
        try:
            return self._frames.one(digest, frame), frame.kind == LIST
        except (Unavailable, NotFound) as error:
            if isinstance(error, NotFound):
                self._catalog.refresh()
            for other in self._catalog.find_all(digest):
                if other == frame:
                    continue
                try:
                    return self._frames.one(digest, other), other.kind == LIST
                except (Unavailable, NotFound):
                    continue
            raise (
                error if isinstance(error, Unavailable) else damaged(digest, frame, "the pack is missing")
            ) from None


def missing(digest: bytes) -> Unavailable:
    """Something that a file or tree refers to is not there."""
    return Unavailable(
        f"The object {digest.hex()[:12]}… is missing from the data store.",
        found="no pack has it, though a file or tree refers to it",
        hint="Run fettle data fsck; with another copy (a push target) it can be repaired from there.",
        subject=f"object:{digest.hex()}",
    )
