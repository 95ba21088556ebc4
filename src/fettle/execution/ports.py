"""The port of execution: what every executor promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self, TypeVar

from fettle.core.errors import Unavailable

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class WorkKilled(Unavailable):
    """The process that did the work is gone: killed, out of memory, or crashed in native code."""


class WorkTimedOut(Unavailable):
    """The work took longer than it was given, and was stopped."""


class Task(Protocol[T_co]):
    """Work that was handed to an executor. Safe to use from many threads."""

    def result(self, timeout_s: float | None = None) -> T_co:
        """Wait for the work and return what it returned.

        Args:
            timeout_s: How long to wait here; None means until the work ends. The work itself goes on.

        Raises:
            WorkKilled: The process that did it is gone.
            WorkTimedOut: The time it was given, or `timeout_s`, is over.
            BaseException: Whatever the work raised, with its traceback in a note.
        """
        ...

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        ...

    def kill(self) -> None:
        """Stop it now if the executor can; nothing happens if it has ended."""
        ...


class Executor(Protocol):
    """Runs functions. Each work is run once at most; nothing is retried here. Safe to use from many threads."""

    def submit(
        self, work: Callable[..., T], /, *args: Any, timeout_s: float | None = None, **kwargs: Any
    ) -> Task[T]:
        """Run `work(*args, **kwargs)` and return its task.

        Args:
            work: The function. An executor that runs it elsewhere needs one that can be imported by name.
            *args: Its positional arguments.
            timeout_s: Stop it after so many seconds; None means never.
            **kwargs: Its named arguments.
        """
        ...

    def close(self) -> None:
        """Stop what still runs and let go of processes. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
