"""Long streams written past the page cache, where the system can.

What is written once and forced to the disk at once gains nothing from the cache: it costs a copy and pages that others
had use for. A stream that is longer than the buffer is written with `O_DIRECT` in aligned pieces of 4 MiB; the rest,
and everything on systems or file systems that cannot, in the usual way.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
from collections.abc import Iterable
from typing import BinaryIO

_BUFFER_BYTES = 4 << 20
_BLOCK_BYTES = 4096


def write_chunks(file: BinaryIO, chunks: Iterable[bytes]) -> None:
    """Write chunks to an open, empty file, of which nothing is buffered; the caller forces it to the disk."""
    view = memoryview(mmap.mmap(-1, _BUFFER_BYTES))  # anonymous memory is aligned to pages
    used, direct = 0, False
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            size = min(len(chunk) - at, _BUFFER_BYTES - used)
            view[used : used + size] = memoryview(chunk)[at : at + size]
            used, at = used + size, at + size
            if used == _BUFFER_BYTES:
                direct = direct or _switch(file, direct=True)
                _write(file, view)
                used = 0
    if direct:
        _switch(file, direct=False)
    _write(file, view[:used])


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
