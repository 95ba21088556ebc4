"""Chunk lists: how a large file is put together from chunks, in segments that survive an append.

The list of a file is itself cut by content: a segment ends behind a chunk whose digest ends in a zero byte. An append
changes the last segment only, and the root, which names the segments.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from fettle.core.errors import Unavailable

_FEWEST, _MOST = 32, 1024
_ROW = struct.Struct("<32sI")
_HEAD = struct.Struct("<8sQII")
_SEGMENT = struct.Struct("<32sQII")
_MAGIC = b"fettlels"


class Piece(NamedTuple):
    """A chunk of a file: its digest and its length in bytes."""

    digest: bytes
    size: int


class Segment(NamedTuple):
    """A part of a list: the digest of its bytes, the file's bytes below it, and how many chunks they are."""

    digest: bytes
    size: int
    chunks: int


class ChunkList(NamedTuple):
    """The root of a list: the file's length and its segments in order."""

    size: int
    segments: list[Segment]


def ends_segment(digest: bytes, chunks: int) -> bool:
    """Whether a segment of so many chunks ends behind the chunk of this digest."""
    return chunks >= _MOST or (chunks >= _FEWEST and digest[31] == 0)


def encode_segment(pieces: list[Piece]) -> bytes:
    """The bytes of a segment."""
    return b"".join([_ROW.pack(*piece) for piece in pieces])


def decode_segment(data: bytes | memoryview) -> list[Piece]:
    """The chunks of a segment; its bytes were checked against its digest before."""
    if len(data) % _ROW.size:
        raise Unavailable("A segment of a chunk list is damaged.", found=f"{len(data)} bytes")
    return [Piece(*row) for row in _ROW.iter_unpack(data)]


def encode_list(found: ChunkList) -> bytes:
    """The bytes of a root, which carry their own BLAKE3: a root is named by its file, not by its bytes."""
    from blake3 import blake3

    chunks = sum(segment.chunks for segment in found.segments)
    head = _HEAD.pack(_MAGIC, found.size, len(found.segments), chunks & 0xFFFFFFFF)
    body = head + b"".join([_SEGMENT.pack(*segment, 0) for segment in found.segments])
    return body + blake3(body).digest()


def decode_list(data: bytes | memoryview) -> ChunkList:
    """Read a root.

    Raises:
        Unavailable: The bytes are damaged.
    """
    from blake3 import blake3

    data = bytes(data)
    if len(data) < _HEAD.size + 32 or blake3(data[:-32]).digest() != data[-32:] or data[:8] != _MAGIC:
        raise Unavailable("A chunk list is damaged.", found="bytes that do not match their checksum")
    _, size, count, _ = _HEAD.unpack_from(data)
    rows = _SEGMENT.iter_unpack(data[_HEAD.size : -32])
    segments = [Segment(digest, below, chunks) for digest, below, chunks, _ in rows]
    if len(segments) != count or sum(segment.size for segment in segments) != size:
        raise Unavailable("A chunk list is damaged.", found="segments that do not add up to the file")
    return ChunkList(size, segments)
