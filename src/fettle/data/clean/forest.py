"""Tell rows that few random cuts set apart from the rest (isolation forest; Liu, Ting, Zhou 2008, ICDM).

scikit-learn's `IsolationForest` grows the trees; they are kept as arrays and walked here. A row is an outlier
where its mean depth is below a limit, which is the paper's score `2 ** (-mean depth / normal)` above
`-offset`, without the power.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from fettle.data.records.cleaning import Forest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST = 3.4028234663852886e38


def limit(forest: Forest) -> float:
    """The sum of depths over all trees below which a row is an outlier."""
    return -math.log2(-forest.offset) * forest.normal * len(forest.trees)


def is_outlier(forest: Forest, values: list[float | None]) -> bool:
    """One row: the forest's features in order; a missing one counts as its median."""
    row = [
        _narrow(median if value is None else value)
        for value, median in zip(values, forest.medians, strict=True)
    ]
    total = 0.0
    for tree in forest.trees:
        left, right, feature, threshold = tree.left, tree.right, tree.feature, tree.threshold
        node = 0
        while left[node] >= 0:
            node = left[node] if row[feature[node]] <= threshold[node] else right[node]
        total += tree.depth[node]
    return total < limit(forest)


def depths(forest: Forest, columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Many rows: an array a feature, NaN counting as its median; the sum of depths over all trees, a row each."""
    import numpy as np

    rows = np.stack(
        [
            np.clip(np.where(np.isnan(each), median, each), -LARGEST, LARGEST).astype(np.float32)
            for each, median in zip(columns, forest.medians, strict=True)
        ],
        axis=1,
    ).astype(np.float64)
    total = np.zeros(len(rows))
    places = np.arange(len(rows))
    for tree in forest.trees:
        left, right = np.array(tree.left), np.array(tree.right)
        feature, threshold, depth = np.array(tree.feature), np.array(tree.threshold), np.array(tree.depth)
        node = np.zeros(len(rows), dtype=np.int64)
        while (walking := left[node] >= 0).any():
            below = rows[places, np.where(walking, feature[node], 0)] <= threshold[node]
            node = np.where(walking, np.where(below, left[node], right[node]), node)
        total += depth[node]
    return total


def scores(forest: Forest, columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Scores as scikit-learn's `score_samples` gives them: the lower, the more of an outlier."""
    return -(2.0 ** (-depths(forest, columns) / (len(forest.trees) * forest.normal)))


def _narrow(value: float) -> float:
    """A number as 32 bits hold it, which is what trees are grown on."""
    return struct.unpack("f", struct.pack("f", min(max(value, -LARGEST), LARGEST)))[0]
