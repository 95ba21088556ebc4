"""Progress: work that takes longer than a moment says how far it is, and whoever shows it is told.

    with progress.phase("Hashing", total=len(files), unit="files") as step:
        for each in files:
            …
            step()

Nothing is shown unless somebody listens: the command line does, with bars on a terminal. Else it costs a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

Step = Callable[..., None]
"""`step(n=1)`: so many more are done."""

Listener = Callable[[str, "float | None", str], AbstractContextManager[Step]]
"""Given the phase's words, its total (None: unknown) and its unit, shows it while the context is open."""

_listener: ContextVar[Listener | None] = ContextVar("fettle_progress", default=None)


def phase(words: str, *, total: float | None = None, unit: str = "") -> AbstractContextManager[Step]:
    """Announce a phase; the context gives a function `step(n=1)` to call for what is done.

    Args:
        words: What is being done, such as `Hashing`.
        total: How much there is; None if that is not known.
        unit: What is counted: `files`, `bytes`, `rows`, …; `bytes` are shown as sizes.
    """
    listener = _listener.get()
    return _silent() if listener is None else listener(words, total, unit)


@contextmanager
def shown_by(listener: Listener) -> Iterator[None]:
    """Within the context, phases are shown by the listener. Threads started inside do not inherit it."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def _silent() -> Iterator[Step]:
    yield _nothing


def _nothing(_done: float = 1) -> None:
    return None
