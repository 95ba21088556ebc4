"""Frozen bins: the shape of a column, small enough to travel with a model and additive over time.

A column is *frozen* once, on the rows a model was trained on: its value range is cut into bins that never
move again. From then on any batch of rows is a vector of :class:`Counts` in those bins, and counts add:
minute to hour to day, shard to shard, slice to slice. Drift is arithmetic on two such vectors
(:mod:`fettle.monitoring.drift`), so nothing is scanned twice and watching a model needs no training data.

Numbers get at most 64 reference-quantile bins plus one below and one above the range seen in training;
categories one bin a level (the most frequent 64; the rest share one). Missing values and values that have no
bin (a category never seen, text where a number belongs) are counted apart, because every distance hides them.

Examples:
    >>> import polars as pl
    >>> bins = freeze(pl.Series("price", [1.0, 2.0, 2.0, 4.0]), "number")
    >>> bins.edges
    (1.0, 2.0, 4.0)
    >>> count(pl.Series("price", [2.0, 3.0, 9.0, None]), bins)
    Counts(values=(0, 0, 1, 1, 1), nulls=1, unseen=0, total=14.0, squares=94.0)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from fettle.core.errors import NotFound

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

Kind = Literal["number", "category", "other"]
"""How a column is counted; ``other`` (times, lists, bytes) is only counted as present or missing."""

MAX_BINS = 64
RARE_LEVEL_ROWS = 5
"""Where a column has more levels than bins, a rarer level is not stored by name: it may be a person's."""


class Bins(msgspec.Struct, frozen=True):
    """The bins of one column, frozen on reference rows.

    Attributes:
        kind: How values are assigned, see :data:`Kind`.
        edges: Upper edges of the number bins, ascending; bin *i* holds ``edges[i-1] < x <= edges[i]``.
        low: Smallest finite reference value; anything smaller is *below range*.
        levels: Category levels by falling frequency.
        complete: False when the reference had more levels than are listed; the others share one last bin.
        single: True when the reference was 32-bit; values are then compared in that precision.
    """

    kind: Kind
    edges: tuple[float, ...] = ()
    low: float = 0.0
    levels: tuple[str, ...] = ()
    complete: bool = True
    single: bool = False

    @property
    def size(self) -> int:
        """How many value bins there are, out-of-range and shared bins included."""
        if self.kind == "number":
            return len(self.edges) + 2
        if self.kind == "category":
            return len(self.levels) + (not self.complete)
        return 1


class Counts(msgspec.Struct, frozen=True):
    """How many rows fell into each bin; ``a + b`` is the count of both batches together.

    Attributes:
        values: One number a bin. For numbers the first is *below* and the last *above* the reference range.
        nulls: Missing values, NaN included.
        unseen: Values without a bin: a category unknown to the reference, text where a number belongs.
        total: Sum of the finite numbers.
        squares: Sum of their squares.
    """

    values: tuple[int, ...]
    nulls: int = 0
    unseen: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def present(self) -> int:
        """Rows that have a value with a bin."""
        return sum(self.values)

    @property
    def rows(self) -> int:
        """All rows."""
        return self.present + self.nulls + self.unseen

    def __add__(self, other: Counts) -> Counts:
        if len(self.values) != len(other.values):
            raise ValueError(f"counts of {len(self.values)} and {len(other.values)} bins do not add")
        return Counts(
            tuple(a + b for a, b in zip(self.values, other.values, strict=True)),
            self.nulls + other.nulls,
            self.unseen + other.unseen,
            self.total + other.total,
            self.squares + other.squares,
        )


class ColumnProfile(msgspec.Struct, frozen=True):
    """A column's bins with the reference's own counts in them."""

    bins: Bins
    counts: Counts


class ReferenceProfile(msgspec.Struct, frozen=True):
    """What traffic is compared with: every feature's profile, and the model's answers on the same rows.

    It is plain JSON of a few kilobytes a column and holds no row of the training data.

    Attributes:
        rows: Reference rows.
        columns: Profile of each feature, by name.
        prediction: Profile of the model's answers (class label or number); None if they were not given.
    """

    rows: int
    columns: dict[str, ColumnProfile]
    prediction: ColumnProfile | None = None


def reference(
    frame: pl.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    kinds: Mapping[str, Kind] | None = None,
    prediction: pl.Series | Sequence[object] | None = None,
    max_bins: int = MAX_BINS,
) -> ReferenceProfile:
    """Profile the rows a model is judged on, to travel in its bundle.

    Use rows the model was *not* fitted on where there are enough (its answers on them are what it will show
    in service); all training rows are a fair second choice for the features.

    Args:
        frame: Reference rows, raw, as requests will carry them.
        columns: Features to profile; None means every column.
        kinds: Kind of a column where the type alone misleads (a postcode stored as a number).
        prediction: The model's answers on these rows: labels, or numbers for a regression.
        max_bins: Most bins a column may have.

    Returns:
        A JSON-able profile.

    Raises:
        NotFound: A name in ``columns`` is not in the frame.
    """
    import polars as pl

    profiles: dict[str, ColumnProfile] = {}
    for name in frame.columns if columns is None else columns:
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
        profiles[name] = column_profile(frame[name], (kinds or {}).get(name), max_bins=max_bins)
    answers = None
    if prediction is not None:
        given = isinstance(prediction, pl.Series)
        series = prediction if given else pl.Series("prediction", list(prediction), strict=False)
        answers = column_profile(series, max_bins=max_bins)
    return ReferenceProfile(frame.height, profiles, answers)


def column_profile(column: pl.Series, kind: Kind | None = None, *, max_bins: int = MAX_BINS) -> ColumnProfile:
    """Freeze a column and count it in its own bins."""
    bins = freeze(column, kind, max_bins=max_bins)
    return ColumnProfile(bins, count(column, bins))


def kind_of(column: pl.Series) -> Kind:
    """The kind a column's type suggests: numbers, categories (text, booleans, enums), other."""
    if column.dtype.is_numeric():
        return "number"
    if str(column.dtype).split("(")[0] in {"String", "Boolean", "Categorical", "Enum", "Null"}:
        return "category"
    return "other"


def freeze(column: pl.Series, kind: Kind | None = None, max_bins: int = MAX_BINS) -> Bins:
    """Cut a reference column into bins that will not move again.

    A number column with few distinct values gets one bin a value, so that its distribution function is kept
    exactly; otherwise the edges are reference quantiles that are values of the column (the inverted empirical
    distribution function), so that it is exact at every edge.

    Args:
        column: Reference values.
        kind: None takes what the type suggests.
        max_bins: Most bins, at least 2.

    Returns:
        The frozen bins. A number column without a finite value has no edges: what comes later is *above*.
    """
    kind = kind or kind_of(column)
    if kind == "category":
        return _freeze_levels(column, max_bins)
    if kind == "other":
        return Bins("other")
    single = str(column.dtype) == "Float32"
    values, _ = _numbers(column, single=single)
    values = np.sort(values[np.isfinite(values)])
    if not values.size:
        return Bins("number", single=single)
    distinct = values[np.concatenate((np.array([True]), np.diff(values) > 0))]
    if distinct.size > max_bins:
        ranks = np.ceil(np.arange(1, max_bins + 1) * values.size / max_bins).astype(np.int64) - 1
        distinct = np.unique(values[ranks])
    return Bins("number", tuple(distinct.tolist()), float(values[0]), single=single)


def _freeze_levels(column: pl.Series, max_bins: int) -> Bins:
    found = _texts(column).drop_nulls().value_counts(name="rows").rows()
    ranked = sorted(found, key=lambda row: (-row[1], row[0]))
    complete = len(ranked) <= max_bins
    if not complete:
        ranked = [row for row in ranked[: max_bins - 1] if row[1] >= RARE_LEVEL_ROWS]
    return Bins("category", levels=tuple(level for level, _ in ranked), complete=complete)


def count(column: pl.Series, bins: Bins) -> Counts:
    """Count a batch of values in frozen bins.

    Numbers are sorted and the few edges looked up in them, which is several times faster than looking every value
    up among the edges; :func:`count_by` takes the other way round to fill many groups at once.
    """
    if bins.kind == "number":
        return _count_numbers(column, bins)
    if bins.kind == "category":
        return _count_levels(column, bins)
    return Counts((column.len() - column.null_count(),), column.null_count())


def _count_numbers(column: pl.Series, bins: Bins) -> Counts:
    values, invalid = _numbers(column, single=bins.single)
    values = np.sort(values[~np.isnan(values)])
    marks = np.searchsorted(values, np.asarray(bins.edges), side="right")
    below = np.searchsorted(values, bins.low, side="left") if bins.edges else 0
    cuts = np.concatenate((np.array([0, below]), marks, np.array([values.size])))
    finite = values[np.isfinite(values)]
    return Counts(
        tuple(np.diff(cuts).tolist()),
        nulls=column.len() - values.size - invalid,
        unseen=invalid,
        total=float(finite.sum()),
        squares=float(finite @ finite),
    )


def _count_levels(column: pl.Series, bins: Bins) -> Counts:
    found = dict(_texts(column).value_counts(name="rows").rows())
    nulls = found.pop(None, 0)
    values = [found.pop(level, 0) for level in bins.levels]
    rest = sum(found.values())
    return Counts(tuple(values), nulls, rest) if bins.complete else Counts((*values, rest), nulls)


def count_by(column: pl.Series, bins: Bins, group: NDArray[np.int64], groups: int) -> list[Counts]:
    """Count a batch in frozen bins, separately for each group of its rows.

    Args:
        column: Values, any number of rows.
        bins: Frozen bins.
        group: Group of each row, 0 ≤ group < groups.
        groups: How many groups.

    Returns:
        One :class:`Counts` a group, in order; ``sum`` of them equals :func:`count` of all.
    """
    codes, numbers = _assign(column, bins)
    width = bins.size + 2
    table = np.bincount(group * width + codes, minlength=groups * width).reshape(groups, width)
    finite = np.where(np.isfinite(numbers), numbers, 0.0)
    totals = np.bincount(group, weights=finite, minlength=groups)
    squares = np.bincount(group, weights=finite * finite, minlength=groups)
    return [
        Counts(tuple(row[:-2].tolist()), int(row[-2]), int(row[-1]), float(total), float(square))
        for row, total, square in zip(table, totals, squares, strict=True)
    ]


def _assign(column: pl.Series, bins: Bins) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Bin of each row (``size`` = missing, ``size + 1`` = no bin) and its number, 0 where it has none."""
    if bins.kind == "number":
        return _assign_numbers(column, bins)
    nothing = np.zeros(column.len())
    if bins.kind == "other":
        return np.where(column.is_null().to_numpy(), bins.size, 0), nothing
    position: dict[str | None, int] = {level: index for index, level in enumerate(bins.levels)}
    position[None] = bins.size
    elsewhere = bins.size + 1 if bins.complete else len(bins.levels)
    texts = _texts(column).to_list()
    return np.fromiter((position.get(text, elsewhere) for text in texts), np.int64, len(texts)), nothing


def _assign_numbers(column: pl.Series, bins: Bins) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    values, invalid = _numbers(column, single=bins.single)
    codes = np.searchsorted(np.asarray(bins.edges), values, side="left") + 1
    if bins.edges:
        codes[values < bins.low] = 0
    absent = np.isnan(values)
    codes[absent] = bins.size
    if invalid:
        codes[absent & column.is_not_null().to_numpy()] = bins.size + 1
    return codes, values


def _numbers(column: pl.Series, *, single: bool) -> tuple[NDArray[np.float64], int]:
    """Values as float64 (missing = NaN), and how many present values are no numbers."""
    invalid = 0
    if column.dtype.is_numeric():
        values = column.to_numpy().astype(np.float64)
    else:
        plain = (
            column if str(column.dtype) in {"Boolean", "String", "Null"} else column.cast(str, strict=False)
        )
        cast = plain.cast(float, strict=False)
        invalid = cast.null_count() - column.null_count()
        values = cast.to_numpy().astype(np.float64)
    return (values.astype(np.float32).astype(np.float64) if single else values), invalid


def _texts(column: pl.Series) -> pl.Series:
    """Values as text, the way a request would spell them: ``true``, ``3`` (not ``3.0``); NaN is missing."""
    if column.dtype.is_float():
        return column.fill_nan(None).cast(str).str.strip_suffix(".0")
    return column if str(column.dtype) == "String" else column.cast(str, strict=False)
