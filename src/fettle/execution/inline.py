"""Run work right here, in the calling thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class InlineTask(Generic[T]):
    """Work that has been done already."""

    def __init__(self, value: T | None, error: BaseException | None) -> None:
        self._value = value
        self._error = error

    def result(self, timeout_s: float | None = None) -> T:
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value] - T may itself be None

    def done(self) -> bool:
        return True

    def kill(self) -> None:
        return None


class InlineExecutor:
    """Does the work during `submit`: nothing to start, nothing copied, and no time limit can be kept.

    Choose it for work that is short or must share memory; choose `ProcessExecutor` for work that may hang, leak or
    crash the interpreter.
    """

    def submit(
        self, work: Callable[..., T], /, *args: Any, timeout_s: float | None = None, **kwargs: Any
    ) -> InlineTask[T]:
        try:
            return InlineTask(work(*args, **kwargs), None)
        except Exception as error:  # the outermost loop of a worker: kept for result()
            return InlineTask(None, error)

    def close(self) -> None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
