"""Outcomes with a known share of right answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fettle.evaluation.outcomes import Outcome


def of_classes(right: NDArray[np.bool_], seed: int = 0) -> Outcome:
    """Two classes, predicted rightly where `right` says so, with probability 0.8 for what is said."""
    truth = np.random.default_rng(seed).integers(0, 2, len(right))
    said = np.where(right, truth, 1 - truth)
    probabilities = np.where(np.arange(2) == said[:, None], 0.8, 0.2)
    return Outcome("binary", ("no", "yes"), np.arange(len(right)), truth, said, probabilities)


def of_numbers(error: float, rows: int = 400, seed: int = 0) -> Outcome:
    """Numbers missed by normal errors of a given deviation; the truth is the same for every seed."""
    truth = np.random.default_rng(99).normal(50, 10, rows)
    said = truth + np.random.default_rng(seed).normal(0, error, rows)
    return Outcome("regression", (), np.arange(rows), truth, said, np.empty((rows, 0)))
