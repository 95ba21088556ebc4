"""The bytes of a journal: segments and frames, and how they are read while somebody writes them.

The layout is told in `journal.py`. Reading uses plain reads, not a map: a segment may be cut while it is read.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fettle.core.errors import Invalid, Unavailable
from fettle.storage.disks import disk_failure

HEADER = b"fettle journal 1"
HEADER_BYTES = len(HEADER)
FRAME = struct.Struct("<II")

_NAME = re.compile(r"([0-9a-f]{10})\.seg")
_POSITION = re.compile(r"([0-9a-f]{10}):([0-9a-f]{10})")
_BLOCK_BYTES = 1 << 18


def segment_path(folder: Path, number: int) -> Path:
    """The file of a segment."""
    return folder / f"{number:010x}.seg"


def segments(folder: Path) -> list[int]:
    """The numbers of the segments that are there, ascending."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(match[1], 16) for name in names if (match := _NAME.fullmatch(name)))


def position(number: int, end: int) -> str:
    """The position behind a record that ends at `end`."""
    return f"{number:010x}:{end:010x}"


def parsed(text: str) -> tuple[int, int]:
    """Segment and offset of a position.

    Raises:
        Invalid: It is not one.
    """
    match = _POSITION.fullmatch(text)
    if match is None:
        raise Invalid(
            f"{text!r} is not a position in a journal.", hint="Use one that append or read_journal gave."
        )
    return int(match[1], 16), int(match[2], 16)


def read(folder: Path, after: str | None = None) -> Iterator[tuple[str, bytes]]:
    """The records behind `after`, until the present end; the contract is `read_journal`'s."""
    number, start = parsed(after) if after else (0, 0)
    while True:
        later = [each for each in segments(folder) if each >= number]
        if not later:
            return
        if later[0] > number:
            number, start = later[0], 0
        finished = len(later) > 1  # known before reading: then what is read is all there will be
        yield from _records(folder, number, start, finished=finished)
        if not finished:
            return
        number, start = later[1], 0


def _records(folder: Path, number: int, start: int, *, finished: bool) -> Iterator[tuple[str, bytes]]:
    path = segment_path(folder, number)
    try:
        with open(path, "rb", buffering=0) as file:
            _require_known(path, _read(file, 0, HEADER_BYTES))
            end = max(start, HEADER_BYTES)
            for behind, record in frames(file, end):
                end = behind
                yield position(number, end), record
            size = os.fstat(file.fileno()).st_size
            if finished and end < size and not _only_zeros(file, end):
                raise Unavailable(
                    f"The journal segment {path} is damaged.",
                    found=f"a frame that does not match its checksum at byte {end} of {size}",
                    hint=f"Restore the file from a backup; to go on without the rest of it, read after "
                    f"{position(number, size)!r}.",
                )
    except FileNotFoundError:
        return  # discarded by its owner
    except OSError as error:
        raise disk_failure(error, path) from error


def _require_known(path: Path, header: bytes) -> None:
    if header.strip(b"\0") and header != HEADER:
        raise Unavailable(
            f"{path} is not a journal segment that this fettle can read.",
            found=f"{header!r} at its beginning",
            hint="Upgrade: pip install --upgrade fettle-ml",
        )


def frames(file: BinaryIO, start: int) -> Iterator[tuple[int, bytes]]:
    """The whole frames from `start` on: where each ends, and its record. Stops at the first that is not whole."""
    block, base = b"", start
    at = start
    while True:
        if at + FRAME.size > base + len(block):
            block, base = _read(file, at, _BLOCK_BYTES), at
            if len(block) < FRAME.size:
                return
        stored, check = FRAME.unpack_from(block, at - base)
        length = stored - 1
        if length < 0:
            block, base = _read(file, at, _BLOCK_BYTES), at  # perhaps written since the block was read
            if len(block) < FRAME.size or not FRAME.unpack_from(block)[0]:
                return
            continue
        begin, end = at + FRAME.size, at + FRAME.size + length
        if end > base + len(block):
            block, base = _read(file, at, max(_BLOCK_BYTES, FRAME.size + length)), at
            if end > base + len(block):
                return
        record = block[begin - base : end - base]
        if zlib.crc32(record, zlib.crc32(block[at - base : at - base + 4])) != check:
            return
        at = (end + 7) & -8
        yield at, record


def valid_end(file: BinaryIO) -> int:
    """Where the whole frames of a segment end."""
    return max((end for end, _ in frames(file, HEADER_BYTES)), default=HEADER_BYTES)


def torn_frame(file: BinaryIO, end: int) -> bytes:
    """What follows the whole frames if it begins like a frame: nothing after a kill, but perhaps after a power cut."""
    begins = _read(file, end, FRAME.size)
    if len(begins) < FRAME.size or not FRAME.unpack(begins)[0]:
        return b""
    return _read(file, end, os.fstat(file.fileno()).st_size - end).rstrip(b"\0")


def _read(file: BinaryIO, start: int, count: int) -> bytes:
    file.seek(start)
    parts: list[bytes] = []
    while count > 0 and (part := file.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _only_zeros(file: BinaryIO, start: int) -> bool:
    while part := _read(file, start, _BLOCK_BYTES):
        if part.strip(b"\0"):
            return False
        start += len(part)
    return True
