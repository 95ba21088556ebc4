"""Draw the same curve with fewer points, and smooth it."""

from __future__ import annotations

import itertools

import numpy as np

from fettle.tracking.chunks import Points


def thin(points: Points, most: int, *, evenly: np.ndarray | None = None) -> Points:
    """At most `most` points that draw the same curve: the lowest and highest of each stretch, and both ends.

    A spike of one point stays visible, which evenly spaced sampling would lose.

    Args:
        points: In order.
        most: 0 means all.
        evenly: What the stretches divide evenly, such as the steps, ascending; None: each has as many points.
    """
    return points[kept(points.values, most, evenly=evenly)]


def kept(values: np.ndarray, most: int, *, evenly: np.ndarray | None = None) -> np.ndarray | slice:
    """Which points `thin` keeps, ascending."""
    count = len(values)
    if most <= 0 or count <= most:
        return slice(None)
    if most < 4:
        return np.linspace(0, count - 1, most).astype(np.int64)
    keep = {0, count - 1}
    finite = np.isfinite(values)
    lows, highs = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
    for start, end in itertools.pairwise(_edges(count, (most - 2) // 2, evenly)):
        if start < end:
            keep.add(int(start + lows[start:end].argmin()))
            keep.add(int(start + highs[start:end].argmax()))
    return np.array(sorted(keep))


def _edges(count: int, stretches: int, evenly: np.ndarray | None) -> list[int]:
    if evenly is None or evenly[0] == evenly[-1]:
        return np.linspace(0, count, stretches + 1).astype(np.int64).tolist()
    places = np.linspace(float(evenly[0]), float(evenly[-1]), stretches + 1)[1:-1]
    return [0, *np.searchsorted(evenly, places).tolist(), count]


def smoothed(values: np.ndarray, weight: float) -> np.ndarray:
    """The exponential moving average, corrected for its beginning at zero, as TensorBoard draws it.

    Args:
        values: In order; what is not finite stays as it is and counts for nothing.
        weight: Of what was before, from 0 (no smoothing) up to, not including, 1.

    Source: Kingma and Ba, Adam (2015), section 3, for the correction; TensorBoard's scalar chart for its use.
    """
    if not weight:
        return values
    made: list[float] = []
    last, bias, fresh = 0.0, 1.0, 1.0 - weight
    for value, finite in zip(values.tolist(), np.isfinite(values).tolist(), strict=True):
        if finite:
            last = last * weight + fresh * value
            bias *= weight
            value = last / (1.0 - bias)
        made.append(value)
    return np.array(made, np.float64)
