"""Drift as arithmetic on counts: is the traffic of this window still what the model was trained for?

An alarm needs **significance and effect**. Significance alone cries at a hundredth of a standard deviation once
there are a million rows; a fixed distance alone cries at small windows, where every distance is biased upward. So
a feature drifts when its two-sample p-value, adjusted over all features of the window (Benjamini–Hochberg), is at
most 0.01, *and* its bias-corrected population stability index reaches a floor: 0.02 notice (about 0.14 standard
deviations of shift), 0.10 warning, 0.25 critical.

Missing values, values without a bin and values out of the reference range are looked at first and apart, by rate
tests: they are the cheap, certain failures, and every distance hides them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from fettle.data.bins import Bins, ColumnProfile, Counts
from fettle.data.profiling.distances import jensen_shannon, psi
from fettle.monitoring.records import Drift, Severity

P_ADJUSTED_AT_MOST = 0.01
FLOORS: tuple[tuple[float, Severity], ...] = ((0.25, "critical"), (0.10, "warning"), (0.02, "notice"))
PSI_GROUPS = 10
EXPECTED_AT_LEAST = 5.0
RATE_P_AT_MOST = 0.001
RATE_RISE_AT_LEAST = 0.01

Vector = NDArray[np.float64]


class Tested(NamedTuple):
    """A test statistic and its p-value."""

    statistic: float
    p: float


def measure(column: ColumnProfile, current: Counts) -> Drift:
    """Compare one column's window with its reference; severity is not judged yet, see :func:`judge`.

    Numbers: Kolmogorov–Smirnov on the frozen bins, PSI and Jensen–Shannon on at most ten groups of them of equal
    reference share. Categories: chi-square, PSI and Jensen–Shannon on levels, those expected fewer than five
    times pooled. Other columns (times, lists): only rates.

    Args:
        column: The frozen bins with the reference's counts.
        current: The window's counts in the same bins.

    Returns:
        All measures. Where either side has no value to compare, p is 1 and the distances are 0.
    """
    bins, reference = column.bins, column.counts
    was, now = np.asarray(reference.values, float), np.asarray(current.values, float)
    test, psi_raw, corrected, divergence = Tested(0.0, 1.0), 0.0, 0.0, 0.0
    if bins.kind != "other" and was.sum() and now.sum():
        if bins.kind == "number":
            test = ks_binned(was, now)
            groups = equal_share_groups(was, PSI_GROUPS)
            was, now = merge(was, groups), merge(now, groups)
        else:
            was, now = pool(was, now)
            test = chi_square(was, now)
        psi_raw, divergence = psi(was, now), jensen_shannon(was, now)
        corrected = psi_raw - psi_bias(was, now)
    return Drift(
        kind=bins.kind,
        rows=current.rows,
        statistic=test.statistic,
        p=test.p,
        p_adjusted=test.p,
        psi=psi_raw,
        psi_corrected=corrected,
        js=divergence,
        nulls=_share(current.nulls, current.rows),
        unseen=_share(current.unseen, current.rows),
        out_of_range=_share(_outside(bins, current), current.rows),
        signals=signals(bins, reference, current),
    )


def judge(drifts: Mapping[str, Drift]) -> dict[str, Drift]:
    """Adjust the p-values over all features of one window and give each its severity by the alarm rule."""
    adjusted = benjamini_hochberg([drift.p for drift in drifts.values()])
    return {
        name: drift.replace(p_adjusted=float(p), severity=severity(float(p), drift.psi_corrected))
        for (name, drift), p in zip(drifts.items(), adjusted, strict=True)
    }


def severity(p_adjusted: float, corrected_psi: float) -> Severity:
    """The alarm rule: significance and effect, or nothing."""
    if p_adjusted <= P_ADJUSTED_AT_MOST:
        for floor, name in FLOORS:
            if corrected_psi >= floor:
                return name
    return "none"


def signals(bins: Bins, reference: Counts, current: Counts) -> list[str]:
    """The rates that rose: ``nulls``, ``invalid`` (text for a number), ``unseen`` (levels), ``range``.

    A rate rises when it is at least one point above the reference's and Fisher's exact test, one-sided, gives
    p ≤ 0.001.
    """
    rates = {
        "nulls": (reference.nulls, current.nulls),
        "invalid" if bins.kind == "number" else "unseen": (reference.unseen, current.unseen),
        "range": (_outside(bins, reference), _outside(bins, current)),
    }
    return [
        name
        for name, (was, now) in rates.items()
        if _share(now, current.rows) - _share(was, reference.rows) >= RATE_RISE_AT_LEAST
        and rate_rose(was, reference.rows, now, current.rows) <= RATE_P_AT_MOST
    ]


def _outside(bins: Bins, counts: Counts) -> int:
    return counts.values[0] + counts.values[-1] if bins.kind == "number" else 0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def ks_binned(reference: ArrayLike, current: ArrayLike) -> Tested:
    """Two-sample Kolmogorov–Smirnov on counts in common ordered bins.

    The statistic is the largest distance of the two distribution functions at the bin edges: exact where every
    value has its own bin, otherwise a lower bound (a share of a bin too small), so that the test errs to silence.
    The p-value is that of the two-sided one-sample statistic at the effective size n·m/(n+m), as scipy's
    ``ks_2samp(method="asymp")``.

    Source: Hodges (1958), The significance probability of the Smirnov two-sample test, Arkiv för Matematik 3;
    Simard and L'Ecuyer (2011), Computing the two-sided Kolmogorov–Smirnov distribution, J. Stat. Softw. 39(11).
    Held to scipy in ``tests/monitoring/test_drift.py``.
    """
    was, now = np.asarray(reference, float), np.asarray(current, float)
    n, m = was.sum(), now.sum()
    distance = float(np.abs(np.cumsum(was) / n - np.cumsum(now) / m).max())
    return Tested(distance, _ks_p(distance, n, m))


def ks_exact(reference: ArrayLike, current: ArrayLike) -> Tested:
    """Two-sample Kolmogorov–Smirnov on the values themselves: one sort and one merge; p as :func:`ks_binned`."""
    was, now = np.sort(np.asarray(reference, float)), np.sort(np.asarray(current, float))
    both = np.concatenate((was, now))
    below_was = np.searchsorted(was, both, side="right") / was.size
    below_now = np.searchsorted(now, both, side="right") / now.size
    distance = float(np.abs(below_was - below_now).max())
    return Tested(distance, _ks_p(distance, was.size, now.size))


def _ks_p(distance: float, n: float, m: float) -> float:
    return float(np.clip(stats.kstwo.sf(distance, round(n * m / (n + m))), 0.0, 1.0))


def chi_square(reference: ArrayLike, current: ArrayLike) -> Tested:
    """Two-sample chi-square test of homogeneity on counts of the same levels; both samples count as random.

    Levels without a row on either side are left out. Pool rare ones first with :func:`pool`.

    Source: Pearson (1911), On the probability that two independent distributions of frequency are really samples
    from the same population, Biometrika 8. Equal to scipy's ``chi2_contingency(correction=False)``.
    """
    table = np.vstack((np.asarray(reference, float), np.asarray(current, float)))
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return Tested(0.0, 1.0)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return Tested(statistic, float(special.chdtrc(table.shape[1] - 1, statistic)))


def pool(reference: Vector, current: Vector, at_least: float = EXPECTED_AT_LEAST) -> tuple[Vector, Vector]:
    """Join the levels expected less than ``at_least`` times in either sample into one.

    If the joint level is still too rare it takes in the next rarest, so that every expected count is large enough
    for the chi-square approximation (Cochran, 1954) or one level is left.
    """
    both = reference + current
    keep = both > 0
    order = np.flatnonzero(keep)[np.argsort(both[keep], kind="stable")]
    share = min(reference.sum(), current.sum()) / both.sum()
    cumulated = np.cumsum(both[order]) * share
    rare = int(np.count_nonzero(both[order] * share < at_least))
    if rare:
        rare = max(rare, int(np.searchsorted(cumulated, at_least)) + 1)
    few, many = order[:rare], np.sort(order[rare:])
    if not few.size:
        return reference[many], current[many]
    return np.append(reference[many], reference[few].sum()), np.append(current[many], current[few].sum())


def equal_share_groups(reference: Vector, groups: int) -> NDArray[np.int64]:
    """Group of each ordered bin, so that the groups have about equal shares of the reference.

    A bin belongs to the group in which its middle lies; fewer groups come out where one value is frequent.
    """
    middle = (np.cumsum(reference) - reference / 2) / reference.sum()
    group = np.minimum((middle * groups).astype(np.int64), groups - 1)
    return np.cumsum(np.diff(group, prepend=group[0]) > 0)


def merge(counts: Vector, groups: NDArray[np.int64]) -> Vector:
    """Sum the counts of each group."""
    return np.asarray(np.bincount(groups, weights=counts), np.float64)


def psi_corrected(reference: ArrayLike, current: ArrayLike) -> float:
    """PSI less what chance alone gives: PSI − (B − 1)·(1/n + 1/m), which is about 0 when nothing has changed.

    Source: Yurdakul and Naranjo (2020), Statistical properties of the population stability index, J. Risk Model
    Validation 14(4): n·m/(n+m)·PSI is asymptotically chi-square with B − 1 degrees of freedom.
    """
    return psi(reference, current) - psi_bias(reference, current)


def psi_bias(reference: ArrayLike, current: ArrayLike) -> float:
    """What PSI is expected to be when nothing has changed."""
    was, now = np.asarray(reference, float), np.asarray(current, float)
    return (was.size - 1) * float(1 / was.sum() + 1 / now.sum())


def rate_rose(was: int, was_of: int, now: int, now_of: int) -> float:
    """One-sided p-value that a rate has not risen: Fisher's exact test, summed over the hypergeometric tail.

    Args:
        was: Hits among ``was_of`` reference rows.
        was_of: Reference rows.
        now: Hits among ``now_of`` current rows.
        now_of: Current rows.

    Returns:
        P(at least ``now`` of all hits fall into the current rows); equal to scipy's
        ``fisher_exact(alternative="greater")``.
    """
    hits, rows = was + now, was_of + now_of
    most = min(hits, now_of)
    if now <= max(0, hits - was_of) or not now_of or not was_of:
        return 1.0
    k = np.arange(now, most + 1)
    log = _log_choose(hits, k) + _log_choose(rows - hits, now_of - k) - _log_choose(rows, np.asarray(now_of))
    return float(min(1.0, np.exp(log).sum()))


def _log_choose(n: int, k: NDArray[np.int64]) -> Vector:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def benjamini_hochberg(p_values: Sequence[float]) -> Vector:
    """Adjust p-values so that rejecting those ≤ α keeps the expected share of false alarms among alarms ≤ α.

    Source: Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57(1). Equal to scipy's
    ``false_discovery_control``.
    """
    p = np.asarray(p_values, float)
    if not p.size:
        return p
    order = np.argsort(p)
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
