"""Group commit: many small writes share one commit, so that one wait for the disk serves them all."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from fettle.core.errors import Unavailable
from fettle.storage.transactions import SqlTransaction

T = TypeVar("T")

MOST_IN_A_GROUP = 1024


class GroupCommitter:
    """One thread that gathers what was submitted while the commit before was under way.

    Args:
        write: Opens a transaction.
        savepoint: Opens a nested transaction in it, which is undone if its block raises.
    """

    def __init__(
        self,
        write: Callable[[], AbstractContextManager[SqlTransaction]],
        savepoint: Callable[[SqlTransaction], AbstractContextManager[SqlTransaction]],
    ) -> None:
        self._write = write
        self._savepoint = savepoint
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Callable[[SqlTransaction], T]) -> Future[T]:
        """Queue a work; its future resolves after the commit it was part of."""
        item = _Work(work)
        with self._guard:
            if self._closed:
                raise Unavailable("The database is closed.", hint="Open the workspace again.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fettle-group-commit", daemon=True)
                self._thread.start()
            self._waiting.put(item)
        return item.future

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        with self._guard:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, ended = self._gather(first)
            self._commit([item for item in group if item.future.set_running_or_notify_cancel()])
            if ended:
                return

    def _gather(self, first: _Work) -> tuple[list[_Work], bool]:
        group = [first]
        while len(group) < MOST_IN_A_GROUP:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return group, False
            if item is None:
                return group, True
            group.append(item)
        return group, False

    def _commit(self, group: list[_Work]) -> None:
        try:
            with self._write() as tx:
                for item in group:
                    item.run(tx, self._savepoint)
        except BaseException as error:  # the thread's outermost loop: the waiting callers get it
            for item in group:
                item.future.set_exception(error)
            return
        for item in group:
            item.resolve()


class _Work:
    """One submitted function, and what came of it until the commit decides."""

    def __init__(self, work: Callable[[SqlTransaction], Any]) -> None:
        self.future: Future[Any] = Future()
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None

    def run(
        self,
        tx: SqlTransaction,
        savepoint: Callable[[SqlTransaction], AbstractContextManager[SqlTransaction]],
    ) -> None:
        try:
            with savepoint(tx) as inner:
                self._result = self._work(inner)
        except GroupLost:
            raise
        except BaseException as error:  # belongs to this work's caller; the others of the group go on
            self._error = error

    def resolve(self) -> None:
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._result)


class GroupLost(Unavailable):
    """The whole transaction is gone, not only one savepoint: all works of the group fail."""
