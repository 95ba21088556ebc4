"""A lock that threads and processes share through a file; the system frees it when its holder is killed."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from pathlib import Path
from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    def take(descriptor: int, *, wait: bool) -> bool:
        """Lock an open file; answer whether it was taken."""
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def give_back(descriptor: int) -> None:
        """Unlock an open file."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def take(descriptor: int, *, wait: bool) -> bool:
        """Lock an open file; answer whether it was taken. The system gives it back when the file is closed."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def give_back(descriptor: int) -> None:
        """Unlock an open file."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class FileLock:
    """Mutual exclusion between all threads and processes that name the same file.

    The file is made when first needed and never removed (removing it would let two holders in).
    Not re-entrant. A forked child lets go of what it inherited, so that a parent's hold ends with the parent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._descriptor = -1
        _known.add(self)

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; with `wait=False` answer at once whether it could be taken."""
        if not self._threads.acquire(blocking=wait):
            return False
        taken = False
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            while not (taken := take(self._descriptor, wait=wait)) and wait:
                pass  # Windows gives up after ten seconds: ask again
        finally:
            if not taken:
                self.close()  # whoever asks once and goes away leaves nothing open
                self._threads.release()
        return taken

    def release(self) -> None:
        """Let the next one in."""
        give_back(self._descriptor)
        self._threads.release()

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def forget(self) -> None:
        """In a forked child: close without unlocking, which would end the parent's hold too."""
        self.close()
        self._threads = threading.Lock()


_known: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _forget_all() -> None:
    for lock in list(_known):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
