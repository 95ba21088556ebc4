"""Sorted values with weights: a distribution small enough to keep, from which quantiles and counts are read.

All values of a table that fits are kept, and everything is exact. Of a larger one, each slice keeps 4096 values at
equal distances of rank; a quantile is then off by at most 1/8192 of the rows, and slices merge by concatenation.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

KEPT = 4096
"""Points a slice keeps."""
CROWDED = 64 * KEPT
KEPT_OF_CROWDED = 4 * KEPT

Floats = NDArray[np.float64]


class Points(msgspec.Struct, frozen=True):
    """Values in ascending order; `weights` says how many rows each stands for, None: one each."""

    values: Floats
    weights: NDArray[np.int64] | None = None

    @property
    def total(self) -> int:
        """Rows they stand for."""
        return int(self.values.size if self.weights is None else self.weights.sum())

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """The values below which these shares of the rows lie, linearly interpolated (Hyndman and Fan's type 7)."""
        places = np.asarray(shares, float) * (self.total - 1)
        if self.weights is not None:
            middles = np.cumsum(self.weights) - (self.weights + 1) / 2
            return np.interp(places, middles, self.values).tolist()
        below = np.floor(places).astype(np.int64)
        above = np.minimum(below + 1, self.values.size - 1)
        share = places - below
        return (self.values[below] * (1 - share) + self.values[above] * share).tolist()

    def counts(self, edges: ArrayLike) -> list[int]:
        """Rows in the bins between ascending edges; the last bin is closed."""
        inner = np.searchsorted(self.values, np.asarray(edges, float)[1:-1], side="left")
        marks = np.concatenate(([0], inner, [self.values.size]))
        if self.weights is None:
            return np.diff(marks).tolist()
        rows = np.concatenate(([0], np.cumsum(self.weights)))
        return np.diff(rows[marks]).tolist()

    def thinned(self, most: int = KEPT) -> Points:
        """The same distribution in at most `most` points, at equal distances of rank."""
        if self.values.size <= most:
            return self
        weights = np.ones(self.values.size, np.int64) if self.weights is None else self.weights
        reached = np.cumsum(weights)
        borders = np.arange(1, most + 1) * int(reached[-1]) // most
        middles = (borders + np.concatenate(([0], borders[:-1]))) // 2
        return Points(
            self.values[np.searchsorted(reached, middles, side="right")], np.diff(borders, prepend=0)
        )


def merged(parts: Sequence[Points]) -> Points:
    """The points of several slices as those of one."""
    values = np.concatenate([each.values for each in parts])
    weights = np.concatenate(
        [np.ones(each.values.size, np.int64) if each.weights is None else each.weights for each in parts]
    )
    order = np.argsort(values, kind="stable")
    made = Points(values[order], weights[order])
    return made.thinned(KEPT_OF_CROWDED) if values.size > CROWDED else made
