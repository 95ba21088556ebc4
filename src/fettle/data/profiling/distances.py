"""How far two distributions lie apart, read from two stored profiles.

Numbers and times are compared by their 101 percentiles, so a share is known to about a hundredth; categories by the
listed values, all others taken together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

ZERO_SHARE = 1e-4
GROUPS = 10
Vector = NDArray[np.float64]


class Distances(NamedTuple):
    """Population stability index, Jensen–Shannon distance, and Kolmogorov–Smirnov's statistic where there is order."""

    psi: float
    js: float
    ks: float | None = None


def psi(was: ArrayLike, now: ArrayLike) -> float:
    """Population stability index Σ (q − p)·ln(q / p); an empty group counts as 0.0001.

    Source: Siddiqi (2006), Credit Risk Scorecards, ch. 10; it is Jeffreys' divergence (1946).
    """
    p, q = _shares(was, ZERO_SHARE), _shares(now, ZERO_SHARE)
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(was: ArrayLike, now: ArrayLike, base: float = math.e) -> float:
    """Jensen–Shannon distance: the square root of the divergence, natural logarithm unless `base` is given.

    Source: Lin (1991), IEEE Trans. Inf. Theory 37(1). Equal to `scipy.spatial.distance.jensenshannon`.
    """
    p, q = _shares(was, 0.0), _shares(now, 0.0)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(each > 0, each * np.log(each / middle), 0.0).sum() for each in (p, q)]
    return math.sqrt(max(0.0, float(sum(parts)) / 2) / math.log(base))


def of_percentiles(was: Sequence[float], now: Sequence[float]) -> Distances:
    """Compare two distributions that are known by their 101 percentiles."""
    a, b = np.asarray(was, float), np.asarray(now, float)
    at = np.union1d(a, b)
    inner = np.unique(a[10:-1:10])
    p = np.diff(below(a, inner), prepend=0.0, append=1.0)
    q = np.diff(below(b, inner), prepend=0.0, append=1.0)
    keep = (p > 1e-9) | (q > 1e-9)
    both = np.concatenate((at, np.nextafter(at, -np.inf)))
    ks = float(np.abs(below(a, both) - below(b, both)).max())
    return Distances(psi(p[keep], q[keep]), jensen_shannon(p[keep], q[keep]), ks)


def below(percentiles: Vector, at: Vector) -> Vector:
    """The share of values that are at most `at`, between percentiles by straight lines; steps stay steps."""
    places = np.linspace(0.0, 1.0, percentiles.size)
    high = np.searchsorted(percentiles, at, side="right")
    step = places[np.clip(high - 1, 0, None)]
    left, right = (
        percentiles[np.clip(high - 1, 0, None)],
        percentiles[np.clip(high, None, percentiles.size - 1)],
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inside = np.where(right > left, (at - left) / (right - left), 0.0)
    between = step + np.nan_to_num(inside) * (places[1] if places.size > 1 else 0.0)
    return np.where(high == 0, 0.0, np.where(high == percentiles.size, 1.0, between))


def of_counts(was: dict[str, int], now: dict[str, int], others: tuple[int, int]) -> Distances:
    """Compare two distributions over categories; `others` are the rows whose values are not listed."""
    names = sorted(was.keys() | now.keys())
    p = [*(was.get(name, 0) for name in names), others[0]]
    q = [*(now.get(name, 0) for name in names), others[1]]
    pairs = [(a, b) for a, b in zip(p, q, strict=True) if a or b]
    p, q = [a for a, _ in pairs], [b for _, b in pairs]
    return Distances(psi(p, q), jensen_shannon(p, q))


def _shares(counts: ArrayLike, zero_share: float) -> Vector:
    values = np.asarray(counts, float)
    shares = values / (values.sum() or 1.0)
    return np.where(shares > 0, shares, zero_share)
