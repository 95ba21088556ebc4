"""One at a time in a working copy: others wait, across threads and processes; a kill lets the next one in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fettle.data.copies.places import Copy


@contextmanager
def locked(copy: Copy) -> Iterator[None]:
    """Hold the copy; what is written down of it is read again once it is held."""
    from pathlib import Path

    from fettle.storage.disks import disk_failure
    from fettle.storage.locks import FileLock

    try:
        os.makedirs(copy.folder, exist_ok=True)
        lock = FileLock(Path(copy.folder) / "lock")
        lock.acquire()
    except OSError as error:
        raise disk_failure(error, copy.folder) from error
    try:
        _sweep(copy)
        copy.read()
        yield
    finally:
        lock.release()
        lock.close()


@contextmanager
def locked_now(copy: Copy) -> Iterator[bool]:
    """Hold the copy if nobody else does; gives whether it is held."""
    from pathlib import Path

    from fettle.storage.locks import FileLock

    lock = FileLock(Path(copy.folder) / "lock")
    try:
        taken = lock.acquire(wait=False)
    except OSError:
        yield False
        return
    try:
        yield taken
    finally:
        if taken:
            lock.release()
        lock.close()


def _sweep(copy: Copy) -> None:
    """Remove what those who were killed had half-written; who holds the copy is the only one who writes there."""
    for name in os.listdir(copy.folder):
        if name.startswith((".state.", ".index.")):
            os.unlink(os.path.join(copy.folder, name))
