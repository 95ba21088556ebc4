"""Values said less exactly: ranges of numbers, beginnings of months, first characters, broader categories."""

from __future__ import annotations

import itertools
import math

import polars as pl

from fettle.core.errors import Invalid
from fettle.privacy.records import Bin, Generalise
from fettle.privacy.treatments.texts import as_text

_EVERY = {"year": "1y", "quarter": "1q", "month": "1mo", "week": "1w", "day": "1d", "hour": "1h"}


def generalise(values: pl.Series, rule: Generalise) -> pl.Series:
    """Say it less exactly, in the one way the rule names.

    Raises:
        Invalid: The column is of another type than the way needs.
    """
    if rule.to is not None:
        return _to(values, rule.to)
    if rule.width is not None:
        return ranges(values, rule.width)
    if rule.keep is not None:
        return as_text(values).str.strip_chars().str.head(rule.keep)
    levels = rule.levels or {}
    texts = as_text(values)
    if not levels:
        return texts.set(texts.is_not_null(), rule.other)
    known = texts.replace_strict(levels, default=rule.other, return_dtype=pl.String)
    return known.set(texts.is_null(), None)


def ranges(values: pl.Series, width: float) -> pl.Series:
    """Numbers as ranges `[20, 30)` of one width, beginning at multiples of it.

    Example:
        >>> import polars as pl
        >>> ranges(pl.Series([34, 40, None]), 10).to_list()
        ['[30, 40)', '[40, 50)', None]
    """
    numbers = _numbers(values)
    lower = (numbers / width).floor()
    texts = {
        each: f"[{_short(each * width)}, {_short((each + 1) * width)})"
        for each in lower.drop_nulls().unique().to_list()
    }
    return _named(lower, texts)


def bins(values: pl.Series, rule: Bin) -> pl.Series:
    """Numbers as the names of bins with given edges, closed on the left."""
    numbers = _numbers(values)
    labels = rule.labels or _labels(rule.edges)
    places = pl.Series(rule.edges).cast(pl.Float64).search_sorted(numbers.fill_null(0.0), side="right")
    made = places.cast(pl.Float64).set(numbers.is_null(), None)
    return _named(made, dict(enumerate(labels))).alias(values.name)


def _labels(edges: list[float]) -> list[str]:
    inner = [f"[{_short(low)}, {_short(high)})" for low, high in itertools.pairwise(edges)]
    return [f"< {_short(edges[0])}", *inner, f"≥ {_short(edges[-1])}"]


def _named(numbers: pl.Series, texts: dict[float, str]) -> pl.Series:
    if not texts:
        return numbers.cast(pl.String)
    return numbers.replace_strict(texts, default=None, return_dtype=pl.String)


def _to(values: pl.Series, to: str) -> pl.Series:
    if not (values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime)):
        raise _unfit(values, f"to = {to!r}", "dates or times")
    if values.dtype == pl.Date and to == "hour":
        return values
    return values.dt.truncate(_EVERY[to])


def _numbers(values: pl.Series) -> pl.Series:
    """As floats; NaN and infinities are missing, they are in no range."""
    if not values.dtype.is_numeric():
        raise _unfit(values, "a range", "numbers")
    numbers = values.cast(pl.Float64)
    return numbers.set(~numbers.is_finite(), None)


def _unfit(values: pl.Series, what: str, wanted: str) -> Invalid:
    return Invalid(
        f"{what} does not suit the column {values.name!r}.",
        found=f"values of the type {values.dtype}",
        hint=f"It takes {wanted}; for texts there are `keep` and `levels`.",
        subject=f"column:{values.name}",
    )


def _short(number: float) -> str:
    rounded = round(number, 9)
    return str(int(rounded)) if math.isfinite(rounded) and rounded == int(rounded) else repr(rounded)
