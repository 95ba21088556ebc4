"""How well the answers fitted the labels, with an interval, from sums that add like counts.

A :class:`Tally` of a classification is two integers, and its accuracy gets Wilson's score interval. A regression's
keeps error sums and the same sums under a few hundred Poisson-weighted resamples: a bootstrap that merges, so a
window is the sum of its parts and no row is read twice. Weights come from the request's id, so a row weighs the
same in whichever batch its label arrives, and a corrected label takes its old error out again exactly.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import special

from fettle.monitoring.records import Performance

Task = Literal["classification", "regression"]
REPLICATES = 256
ERROR_METRICS = ("mae", "rmse")


class Tally(msgspec.Struct, frozen=True):
    """Sums over labelled rows; ``a + b`` covers both, ``a - b`` takes b's rows out again.

    Attributes:
        rows: Labelled rows.
        correct: Rows whose label was answered (classification).
        absolute: Sum of |answer − label| (regression).
        squared: Sum of (answer − label)².
        replicates: Float64 array of 3 × 256 bootstrap sums: weight, weighted |error|, weighted error².
    """

    rows: int = 0
    correct: int = 0
    absolute: float = 0.0
    squared: float = 0.0
    replicates: bytes = b""

    def __add__(self, other: Tally) -> Tally:
        return self._combine(other, 1)

    def __sub__(self, other: Tally) -> Tally:
        return self._combine(other, -1)

    def _combine(self, other: Tally, sign: int) -> Tally:
        return Tally(
            self.rows + sign * other.rows,
            self.correct + sign * other.correct,
            self.absolute + sign * other.absolute,
            self.squared + sign * other.squared,
            (_sums(self) + sign * _sums(other)).tobytes() if self.replicates or other.replicates else b"",
        )


def _sums(tally: Tally) -> NDArray[np.float64]:
    if not tally.replicates:
        return np.zeros((3, REPLICATES))
    return np.frombuffer(tally.replicates, np.float64).reshape(3, REPLICATES)


def text_of(value: Any) -> str | None:
    """An answer or label as text, so that ``1``, ``1.0`` and ``"1"`` are one class; None for missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def tally(task: Task, answers: Sequence[str], labels: Sequence[str], ids: Sequence[str]) -> Tally:
    """Sum up some labelled rows.

    Args:
        task: What the model does.
        answers: The model's answers as text.
        labels: The labels as text, same order.
        ids: What identifies each row, for its bootstrap weights.

    Returns:
        Their tally. In a regression, rows whose label or answer is no finite number are left out.
    """
    if task == "classification":
        return Tally(len(labels), sum(a == b for a, b in zip(answers, labels, strict=True)))
    errors = np.array([_number(a) - _number(b) for a, b in zip(answers, labels, strict=True)])
    usable = np.isfinite(errors)
    errors = errors[usable]
    weights = poisson_weights([id for id, use in zip(ids, usable, strict=True) if use])
    size = np.abs(errors)
    sums = np.stack((np.ones_like(size), size, errors**2)) @ weights
    return Tally(errors.size, 0, float(size.sum()), float((errors**2).sum()), sums.tobytes())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


_POISSON_CDF = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(16)])


def poisson_weights(ids: Sequence[str]) -> NDArray[np.float64]:
    """Poisson(1) weights of each row in each replicate, a fixed function of its id.

    Source: Chamandy, Muralidharan, Najmi and Naidu (2012), Estimating uncertainty for massive data streams
    (Google): the bootstrap with independent Poisson weights. Uniform numbers by SplitMix64 (Steele, Lea and
    Flood, 2014) of the id's hash and the replicate.
    """
    digests = b"".join(hashlib.blake2b(each.encode(), digest_size=8).digest() for each in ids)
    seeds = np.frombuffer(digests, np.uint64)
    steps = np.arange(1, REPLICATES + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = seeds[:, None] + steps[None, :]
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = ((state ^ (state >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
    return np.searchsorted(_POISSON_CDF, uniform, side="right").astype(np.float64)


def performance(
    counted: Tally, metric: str, *, confidence: float = 0.95, accepted: float | None = None
) -> Performance | None:
    """The metric of a tally, its interval, and whether it is surely worse than what was accepted.

    The alarm is one-sided and looks at the favourable end of the interval: a model is worse when even that end
    falls short. A better metric never alarms.

    Args:
        counted: Sums over the window.
        metric: ``accuracy``, ``mae`` or ``rmse``.
        confidence: Two-sided level of the interval.
        accepted: The worst accepted value; None means that nothing is judged.

    Returns:
        None if no row is labelled.
    """
    if not counted.rows:
        return None
    if metric in ERROR_METRICS:
        value, low, high = _error(counted, metric, confidence)
        worse = accepted is not None and low > accepted
    else:
        value = counted.correct / counted.rows
        low, high = wilson(counted.correct, counted.rows, confidence)
        worse = accepted is not None and high < accepted
    return Performance(metric, value, low, high, counted.rows, accepted, worse)


def accepted_value(metric: str, reference: float | None, tolerance: float) -> float | None:
    """The worst accepted value: a share less the tolerance; an error more by that fraction."""
    if reference is None:
        return None
    return reference * (1 + tolerance) if metric in ERROR_METRICS else reference - tolerance


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share; keeps its level at small counts and at shares near 0 and 1.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22. Equal to scipy's
    ``binomtest(k, n).proportion_ci(method="wilson")``.
    """
    z = float(special.ndtri(0.5 + confidence / 2))
    share, shrink = successes / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def _error(counted: Tally, metric: str, confidence: float) -> tuple[float, float, float]:
    weight, absolute, squared = _sums(counted)
    drawn = weight > 0.5
    if metric == "mae":
        value, replicates = counted.absolute / counted.rows, absolute[drawn] / weight[drawn]
    else:
        value = math.sqrt(max(counted.squared, 0.0) / counted.rows)
        replicates = np.sqrt(np.maximum(squared[drawn], 0.0) / weight[drawn])
    if not replicates.size:
        return value, value, value
    low, high = np.quantile(replicates, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return value, float(low), float(high)
