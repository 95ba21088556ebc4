"""Run work in child processes of its own: killable, with a time limit, and gone when the parent is.

A child is started afresh for each work (`spawn`: no threads or locks are inherited), gets the function and its
arguments pickled through a pipe, and answers with the result or the error. It watches a second pipe: when the parent
dies, even by `kill -9`, the child ends.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Generic, Self, TypeVar

from fettle.core.errors import Invalid, Unavailable
from fettle.execution.ports import WorkKilled, WorkTimedOut

T = TypeVar("T")

_spawn = multiprocessing.get_context("spawn")
_running: set[ProcessTask[Any]] = set()


@atexit.register
def _kill_running() -> None:
    """End the children before the interpreter would wait for them: they are no daemons, which may have no children."""
    for task in list(_running):
        task.kill()


class ProcessExecutor:
    """Runs each work in a fresh child process, at most `workers` at a time; more wait inside `submit`.

    Args:
        workers: How many children at once; None means one for each core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._slots = threading.BoundedSemaphore(workers or os.cpu_count() or 1)
        self._tasks: set[ProcessTask[Any]] = set()
        self._guard = threading.Lock()
        self._closed = False

    def submit(
        self, work: Callable[..., T], /, *args: Any, timeout_s: float | None = None, **kwargs: Any
    ) -> ProcessTask[T]:
        payload = _pickled(work, args, kwargs)
        self._slots.acquire()
        try:
            with self._guard:
                if self._closed:
                    raise Unavailable("The executor is closed.", hint="Submit work inside its with block.")
                task: ProcessTask[T] = ProcessTask(_name(work), payload, timeout_s, self._ended)
                self._tasks.add(task)
        except BaseException:
            self._slots.release()
            raise
        return task

    def close(self) -> None:
        with self._guard:
            self._closed = True
            running = list(self._tasks)
        for task in running:
            task.kill()
            task.wait()

    def _ended(self, task: ProcessTask[Any]) -> None:
        with self._guard:
            self._tasks.discard(task)
        self._slots.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ProcessTask(Generic[T]):
    """One work in one child process."""

    def __init__(
        self, name: str, payload: bytes, timeout_s: float | None, ended: Callable[[ProcessTask[Any]], None]
    ) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._ended = ended
        self._outcome: tuple[T | None, BaseException | None] = (None, None)
        self._over = threading.Event()
        self._answers, theirs = _spawn.Pipe(duplex=False)
        watched, self._lifeline = _spawn.Pipe(duplex=False)
        self._process = _spawn.Process(target=_child, args=(theirs, watched, payload), name=name)
        self._process.start()
        _running.add(self)
        theirs.close()
        watched.close()
        threading.Thread(target=self._attend, name=f"attend-{name}", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._process.pid

    def result(self, timeout_s: float | None = None) -> T:
        if not self._over.wait(timeout_s):
            raise WorkTimedOut(f"{self._name} has not ended after {timeout_s:g} s; it goes on.")
        value, error = self._outcome
        if error is not None:
            raise error
        return value  # type: ignore[return-value] - T may itself be None

    def done(self) -> bool:
        return self._over.is_set()

    def kill(self) -> None:
        if not self._over.is_set():
            self._process.kill()

    def wait(self) -> None:
        """Return when the child is gone."""
        self._over.wait()

    def _attend(self) -> None:
        started_s = time.monotonic()
        try:
            self._outcome = self._listen(started_s)
        finally:
            self._process.join()
            _running.discard(self)
            self._answers.close()
            self._lifeline.close()
            self._over.set()
            self._ended(self)

    def _listen(self, started_s: float) -> tuple[T | None, BaseException | None]:
        if not self._answers.poll(self._timeout_s):
            self._process.kill()
            return None, WorkTimedOut(
                f"{self._name} was stopped after {time.monotonic() - started_s:.1f} s.",
                found=f"its time limit is {self._timeout_s:g} s",
                hint="Give it more time, or less to do.",
            )
        try:
            answer = pickle.loads(self._answers.recv_bytes())
        except (EOFError, OSError):
            self._process.join()
            return None, WorkKilled(
                f"The process of {self._name} ended without an answer.",
                found=_how_it_ended(self._process.exitcode),
                hint="Killed from outside, out of memory, or a crash in native code.",
            )
        if answer[0] == "value":
            return answer[1], None
        return None, _error_of(answer)


def _pickled(work: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    try:
        return pickle.dumps((work, args, kwargs))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise Invalid(
            f"{_name(work)} cannot be sent to another process.",
            found=str(error),
            hint="Use a function defined at the top of a module, and arguments that can be pickled.",
        ) from error


def _name(work: Callable[..., Any]) -> str:
    return getattr(work, "__qualname__", None) or type(work).__name__


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _error_of(answer: tuple[str, bytes | None, str, str]) -> BaseException:
    _, pickled, text, trace = answer
    error: BaseException | None = None
    if pickled is not None:
        with contextlib.suppress(
            Exception
        ):  # an exception class may refuse to be built again, in any way it likes
            error = pickle.loads(pickled)
    if not isinstance(error, BaseException):
        error = RuntimeError(text)
    error.add_note(f"In the child process:\n{trace}")
    return error


def _child(answers: Connection, lifeline: Connection, payload: bytes) -> None:
    """The child's whole life: run one work and answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which decides
    threading.Thread(target=_die_with_parent, args=(lifeline,), daemon=True).start()
    try:
        work, args, kwargs = pickle.loads(payload)
        answer = pickle.dumps(("value", work(*args, **kwargs)))
    except BaseException as error:  # the outermost loop of a worker: every error is the answer
        answer = pickle.dumps(_failure(error))
    answers.send_bytes(answer)
    answers.close()


def _failure(error: BaseException) -> tuple[str, bytes | None, str, str]:
    trace = "".join(traceback.format_exception(error))
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)
    except Exception:  # an exception class may refuse to be pickled, in any way it likes
        pickled = None
    return "error", pickled, f"{type(error).__name__}: {error}", trace


def _die_with_parent(lifeline: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
