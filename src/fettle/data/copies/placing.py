"""Files of a checkout made in place, by two processes where there are many and two cores.

The second process makes the second half. What the disk says of each file comes back through shared memory; a file of
which nothing came is made by the first process, so that whatever went wrong is met, and told, there.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from fettle.core.progress import phase
from fettle.data.engine import trees
from fettle.data.engine.bulk import worth_a_process
from fettle.data.engine.walk import ROW, Row, lstat_row

if TYPE_CHECKING:
    from fettle.core.progress import Step
    from fettle.data.engine.fetching import Placed, Wish
    from fettle.data.engine.repository import Repository

_AT_ONCE = 2000
_STOP = 0
"""Where in the shared memory a byte says that the second process shall end; the rows follow at `_ROWS_AT`."""
_ROWS_AT = 8


def wish(root: str, entry: trees.Entry) -> Wish:
    """How a file of a tree is asked for from the repository."""
    return entry.digest, os.path.join(root, entry.path), mode_to_make(entry)


def mode_to_make(entry: trees.Entry) -> int:
    """The mode to make a file with; the user's umask takes from it."""
    if entry.mode == trees.SYMLINK:
        return trees.SYMLINK
    return 0o777 if entry.mode == trees.EXECUTABLE else 0o666


def place_files(repository: Repository, root: str, files: Sequence[trees.Entry]) -> dict[str, Row]:
    """Make files whose folders are there; what the disk says of each. Errors as `Repository.fetch`."""
    helper = _helper(repository, root, files)
    mine = files if helper is None else files[: helper.first]
    try:
        with phase("Checking out", total=len(files), unit="files") as step:
            rows = _placed(repository, root, mine, step)
            if helper is not None:
                others = helper.rows()
                step(len(others))
                rows |= others
                left = [each for each in files[helper.first :] if each.path not in others]
                rows |= _placed(repository, root, left, step)
    finally:
        if helper is not None:
            helper.end()
    return rows


def _placed(repository: Repository, root: str, files: Sequence[trees.Entry], step: Step) -> dict[str, Row]:
    """Make files in this process; the disk is asked right after each, so that what others do to it later is seen."""
    rows: dict[str, Row] = {}
    rest = iter(files)
    while some := list(islice(rest, _AT_ONCE)):
        placed: Placed = {}
        wishes = [wish(root, each) for each in some]
        repository.fetch_many(wishes, step=step, placed=placed)
        for each, (_digest, path, _mode) in zip(some, wishes, strict=True):
            row = placed.get(os.fspath(path)) or lstat_row(os.fspath(path))
            if row is not None:
                rows[each.path] = row
    return rows


class _Helper:
    """The second process, as the first one sees it.

    Attributes:
        first: It makes the files from this one on.
    """

    def __init__(self, repository: Repository, root: str, files: Sequence[trees.Entry]) -> None:
        self.first = len(files) // 2
        self._files = files[self.first :]
        self._shared = mmap.mmap(-1, _ROWS_AT + ROW.size * len(self._files))
        parent = os.getpid()
        self._process = os.fork()
        if self._process == 0:
            try:
                self._help(repository, root, parent)
            finally:
                os._exit(0)

    def rows(self) -> dict[str, Row]:
        """Wait for it; what the disk says of the files that it made."""
        self._wait()
        found = ROW.iter_unpack(memoryview(self._shared)[_ROWS_AT:])
        return {each.path: row for each, row in zip(self._files, found, strict=True) if row[-1]}  # type: ignore[misc]  # rows without facts were left out

    def end(self) -> None:
        """Let it end, and wait for it. Idempotent."""
        if self._process:
            self._shared[_STOP] = 1
            self._wait()

    def _wait(self) -> None:
        with suppress(ChildProcessError):  # whoever ignores SIGCHLD has no children to wait for
            os.waitpid(self._process, 0)
        self._process = 0

    def _help(self, repository: Repository, root: str, parent: int) -> None:
        """What the second process does, as long as the first one is there and wants it."""
        for start in range(0, len(self._files), _AT_ONCE):
            if self._shared[_STOP] or os.getppid() != parent:
                return
            some = self._files[start : start + _AT_ONCE]
            rows = _placed(repository, root, some, lambda _done=1: None)
            for place, each in enumerate(some, start):
                if each.path in rows:
                    ROW.pack_into(self._shared, _ROWS_AT + ROW.size * place, *rows[each.path])


def _helper(repository: Repository, root: str, files: Sequence[trees.Entry]) -> _Helper | None:
    if not worth_a_process(len(files)) or not getattr(repository.blobs, "survives_fork", False):
        return None
    repository.catalog.refresh()  # what is known before is known to both
    try:
        return _Helper(repository, root, files)
    except OSError:  # no process or memory to be had
        return None
