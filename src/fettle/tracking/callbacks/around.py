"""The run around a training that is logged by itself."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.target import harmless
from fettle.tracking.context import active_run

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_guard = threading.Lock()
_going_on: dict[str, list[Any]] = {}


def depth(run: ActiveRun) -> int:
    """How many models are being trained for this run, one inside the other."""
    return len(_going_on.get(run.id, ()))


@contextmanager
def inside(run: ActiveRun, model: Any) -> Iterator[bool]:
    """Note that a model is being trained; the value says whether that is a part of another training.

    Folds, steps of a pipeline and what a class asks of the class that it is derived from are parts.
    """
    with _guard:
        around = _going_on.setdefault(run.id, [])
        part = bool(around)
        again = any(each is model for each in around)
        if not again:
            around.append(model)
    try:
        yield part
    finally:
        with _guard:
            if not again:
                around[:] = [each for each in around if each is not model]
            if not around:
                _going_on.pop(run.id, None)


@contextmanager
def training(start: Callable[[], ActiveRun], model: Any) -> Iterator[ActiveRun | None]:
    """The run to log a training to: the active one, else one of its own, which ends with the training.

    None: it is not logged, because it is a part of another one, or because no run could be started; that is a warning.

    Args:
        start: Starts a run.
        model: What is trained; what it trains inside is a part.
    """
    run, own = active_run(), None
    if run is None:
        with harmless("This training"):
            run = own = start()
    with ExitStack() as stack:
        part = True
        if own is not None:
            own.__enter__()
            stack.push(functools.partial(_leave, own))
        if run is not None:
            part = stack.enter_context(inside(run, model))
        yield None if part else run


def _leave(run: ActiveRun, kind: Any, error: Any, trace: Any) -> None:
    with harmless("The end of this training"):
        run.__exit__(kind, error, trace)
