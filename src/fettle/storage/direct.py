"""Long streams written past the page cache, where the system can.

What is written once and forced to the disk at once gains nothing from the cache: it costs a copy and pages that others
had use for. A stream that is longer than the buffer is written with `O_DIRECT` in aligned pieces of 4 MiB; the rest,
and everything on systems or file systems that cannot, or that are memory themselves, in the usual way.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import BinaryIO

_BUFFER_BYTES = 4 << 20
_BLOCK_BYTES = 4096
_LONG_BYTES = 256 << 10
"""Chunks from so many bytes on are written as they are, where they need not be aligned."""
_MOST_SPARE = 2
_spare: list[memoryview] = []


def write_chunks(file: BinaryIO, chunks: Iterable[bytes | memoryview]) -> None:
    """Write chunks to an open, empty file, of which nothing is buffered; the caller forces it to the disk.

    A chunk is done with when the next one is asked for.
    """
    past_cache = not _in_memory(os.fstat(file.fileno()).st_dev)
    with _buffer() as view:
        used, direct = 0, False
        for chunk in chunks:
            if not past_cache and len(chunk) >= _LONG_BYTES:
                _write(file, view[:used])
                _write(file, memoryview(chunk))
                used = 0
                continue
            at = 0
            while at < len(chunk):
                size = min(len(chunk) - at, _BUFFER_BYTES - used)
                view[used : used + size] = memoryview(chunk)[at : at + size]
                used, at = used + size, at + size
                if used == _BUFFER_BYTES:
                    direct = direct or (past_cache and _switch(file, direct=True))
                    _write(file, view)
                    used = 0
        if direct:
            _switch(file, direct=False)
        _write(file, view[:used])


@contextlib.contextmanager
def _buffer() -> Iterator[memoryview]:
    """Memory that is aligned to pages; kept for the next stream, for pages that are new must be cleared first."""
    try:
        view = _spare.pop()
    except IndexError:
        view = memoryview(mmap.mmap(-1, _BUFFER_BYTES))
    yield view
    if len(_spare) < _MOST_SPARE:
        _spare.append(view)


def _write(file: BinaryIO, data: memoryview) -> None:
    """Write all of it. A file system that took the flag but not the write is asked again without."""
    while len(data):
        try:
            written = os.write(file.fileno(), data)
        except OSError as error:
            if error.errno != errno.EINVAL or not _switch(file, direct=False):
                raise
            continue
        data = data[written:]
        if len(data) % _BLOCK_BYTES:
            _switch(file, direct=False)


@lru_cache(maxsize=64)
def _in_memory(device: int) -> bool:
    """Whether what is on a device lies in memory anyway, so that nothing is spared."""
    name = f"{os.major(device)}:{os.minor(device)}" if hasattr(os, "major") else ""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(
        line.split(" ", 3)[2] == name and line.partition(" - ")[2].startswith(("tmpfs ", "ramfs "))
        for line in lines
    )


if sys.platform == "linux":
    import fcntl

    def _switch(file: BinaryIO, *, direct: bool) -> bool:
        """Turn the flag on or off; answer whether it changed."""
        before = fcntl.fcntl(file.fileno(), fcntl.F_GETFL)
        flags = before | os.O_DIRECT if direct else before & ~os.O_DIRECT
        try:
            fcntl.fcntl(file.fileno(), fcntl.F_SETFL, flags)
        except OSError:
            return False
        return flags != before

else:

    def _switch(file: BinaryIO, *, direct: bool) -> bool:
        """Not here."""
        return False
