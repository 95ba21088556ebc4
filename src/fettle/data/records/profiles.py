"""The nouns of exploring: what is known of a table and its columns, and how two versions of it differ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from fettle.data.records.versions import Type

Role = Literal["integer", "number", "boolean", "category", "text", "date", "constant", "identifier"]
"""What a column is good for: `category` has few distinct strings, `text` many, `identifier` one a row."""

Method = Literal["pearson", "spearman", "cramers_v", "correlation_ratio"]
"""How two columns are held together: numbers by their values or ranks, categories, a category with a number."""

Drawer = Callable[["Profile"], str]
drawers: list[Drawer] = []
"""Who draws a profile in a notebook; `fettle.data.profiling` enters itself here."""


class Histogram(msgspec.Struct, frozen=True):
    """Counts of values in bins of equal width; `edges` has one more entry than `counts`, the last bin is closed."""

    edges: list[float]
    counts: list[int]


class NumberSummary(msgspec.Struct, frozen=True):
    """The finite values of a numeric column.

    `std` has n - 1 below the line, `quantiles` are keyed `"0.5"`, `percentiles` are the 101 from 0 to 100 % (empty in
    profiles of earlier releases).
    """

    min: float
    max: float
    mean: float
    std: float | None
    quantiles: dict[str, float]
    zeros: int
    negatives: int
    infinite: int
    histogram: Histogram
    percentiles: list[float] = []


class TextSummary(msgspec.Struct, frozen=True):
    """The lengths of a string column's values in characters, and how many are blank or hold a space inside."""

    min_length: int
    mean_length: float
    max_length: int
    blank: int
    spaced: int


class TimeSummary(msgspec.Struct, frozen=True):
    """The first and last instant of a date or time column (UTC).

    `histogram` and `percentiles` are in seconds since 1970; `ordered` says that no value is earlier than the one
    above it.
    """

    min_at: datetime
    max_at: datetime
    histogram: Histogram | None = None
    percentiles: list[float] = []
    ordered: bool = False


class ValueCount(msgspec.Struct, frozen=True):
    """How often a value occurs; the value as text."""

    value: str
    count: int


class ColumnProfile(msgspec.Struct, frozen=True):
    """What is known of one column: counts first, then a summary that fits its type.

    `missing` counts nulls (NaN in numbers included), `distinct` the different values that are not missing, `top` the
    most frequent of them (strings, booleans, integers). `approximate` names what is not exact: `distinct`, `top`,
    `quantiles` (tables too large to be sorted whole).
    """

    name: str
    type: Type
    role: Role
    rows: int
    missing: int
    distinct: int
    number: NumberSummary | None = None
    text: TextSummary | None = None
    time: TimeSummary | None = None
    top: list[ValueCount] = msgspec.field(default_factory=list)
    approximate: list[str] = []

    @property
    def missing_rate(self) -> float:
        """Share of missing values, in [0, 1]."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def constant(self) -> bool:
        """Whether there is at most one value."""
        return self.distinct <= 1

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice (and there is one)."""
        return 0 < self.distinct == self.rows - self.missing and "distinct" not in self.approximate


class Association(msgspec.Struct, frozen=True):
    """How strongly two columns hang together.

    `value` is in [-1, 1] for Pearson and Spearman, in [0, 1] for Cramér's V and the correlation ratio (of the number
    `b` by the category `a`); `rows` are those in which both have a value.
    """

    a: str
    b: str
    method: Method
    value: float
    rows: int


class Profile(msgspec.Struct, frozen=True):
    """What is known of a table: a summary of each column, and how many rows repeat an earlier one.

    `associations` are the strongest first; `notes` say what was left out or is approximate.
    """

    rows: int
    duplicate_rows: int
    columns: list[ColumnProfile]
    associations: list[Association] = []
    notes: list[str] = []

    def column(self, name: str) -> ColumnProfile:
        """The profile of one column; KeyError if there is none of that name."""
        for each in self.columns:
            if each.name == name:
                return each
        raise KeyError(name)

    def _repr_html_(self) -> str | None:
        return drawers[-1](self) if drawers else None


class ColumnChange(msgspec.Struct, frozen=True):
    """How a column of one version differs from the same column of another.

    Attributes:
        name: The column.
        change: `added`, `removed`, `retyped` or `values`.
        importance: 0 where nothing changed, 1 and more where one should look; sorts the list.
        said: What changed, in few words, the gravest first.
        missing: Share of missing values before and after.
        distinct: Different values before and after.
        mean: Mean before and after; None for what has none.
        quantiles: Key such as `"0.5"` → before and after.
        new: Values among the listed ones that were not there before.
        vanished: Values that are no longer there.
        psi: Population stability index; None where it cannot be said from the profiles.
        js: Jensen–Shannon distance (natural logarithm).
        ks: Largest distance of the two distribution functions (numbers and times).
    """

    name: str
    change: Literal["added", "removed", "retyped", "values"]
    importance: float
    said: list[str]
    missing: tuple[float, float] | None = None
    distinct: tuple[int, int] | None = None
    mean: tuple[float, float] | None = None
    quantiles: dict[str, tuple[float, float]] = {}
    new: list[str] = []
    vanished: list[str] = []
    psi: float | None = None
    js: float | None = None
    ks: float | None = None


class Comparison(msgspec.Struct, frozen=True):
    """Two profiles held against each other; the columns that changed most come first."""

    rows: tuple[int, int]
    duplicate_rows: tuple[int, int]
    columns: list[ColumnChange]
