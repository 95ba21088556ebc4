"""Work done in threads, a thread for each: few and long pieces of work, and nothing to import for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Job(threading.Thread, Generic[T]):
    """One piece of work, begun at once."""

    def __init__(self, work: Callable[..., T], *given: object) -> None:
        super().__init__(name="data writer")
        self._work: Callable[..., T] | None = work
        self._given = given
        self._made: T | None = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Do the work, in the thread."""
        work, given = self._work, self._given
        assert work is not None
        try:
            self._made = work(*given)
        except BaseException as error:  # whoever asks for the result gets it
            self._error = error
        finally:
            self._work, self._given = None, ()  # a thread is kept longer than what it worked on

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return not self.is_alive()

    def wait(self) -> None:
        """Return when it has ended, well or not."""
        self.join()

    def result(self) -> T:
        """Wait for it; what came out, or the error that ended it."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._made  # type: ignore[return-value]  # it ended well


class Jobs:
    """The jobs of one writer."""

    def __init__(self) -> None:
        self._running: list[Job] = []

    def submit(self, work: Callable[..., T], *given: object) -> Job[T]:
        """Begin a piece of work."""
        self._running = [each for each in self._running if not each.done()]
        job = Job(work, *given)
        self._running.append(job)
        return job

    def shutdown(self) -> None:
        """Wait until all have ended."""
        for each in self._running:
            each.wait()
