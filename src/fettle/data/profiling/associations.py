"""How strongly columns hang together, on a sample of rows: numbers, categories, and a category with a number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from fettle.data.records.profiles import Association, ColumnProfile

SAMPLE = 100_000
"""Rows looked at; a correlation is then off by about 0.003."""
NUMBERS_MOST = 40
CATEGORIES_MOST = 20
LEVELS_MOST = 50
SHOWN_MOST = 200
WEAKEST = 0.05
LEAST_ROWS = 10

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def candidates(columns: list[ColumnProfile]) -> tuple[list[str], list[str], list[str]]:
    """The numbers and the categories that are compared, and the names left out because there are too many."""
    numbers = [each.name for each in columns if each.role in ("integer", "number") and each.number]
    categories = [
        each.name for each in columns if each.role in ("boolean", "category") and each.distinct <= LEVELS_MOST
    ]
    left_out = numbers[NUMBERS_MOST:] + categories[CATEGORIES_MOST:]
    return numbers[:NUMBERS_MOST], categories[:CATEGORIES_MOST], left_out


def associate(sample: pl.DataFrame, numbers: list[str], categories: list[str]) -> list[Association]:
    """All pairs that hang together by at least 0.05, the strongest first, at most 200.

    Pearson and Spearman for two numbers, on the rows where both are present; Cramér's V with the correction for
    bias for two categories; the correlation ratio η for a category and a number.
    """
    values = {name: _numeric(sample[name]) for name in numbers}
    codes = {name: _codes(sample[name]) for name in categories}
    found = [*_of_numbers(values), *_of_categories(codes), *_mixed(codes, values)]
    strong = [each for each in found if abs(each.value) >= WEAKEST]
    return sorted(strong, key=lambda each: (-abs(each.value), each.a, each.b, each.method))[:SHOWN_MOST]


def _numeric(column: pl.Series) -> Floats:
    values = column.cast(pl.Float64).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _codes(column: pl.Series) -> Codes:
    """A number from 0 for each different value, -1 for a missing one."""
    ranks = column.rank("dense").cast(pl.Int64) - 1
    return ranks.fill_null(-1).to_numpy()


def _of_numbers(values: dict[str, Floats]) -> Iterator[Association]:
    whole = [name for name, each in values.items() if not np.isnan(each).any()]
    plain = {name: _standard(values[name]) for name in whole}
    ranked = {name: _standard(rankdata(values[name])) for name in whole}
    for a, b in combinations(values, 2):
        x, y = values[a], values[b]
        if a in plain and b in plain:
            found = _product(plain[a], plain[b]), _product(ranked[a], ranked[b])
        else:
            both = ~(np.isnan(x) | np.isnan(y))
            x, y = x[both], y[both]
            if x.size < LEAST_ROWS:
                continue
            found = pearson(x, y), pearson(rankdata(x), rankdata(y))
        if x.size >= LEAST_ROWS:
            yield Association(a, b, "pearson", found[0], x.size)
            yield Association(a, b, "spearman", found[1], x.size)


def _of_categories(codes: dict[str, Codes]) -> Iterator[Association]:
    for a, b in combinations(codes, 2):
        both = (codes[a] >= 0) & (codes[b] >= 0)
        rows = int(both.sum())
        if rows >= LEAST_ROWS:
            yield Association(a, b, "cramers_v", cramers_v(codes[a][both], codes[b][both]), rows)


def _mixed(codes: dict[str, Codes], values: dict[str, Floats]) -> Iterator[Association]:
    for a, levels in codes.items():
        for b, numbers in values.items():
            both = (levels >= 0) & ~np.isnan(numbers)
            rows = int(both.sum())
            if rows >= LEAST_ROWS:
                ratio = correlation_ratio(levels[both], numbers[both])
                yield Association(a, b, "correlation_ratio", ratio, rows)


def pearson(x: Floats, y: Floats) -> float:
    """The product-moment correlation (Pearson, 1895), 0 where one of the two does not vary."""
    return _product(_standard(x), _standard(y))


def _standard(values: Floats) -> Floats:
    """The values with mean 0 and length 1; all 0 where they do not vary.

    Sums are numpy's own: the threads of a BLAS cost more than they save on so few rows.
    """
    scaled = values / (np.abs(values).max(initial=0.0) or 1.0)
    scaled = scaled - (scaled.mean() if scaled.size else 0.0)
    length = float(np.sqrt(np.square(scaled).sum()))
    return scaled / length if length > 1e-12 * np.sqrt(scaled.size) else np.zeros_like(scaled)


def _product(x: Floats, y: Floats) -> float:
    return _said(float((x * y).sum()))


def cramers_v(a: Codes, b: Codes) -> float:
    """Cramér's V with the correction of Bergsma (2013), A bias-correction for Cramér's V and Tschuprow's T."""
    wide = int(b.max()) + 1
    table = np.bincount(a * wide + b, minlength=(int(a.max()) + 1) * wide).reshape(-1, wide).astype(float)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (r, c) = table.sum(), table.shape
    if min(r, c) < 2:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    squared = max(0.0, float(((table - expected) ** 2 / expected).sum()) / n - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return _said(float(np.sqrt(squared / max(min(rows, columns) - 1, 1e-12))))


def correlation_ratio(levels: Codes, values: Floats) -> float:
    """η, the root of the share of a number's variance that lies between the groups (Fisher, 1925, § 45)."""
    scaled = values / (np.abs(values).max() or 1.0)
    scaled = scaled - scaled.mean()
    counts = np.bincount(levels).astype(float)
    sums = np.bincount(levels, weights=scaled)
    whole = float(np.square(scaled).sum())
    if whole <= 1e-24 * scaled.size:
        return 0.0
    between = float((sums[counts > 0] ** 2 / counts[counts > 0]).sum())
    return _said(float(np.sqrt(min(1.0, between / whole))))


def _said(value: float) -> float:
    """Six digits: the rest depends on the order of the rows."""
    return round(max(-1.0, min(1.0, value)), 6) + 0.0 if np.isfinite(value) else 0.0
