"""Protocol-buffer messages read without their schema: fields by number, as event files and offline runs need them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, int, "int | bytes"]
"""Number, wire type, and the value: an int for varints and fixed widths, bytes for the rest."""


def fields(data: bytes) -> Iterator[Field]:
    r"""The fields of a message, in order.

    Raises:
        ValueError: The bytes are no message.

    Example:
        >>> list(fields(b"\x08\x96\x01\x12\x02hi"))
        [(1, 0, 150), (2, 2, b'hi')]
    """
    place, end = 0, len(data)
    while place < end:
        tag, place = _varint(data, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = _varint(data, place)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, place = _varint(data, place)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if place + size > end:
            raise ValueError("a field goes beyond the end")
        piece = data[place : place + size]
        place += size
        yield number, kind, piece if kind == BYTES else int.from_bytes(piece, "little")


def parts(data: bytes, *numbers: int) -> dict[int, bytes]:
    """The last bytes field of each of the given numbers."""
    return {
        number: value for number, _, value in fields(data) if number in numbers and isinstance(value, bytes)
    }


def text(value: int | bytes | None) -> str:
    """A string field; empty where there is none."""
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def signed(value: int) -> int:
    """A varint as int64."""
    return value - (1 << 64) if value >= 1 << 63 else value


def double(value: int | bytes) -> float:
    """A 64-bit fixed field as a float."""
    return struct.unpack("<d", int(value).to_bytes(8, "little"))[0] if isinstance(value, int) else 0.0


def single(value: int | bytes) -> float:
    """A 32-bit fixed field as a float."""
    return struct.unpack("<f", int(value).to_bytes(4, "little"))[0] if isinstance(value, int) else 0.0


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ValueError("a number that does not end")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place
        shift += 7
