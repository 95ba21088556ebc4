"""How uncertain a model is of each item, so that people label first what teaches most."""

from __future__ import annotations

import numpy as np

from fettle.core.errors import Invalid
from fettle.labels.records import Measure


def uncertainty(probabilities: np.ndarray, measure: Measure = "margin") -> np.ndarray:
    """Score each item in [0, 1]; the larger, the less certain.

    Args:
        probabilities: Shape (items, classes), rows sum to 1; or (items,): of the second of two classes.
        measure: `margin`: 1 − (first − second best probability); good where two classes compete. `entropy`: of all
            classes, divided by its most; good for many classes. `least-confidence`: k/(k−1)·(1 − best of k classes).

    Raises:
        Invalid: These are no probabilities.

    Source: Settles (2009), Active Learning Literature Survey, section 3.1.
    """
    p = np.asarray(probabilities, dtype=float)
    if p.ndim == 1:
        p = np.column_stack([1 - p, p])
    if p.ndim != 2 or p.shape[1] < 2 or not np.isfinite(p).all() or p.min() < 0 or p.max() > 1:
        raise Invalid(
            "Uncertainty needs probabilities of two or more classes.",
            found=f"shape {p.shape}, values {np.nanmin(p):g} to {np.nanmax(p):g}" if p.size else "nothing",
            hint="Values in [0, 1]; a row for each item, a column for each class.",
        )
    if measure == "margin":
        best = np.partition(p, p.shape[1] - 2, axis=1)
        return 1 - (best[:, -1] - best[:, -2])
    if measure == "entropy":
        logs = np.log(np.where(p > 0, p, 1.0))
        return -(p * logs).sum(axis=1) / np.log(p.shape[1])
    return (1 - p.max(axis=1)) * p.shape[1] / (p.shape[1] - 1)
