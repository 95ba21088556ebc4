"""Which run is active: the innermost `with` block of this thread or task, else the newest open run of the process."""

from __future__ import annotations

import contextvars
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_blocks: contextvars.ContextVar[tuple[ActiveRun, ...]] = contextvars.ContextVar("fettle_runs", default=())
_open: dict[str, weakref.ref[ActiveRun]] = {}


def active_run() -> ActiveRun | None:
    """The run that logging without a run goes to, or None.

    That is the run of the innermost `with` block around the caller (each thread and each asyncio task has its own);
    outside of any, the run of this process that was started last and has not ended. So what a library's worker
    threads log finds its run.
    """
    inner = enclosing()
    if inner is not None:
        return inner
    for found in reversed(list(_open.values())):
        run = found()
        if run is not None and not run.ended:
            return run
    return None


def enclosing() -> ActiveRun | None:
    """The run of the innermost `with` block around the caller that has not ended."""
    return next((run for run in reversed(_blocks.get()) if not run.ended), None)


def open_here(run: str) -> ActiveRun | None:
    """The open run of that id in this process."""
    found = _open.get(run)
    known = found() if found is not None else None
    return known if known is not None and not known.ended else None


def opened(run: ActiveRun) -> None:
    """Note a run that begins."""
    _open[run.id] = weakref.ref(run)


def ended(run: ActiveRun) -> None:
    """Forget a run that has ended."""
    found = _open.get(run.id)
    if found is not None and found() in (run, None):
        _open.pop(run.id, None)


def enter(run: ActiveRun) -> None:
    """Begin a block."""
    _blocks.set((*_blocks.get(), run))


def leave(run: ActiveRun) -> None:
    """End the block of a run, and those that were forgotten inside."""
    blocks = _blocks.get()
    if run in blocks:
        _blocks.set(blocks[: len(blocks) - 1 - blocks[::-1].index(run)])


def _forked() -> None:
    for found in list(_open.values()):
        run = found()
        if run is not None:
            run._forked()  # of this package: the parent's journals are the parent's


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
