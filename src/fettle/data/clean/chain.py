"""Fill gaps by regressions of each column on the others, round after round (van Buuren 2007, chained equations).

scikit-learn's `IterativeImputer` fits them; kept are intercepts and weights, which are applied here in plain
arithmetic: to one row as floats, to many as columns. Both add in the same order, so that they agree to the last bit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fettle.data.records.cleaning import Chain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def fill_row(learnt: Chain, values: list[float | None]) -> list[float]:
    """One row: its features in order, None where missing; returned whole."""
    gaps = [value is None or math.isnan(value) for value in values]
    row = [
        start if gap or value is None else value
        for value, gap, start in zip(values, gaps, learnt.start, strict=True)
    ]
    if any(gaps):
        for step in learnt.steps:
            if gaps[step.target]:
                found = step.intercept
                for weight, other in zip(step.weights, step.others, strict=True):
                    found = found + weight * row[other]
                row[step.target] = found
    return row


def fill(learnt: Chain, columns: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Many rows: an array a feature, NaN where missing."""
    import numpy as np

    gaps = [np.isnan(each) for each in columns]
    rows = [np.where(gap, start, each) for each, gap, start in zip(columns, gaps, learnt.start, strict=True)]
    for step in learnt.steps:
        gap = gaps[step.target]
        if not gap.any():
            continue
        found = np.full(int(gap.sum()), step.intercept)
        for weight, other in zip(step.weights, step.others, strict=True):
            found = found + weight * rows[other][gap]
        rows[step.target][gap] = found
    return rows
