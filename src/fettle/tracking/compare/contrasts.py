"""Whether groups of runs differ in a metric by more than chance: repeated seeds, compared."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fettle.tracking.records.comparisons import Contrast

Numbers = NDArray[np.float64]
RESAMPLES = 9999
_LEAST = 2


def contrast(
    left: str,
    right: str,
    first: Mapping[Any, Sequence[float]],
    second: Mapping[Any, Sequence[float]],
    *,
    seed: int = 0,
) -> Contrast:
    """Compare two groups.

    Args:
        left: Name of the first.
        right: Name of the second.
        first: Its values by what pairs runs, such as the seed; those that stand in no pair under None.
        second: The same of the second.
        seed: Of the bootstrap.

    Returns:
        Welch's t-test and the Mann-Whitney test; the paired t-test and Wilcoxon's signed-rank test where each group has
        a value for the same two or more keys (the mean where it has several); effect sizes; a bootstrap interval.
        What cannot be computed (too few values, no variance) is None.
    """
    a, b = _all(first), _all(second)
    pairs = _pairs(first, second)
    if not len(a) or not len(b):
        return Contrast(left, right, len(a), len(b))
    welch = _tested(lambda: stats.ttest_ind(b, a, equal_var=False), len(a) >= _LEAST and len(b) >= _LEAST)
    whitney = _tested(lambda: stats.mannwhitneyu(b, a, alternative="two-sided"), True)
    student = _tested(lambda: stats.ttest_rel(pairs[1], pairs[0]), pairs.shape[1] >= _LEAST)
    wilcoxon = _tested(
        lambda: stats.wilcoxon(pairs[1], pairs[0]),
        pairs.shape[1] >= _LEAST and bool((pairs[0] != pairs[1]).any()),
    )
    low, high = _interval(a, b, pairs, seed)
    cohen, hedges = effect(a, b)
    return Contrast(
        left=left,
        right=right,
        left_count=len(a),
        right_count=len(b),
        left_mean=float(a.mean()),
        right_mean=float(b.mean()),
        difference=float(b.mean() - a.mean()),
        low95=low,
        high95=high,
        cohen_d=cohen,
        hedges_g=hedges,
        welch_t=welch[0],
        welch_p=welch[1],
        mann_whitney_u=whitney[0],
        mann_whitney_p=whitney[1],
        pairs=pairs.shape[1] if pairs.shape[1] >= _LEAST else 0,
        paired_t=student[0],
        paired_p=student[1],
        wilcoxon_w=wilcoxon[0],
        wilcoxon_p=wilcoxon[1],
        p=student[1] if student[1] is not None else welch[1],
    )


def effect(a: Numbers, b: Numbers) -> tuple[float | None, float | None]:
    """Cohen's d and Hedges' g of `b` against `a`.

    d divides the difference of means by the pooled standard deviation (Cohen 1988, Statistical Power Analysis, 2.5);
    g multiplies d by the exact correction Γ(m/2) / (√(m/2) Γ((m-1)/2)), m = n₁ + n₂ - 2 (Hedges 1981).
    """
    freedom = len(a) + len(b) - 2
    if len(a) < _LEAST or len(b) < _LEAST:
        return None, None
    pooled = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / freedom)
    if pooled == 0.0:
        return None, None
    d = float(b.mean() - a.mean()) / pooled
    correction = math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    return d, d * correction


def holm(values: Sequence[float | None]) -> list[float | None]:
    """P-values corrected for how many there are (Holm 1979): smallest times n, next times n - 1, …, never falling."""
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    so_far = 0.0
    for rank, (value, place) in enumerate(known):
        so_far = max(so_far, min(1.0, value * (len(known) - rank)))
        corrected[place] = so_far
    return corrected


def _all(group: Mapping[Any, Sequence[float]]) -> Numbers:
    return np.array([value for values in group.values() for value in values], dtype=np.float64)


def _pairs(first: Mapping[Any, Sequence[float]], second: Mapping[Any, Sequence[float]]) -> Numbers:
    keys = [key for key in first if key is not None and key in second]
    return np.array(
        [[float(np.mean(group[key])) for key in keys] for group in (first, second)], dtype=np.float64
    )


def _tested(test: Any, possible: bool) -> tuple[float | None, float | None]:
    if not possible:
        return None, None
    with warnings.catch_warnings():  # no variance and ties are told by None and by the p-value
        warnings.simplefilter("ignore")
        found = test()
    statistic, p = float(found.statistic), float(found.pvalue)
    return (statistic if math.isfinite(statistic) else None), (p if math.isfinite(p) else None)


def _interval(a: Numbers, b: Numbers, pairs: Numbers, seed: int) -> tuple[float | None, float | None]:
    """Percentiles of the difference of means over resamples (Efron and Tibshirani 1993, chapter 13)."""
    chance = np.random.default_rng(seed)
    if pairs.shape[1] >= _LEAST:
        gaps = pairs[1] - pairs[0]
        means = gaps[chance.integers(0, len(gaps), (RESAMPLES, len(gaps)))].mean(axis=1)
    elif len(a) >= _LEAST and len(b) >= _LEAST:
        means = _resampled(b, chance) - _resampled(a, chance)
    else:
        return None, None
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _resampled(values: Numbers, chance: np.random.Generator) -> Numbers:
    size = len(values)
    if size <= 1000:
        return values[chance.integers(0, size, (RESAMPLES, size))].mean(axis=1)
    return np.array([values[chance.integers(0, size, size)].mean() for _ in range(RESAMPLES)])
