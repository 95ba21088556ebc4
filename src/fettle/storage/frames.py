"""The bytes of a journal: segments and frames, and how they are read while somebody writes them.

The layout is told in `journal.py`. Reading uses plain reads, not a map: a segment may be cut while it is read.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from fettle.core.errors import Invalid, Unavailable
from fettle.storage.disks import disk_failure

HEADER = b"fettle journal 1"
HEADER_BYTES = len(HEADER)
FRAME = struct.Struct("<II")

_NAME = re.compile(r"([0-9a-f]{10})\.seg")
_POSITION = re.compile(r"([0-9a-f]{10}):([0-9a-f]{10})")
_Found = TypeVar("_Found", bound=tuple[Any, ...])
"""What is found at a place of a segment; where it ends comes first."""

_BLOCK_BYTES = 1 << 18
_BULK_BYTES = 1 << 19
_PREFIX = struct.Struct("<I")


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
    for number, (end, record) in _walk(folder, after, frames):
        yield position(number, end), record


def read_groups(folder: Path, after: str | None = None) -> Iterator[tuple[str, int, bytes]]:
    """The same many at once: the position behind a group of records of one length, that length, and their frames."""
    for number, (end, length, rows) in _walk(folder, after, groups):
        yield position(number, end), length, rows


def _walk(
    folder: Path, after: str | None, parse: Callable[[BinaryIO, int], Iterator[_Found]]
) -> Iterator[tuple[int, _Found]]:
    """What `parse` finds in each segment behind `after`, with the segment's number."""
    number, start = parsed(after) if after else (0, 0)
    while True:
        later = [each for each in segments(folder) if each >= number]
        if not later:
            return
        if later[0] > number:
            number, start = later[0], 0
        finished = len(later) > 1  # known before reading: then what is read is all there will be
        for found in _segment(folder, number, start, parse, finished=finished):
            yield number, found
        if not finished:
            return
        number, start = later[1], 0


def _segment(
    folder: Path,
    number: int,
    start: int,
    parse: Callable[[BinaryIO, int], Iterator[_Found]],
    *,
    finished: bool,
) -> Iterator[_Found]:
    path = segment_path(folder, number)
    try:
        with open(path, "rb", buffering=0) as file:
            _require_known(path, _read(file, 0, HEADER_BYTES))
            end = max(start, HEADER_BYTES)
            for found in parse(file, end):
                end = found[0]
                yield found
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


def groups(file: BinaryIO, start: int) -> Iterator[tuple[int, int, bytes]]:
    """The whole frames from `start` on, those of one length that follow each other together.

    Yields where the group ends, the length of its records, and the frames as they lie in the file: each takes
    `stride(length)` bytes, and its record begins behind the first eight. Stops like `frames`.
    """
    at = start
    while True:
        block = _read(file, at, _BULK_BYTES)
        here = 0
        while here + FRAME.size <= len(block):
            stored = _PREFIX.unpack_from(block, here)[0]
            step = stride(stored - 1)
            if not stored or here + step > len(block):
                break
            end = _alike(block, here, step, stored)
            if end == here:
                return
            yield at + end, stored - 1, block[here:end]
            here = end
        if not here:
            if len(block) < FRAME.size or not _PREFIX.unpack_from(block)[0]:
                return
            one = next(_long_frame(file, at), None)
            if one is None:
                return
            yield one
            here = one[0] - at
        at += here


def _alike(block: bytes, start: int, step: int, stored: int) -> int:
    """Where the whole frames end that begin at `start` and say `stored` of their length."""
    check, unpack, size = zlib.crc32, FRAME.unpack_from, FRAME.size
    seed = check(_PREFIX.pack(stored))
    length = stored - 1
    for here in range(start, len(block) - step + 1, step):
        said, expected = unpack(block, here)
        if said != stored or check(block[here + size : here + size + length], seed) != expected:
            return here
    return start + (len(block) - start) // step * step


def _long_frame(file: BinaryIO, at: int) -> Iterator[tuple[int, int, bytes]]:
    """The one frame at `at`, too long for a block, in the form of `groups`."""
    for end, record in frames(file, at):
        frame = _read(file, at, FRAME.size) + record
        yield end, len(record), frame + bytes(stride(len(record)) - len(frame))
        return


def stride(length: int) -> int:
    """How many bytes a record of that length takes in a segment."""
    return FRAME.size + length + 7 & -8


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
