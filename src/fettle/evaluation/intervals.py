"""How sure a measured value is."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from fettle.evaluation.records import Interval

CONFIDENCE = 0.95
RESAMPLES = 200


def wilson(right: int, rows: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a proportion (Wilson, 1927; recommended by Brown, Cai and DasGupta, 2001).

    Example:
        >>> found = wilson(81, 263)
        >>> round(found.low, 4), round(found.high, 4)
        (0.2553, 0.3662)
    """
    if rows <= 0:
        return Interval(float("nan"), 0.0, 1.0, 0, confidence)
    z = float(norm.ppf(0.5 + confidence / 2))
    share = right / rows
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half), rows, confidence)


def bootstrap(
    measure: Callable[[NDArray[np.int64]], float],
    rows: int,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap of any number that is computed from rows (Efron, 1979).

    Args:
        measure: Given the places of the rows of a resample, their number; NaN ones are left out.
        rows: How many rows there are.
        confidence: Of the interval.
        resamples: How many; the interval's ends are good to about ±1 % of confidence with 200.
        seed: The same seed gives the same interval.
    """
    value = measure(np.arange(rows))
    low, high = spread(resampled(measure, rows, resamples=resamples, seed=seed), confidence)
    return Interval(value, low, high, rows, confidence, "bootstrap")


def resampled(
    measure: Callable[[NDArray[np.int64]], float], rows: int, *, resamples: int, seed: int
) -> NDArray[np.float64]:
    """The numbers of all resamples; NaN ones are left out."""
    random = np.random.default_rng(seed)
    found = np.array([measure(random.integers(0, rows, rows)) for _ in range(resamples)])
    return found[np.isfinite(found)]


def spread(values: NDArray[Any], confidence: float) -> tuple[float, float]:
    """The middle part of values that holds the given share of them; NaN where there are none."""
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)
