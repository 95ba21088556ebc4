"""Fill gaps from the nearest complete rows (k nearest neighbours; Troyanskaya et al. 2001, Bioinformatics 17:520).

Distances are Euclidean over the features that both rows have, scaled up for those that they have not, as scikit-learn's
`KNNImputer` has it (`tests/data/clean/test_neighbours.py` holds the numbers against it). Each row's result
depends on that row alone, to the last bit: sums run over features one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fettle.data.records.cleaning import Neighbours

Matrix = NDArray[np.float64]
AT_ONCE = 1 << 22


class Nearest:
    """Training rows, ready to be looked among. Safe to use from many threads.

    Args:
        learnt: The rows.
        count: How many neighbours.
        by_distance: Weigh each by 1/distance; otherwise all the same.
    """

    def __init__(self, learnt: Neighbours, count: int, by_distance: bool) -> None:
        self._learnt = learnt
        self._count = count
        self._by_distance = by_distance
        self._values = [np.array(each, dtype=np.float64) for each in learnt.rows]
        self._known = [~np.isnan(each) for each in self._values]
        self._fill = [learnt.features.index(name) for name in learnt.fill]
        size = len(self._values[0]) if self._values else 0
        self._chunk = max(1, AT_ONCE // max(size, 1))

    def fill(self, rows: Matrix) -> Matrix:
        """Fill the gaps of the columns to be filled.

        Args:
            rows: Shape (rows, features), NaN where a value is missing.

        Returns:
            Shape (rows, columns to fill), in the order of `learnt.fill`.
        """
        filled = rows[:, self._fill].copy()
        gaps = np.flatnonzero(np.isnan(filled).any(axis=1))
        for start in range(0, len(gaps), self._chunk):
            chosen = gaps[start : start + self._chunk]
            squares = self._squares(rows[chosen])
            for place, column in enumerate(self._fill):
                lacking = np.isnan(filled[chosen, place])
                if lacking.any():
                    filled[chosen[lacking], place] = self._estimates(column, squares[lacking])
        return filled

    def _squares(self, rows: Matrix) -> Matrix:
        """Squared distances, shape (rows, training rows); infinite where no feature is shared."""
        total = np.zeros((len(rows), len(self._values[0])))
        shared = np.zeros_like(total)
        for place, scale in enumerate(self._learnt.scales):
            here = rows[:, place]
            both = ~np.isnan(here)[:, None] & self._known[place][None, :]
            apart = (here[:, None] - self._values[place][None, :]) / scale
            total += np.where(both, apart * apart, 0.0)
            shared += both
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(shared > 0, total * len(self._values) / shared, np.inf)

    def _estimates(self, column: int, squares: Matrix) -> NDArray[np.float64]:
        donors = np.flatnonzero(self._known[column])
        mean = self._learnt.means[column]
        if not len(donors):
            return np.full(len(squares), mean)
        near = squares[:, donors]
        count = min(self._count, len(donors))
        chosen = np.sort(np.argpartition(near, count - 1, axis=1)[:, :count], axis=1)
        distances = np.sqrt(np.take_along_axis(near, chosen, axis=1))
        values = self._values[column][donors][chosen]
        weights = self._weights(distances)
        top, bottom = np.zeros(len(squares)), np.zeros(len(squares))
        for place in range(count):
            top += weights[:, place] * values[:, place]
            bottom += weights[:, place]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(bottom > 0, top / bottom, mean)

    def _weights(self, distances: Matrix) -> Matrix:
        reachable = np.isfinite(distances)
        if not self._by_distance:
            return reachable.astype(np.float64)
        same = distances == 0
        with np.errstate(divide="ignore"):
            apart = np.where(reachable, 1.0 / distances, 0.0)
        return np.where(same.any(axis=1)[:, None], same.astype(np.float64), apart)
