"""Bring a column to another type, and find the type that two changes of it lead to."""

from __future__ import annotations

import polars as pl

from fettle.data.tables.compare import spelt
from fettle.data.types import UTC

_WIDER: dict[frozenset[pl.DataType], pl.DataType] = {
    frozenset((pl.Int64(), pl.Float64())): pl.Float64(),
    frozenset((pl.Date(), UTC)): UTC,
}


def cast_to(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """The values in another type; missing where a value has none there."""
    if column.dtype == dtype:
        return column
    if dtype == pl.String:
        return spelt(column)
    if column.dtype == pl.String and dtype == pl.Boolean:
        read = column.to_frame("x").select(
            pl.col("x")
            .str.to_lowercase()
            .replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
        )
        return read["x"].alias(column.name)
    if column.dtype == pl.String and dtype == pl.Date:
        return column.str.to_date("%Y-%m-%d", strict=False)
    if column.dtype == pl.String and isinstance(dtype, pl.Datetime):
        return (
            column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False)
            .dt.replace_time_zone("UTC")
            .cast(dtype)
        )
    if column.dtype.is_temporal() != dtype.is_temporal():
        return pl.Series(column.name, [None] * column.len(), dtype)
    if column.dtype == pl.Date and getattr(dtype, "time_zone", None):
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(dtype)
    return column.cast(dtype, strict=False)


def fits(column: pl.Series, dtype: pl.DataType) -> bool:
    """Whether every value has one in the other type."""
    return cast_to(column, dtype).null_count() == column.null_count()


def agreed(base: pl.DataType | None, ours: pl.DataType, theirs: pl.DataType) -> pl.DataType | None:
    """The type a column gets when both sides are merged; None if they changed it to types that do not fit.

    What only one side changed is taken from it; of two changes the wider type, where one holds the other's values.
    """
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    return _WIDER.get(frozenset((ours, theirs)))
