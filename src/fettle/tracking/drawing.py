"""Curves of many runs over one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from fettle.core.errors import Invalid
from fettle.tracking import curves
from fettle.tracking.points import microseconds
from fettle.tracking.records.metrics import Curve
from fettle.tracking.thinning import kept, smoothed

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction
    from fettle.tracking.chunks import Points
    from fettle.tracking.records.runs import Run

_EPOCH = "epoch"


@dataclass(frozen=True)
class Window:
    """What is drawn, and how; see the act `tracking.curves`."""

    key: str
    most: int
    x: Literal["step", "time", "epoch"]
    smoothing: float
    first: int | None
    last: int | None


def draw(tx: Transaction, run: Run, window: Window) -> Curve | None:
    """The curve of one run; None if it has no such metric."""
    found = curves.sketch(tx, run.id, window.key, window.most, window.first, window.last)
    if found is None:
        return None
    points = curves.by_time(found) if window.x == "time" else found
    x = _axis(tx, run, points, window.x)
    y = smoothed(points.values, window.smoothing)
    chosen = kept(points.values, window.most, evenly=x) if len(points) else slice(None)
    raw = _drawn(points.values[chosen]) if window.smoothing else []
    return Curve(run.id, window.key, x[chosen].tolist(), _drawn(y[chosen]), raw)


def _axis(tx: Transaction, run: Run, points: Points, x: str) -> np.ndarray:
    if x == "time":
        return (points.at_us - microseconds(run.started_at)) / 1e6
    if x == _EPOCH:
        return _epochs(tx, run.id, points.steps)
    return points.steps.astype(np.float64)


def _epochs(tx: Transaction, run: str, steps: np.ndarray) -> np.ndarray:
    """The epoch at each step, by the run's own metric of that name, between its points linearly.

    Raises:
        Invalid: The run has none.
    """
    found = curves.history(tx, run, _EPOCH)
    known = None if found is None else found[np.isfinite(found.values)]
    if known is None or not len(known):
        raise Invalid(
            f"Run {run} cannot be drawn over epochs.",
            found="no metric 'epoch'",
            hint="Log it: run.log(loss=…, epoch=epoch), or draw over steps or time.",
        )
    at = np.interp(steps, known.steps, known.values)
    return np.maximum.accumulate(at) if len(at) else at


def _drawn(values: np.ndarray) -> list[float | None]:
    finite = np.isfinite(values).tolist()
    return [each if ok else None for each, ok in zip(values.tolist(), finite, strict=True)]
