"""Sorted tables of frames: which objects a pack holds, and where.

An index is: magic, a fan-out of 256 counts, rows of 48 bytes sorted by digest, and a footer with counts and the BLAKE3
of all before it. It lies beside its pack, and once more at the pack's end, from where a lost one is restored.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from mmap import mmap

from fettle.core.errors import Unavailable
from fettle.data.engine.format import Frame

MAGIC = b"fettlix1"
ROW = struct.Struct("<32sIIIBBH")
ROW_BYTES = ROW.size
FANOUT_BYTES = 1024
ROWS_AT = len(MAGIC) + FANOUT_BYTES
FOOTER = struct.Struct("<IIQQ32s")
"""Rows; reserved; bytes of the pack before its index; raw bytes of all frames; BLAKE3 of all before the digest."""

_FEW_ROWS = 256
_PLACE = struct.Struct("<IIIBBH")


class Table:
    """Rows in the order of their digests, of one pack or of several; safe to share between threads.

    Args:
        data: Magic, fan-out and rows as in an index; what follows the rows is not looked at.
        count: How many rows.
        packs: The pack ids that the rows' last field counts into.
    """

    def __init__(self, data: bytes | mmap, count: int, packs: list[str]) -> None:
        self.packs = packs
        self.count = count
        self._data = data
        counts = struct.unpack_from("<256I", data, len(MAGIC))
        self._fanout = (0, *counts)
        if counts[-1] != count or list(counts) != sorted(counts):
            raise damaged_index(packs[0], "a fan-out that does not fit the rows")

    def find(self, digest: bytes) -> Frame | None:
        """The first frame of an object, or None."""
        low, high = self._fanout[digest[0]], self._fanout[digest[0] + 1]
        if high - low <= _FEW_ROWS:  # one search through a few rows is quicker than halving them
            place = self._data.find(digest, ROWS_AT + low * ROW_BYTES, ROWS_AT + high * ROW_BYTES)
            if place < 0:
                return None
            if (place - ROWS_AT) % ROW_BYTES == 0:
                return self._frame((place - ROWS_AT) // ROW_BYTES)
        at = self._position(digest)
        return self._frame(at) if at < self.count and self._digest(at) == digest else None

    def find_all(self, digest: bytes) -> Iterator[Frame]:
        """Every frame of an object."""
        at = self._position(digest)
        while at < self.count and self._digest(at) == digest:
            yield self._frame(at)
            at += 1

    def starting_with(self, prefix: bytes) -> Iterator[bytes]:
        """The digests that begin with these bytes, sorted."""
        at = self._position(prefix.ljust(32, b"\0"))
        while at < self.count and self._digest(at).startswith(prefix):
            yield self._digest(at)
            at += 1

    def rows(self) -> Iterator[tuple[bytes, Frame]]:
        """Digest and frame of every row, in the order of digests."""
        body = self.body()
        for digest, offset, stored, raw, kind, codec, pack in ROW.iter_unpack(body):
            yield digest, Frame(self.packs[pack], offset, stored, raw, kind, codec)

    @property
    def whole(self) -> bytes:
        """All bytes that the table was made of: of an index, as it lies beside its pack."""
        return self._data[:]

    @property
    def frames_end(self) -> int:
        """Where in its pack the copy of an index begins: behind the last frame."""
        return frames_end_of(self._data)

    def body(self) -> bytes:
        """The rows as they lie in the file."""
        return self._data[ROWS_AT : ROWS_AT + self.count * ROW_BYTES]

    def _position(self, digest: bytes) -> int:
        first = digest[0]
        return bisect_left(
            range(self.count), digest, self._fanout[first], self._fanout[first + 1], key=self._digest
        )

    def _digest(self, at: int) -> bytes:
        start = ROWS_AT + at * ROW_BYTES
        return self._data[start : start + 32]

    def _frame(self, at: int) -> Frame:
        offset, stored, raw, kind, codec, pack = _PLACE.unpack_from(self._data, ROWS_AT + at * ROW_BYTES + 32)
        return Frame(self.packs[pack], offset, stored, raw, kind, codec)


def build(rows: Iterable[bytes], frames_end: int, raw_bytes: int) -> bytes:
    """The bytes of an index.

    Args:
        rows: Packed rows, in any order.
        frames_end: Bytes of the pack before the index that is appended to it.
        raw_bytes: Of all frames together, when decoded.
    """
    from blake3 import blake3

    ordered = sorted(rows)
    head = table_bytes(ordered)
    footer = FOOTER.pack(len(ordered), 0, frames_end, raw_bytes, bytes(32))[:-32]
    return b"".join((head, footer, blake3(head + footer).digest()))


def table_bytes(ordered: Sequence[bytes]) -> bytes:
    """Magic, fan-out and rows of sorted rows."""
    counts = [0] * 256
    for row in ordered:
        counts[row[0]] += 1
    total = 0
    for first, count in enumerate(counts):
        total += count
        counts[first] = total
    return b"".join((MAGIC, struct.pack("<256I", *counts), *ordered))


def parse(data: bytes, pack: str) -> Table:
    """Read an index, and check that it is whole.

    Raises:
        Unavailable: It is damaged.
    """
    from blake3 import blake3

    if len(data) < ROWS_AT + FOOTER.size or data[:8] != MAGIC:
        raise damaged_index(pack, f"{len(data)} bytes that do not begin as an index does")
    count, _, _, _, digest = FOOTER.unpack_from(data, len(data) - FOOTER.size)
    if len(data) != size_of(count):
        raise damaged_index(pack, f"{len(data)} bytes where {size_of(count)} belong to {count} rows")
    if blake3(memoryview(data)[:-32]).digest() != digest:
        raise damaged_index(pack, "bytes that do not match their checksum")
    return Table(data, count, [pack])


def size_of(count: int) -> int:
    """Bytes of an index with so many rows."""
    return ROWS_AT + count * ROW_BYTES + FOOTER.size


def frames_end_of(data: bytes | mmap) -> int:
    """Where in its pack the copy of an index begins: behind the last frame."""
    return FOOTER.unpack_from(data, len(data) - FOOTER.size)[2]


def raw_bytes_of(data: bytes) -> int:
    """Bytes of all frames, decoded, by the index's footer."""
    return FOOTER.unpack_from(data, len(data) - FOOTER.size)[3]


def damaged_index(pack: str, found: str) -> Unavailable:
    """The index of a pack cannot be used."""
    return Unavailable(
        f"The index of pack {pack} is damaged.",
        found=found,
        hint="Run fettle data fsck: it restores the index from the pack.",
        subject=f"pack:{pack}",
    )
