"""The rules of a schema as polars expressions that are true for a row that breaks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from fettle.data.records.schemas import Rule
from fettle.data.types import UTC


class Expectation(NamedTuple):
    """A rule about a column's values; `bad` is true for a row that breaks it."""

    rule: Rule
    kind: str
    bad: pl.Expr

    @property
    def name(self) -> str:
        """The column."""
        return self.rule.name


def expectations(rule: Rule, dtype: pl.DataType) -> Iterator[Expectation]:
    """All that a rule expects of the values of a column of this type."""
    column = pl.col(rule.name)
    if rule.missing_max is not None:
        yield Expectation(rule, "missing-rate", column.is_null())
    for kind, bad in (*_of_numbers(rule, dtype), *_of_texts(rule, dtype), *_of_times(rule, dtype)):
        yield Expectation(rule, kind, bad)
    if rule.unique:
        yield Expectation(rule, "not-unique", column.is_not_null() & column.is_duplicated())
    if rule.monotone is not None:
        yield Expectation(rule, "not-monotone", _disorder(column, rule.monotone))


def _of_numbers(rule: Rule, dtype: pl.DataType) -> Iterator[tuple[str, pl.Expr]]:
    if not dtype.is_numeric():
        return
    column = pl.col(rule.name)
    if dtype == pl.Float64:
        yield "infinite", column.is_infinite()
    if rule.min is not None or rule.max is not None:
        outside = _outside(column, rule.min, rule.max)
        yield "range", outside & column.is_finite() if dtype == pl.Float64 else outside


def _of_texts(rule: Rule, dtype: pl.DataType) -> Iterator[tuple[str, pl.Expr]]:
    if dtype != pl.String:
        return
    column = pl.col(rule.name)
    if rule.values is not None:
        yield "unseen-category", column.is_not_null() & ~column.is_in(rule.values)
    if rule.regex is not None:
        yield "pattern", ~column.str.contains(f"^(?:{rule.regex})$")
    if rule.min_length is not None or rule.max_length is not None:
        yield "length", _outside(column.str.len_chars(), rule.min_length, rule.max_length)


def _of_times(rule: Rule, dtype: pl.DataType) -> Iterator[tuple[str, pl.Expr]]:
    if dtype.is_temporal() and (rule.min_at is not None or rule.max_at is not None):
        instants = pl.col(rule.name).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        low, high = (pl.lit(at, dtype=UTC) if at is not None else None for at in (rule.min_at, rule.max_at))
        if dtype != pl.Date:
            instants = pl.col(rule.name)
        yield "date-range", _outside(instants, low, high)


def _outside(column: pl.Expr, low: pl.Expr | float | None, high: pl.Expr | float | None) -> pl.Expr:
    below = column < low if low is not None else pl.lit(False)
    above = column > high if high is not None else pl.lit(False)
    return below | above


def _disorder(column: pl.Expr, monotone: str) -> pl.Expr:
    """Whether a value is on the wrong side of the last one above it that is not missing."""
    before = column.forward_fill().shift(1)
    down = "decreasing" in monotone
    wrong = column > before if down else column < before
    return (wrong | (column == before)) if monotone.startswith("strictly") else wrong
