"""Rows of a frame as JSON has them: what a client would send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from fettle.packaging.records import Row


def json_rows(frame: pl.DataFrame, columns: Sequence[str] | None = None) -> list[Row]:
    """Turn a frame's rows into JSON-able ones: dates and times as ISO 8601 text, NaN as null.

    Example:
        >>> json_rows(pl.DataFrame({"x": [1.5, None], "on": [date(2024, 5, 31), None]}))
        [{'x': 1.5, 'on': '2024-05-31'}, {'x': None, 'on': None}]
    """
    chosen = frame.select(columns) if columns is not None else frame
    plain = [_plain(each) for each in chosen.iter_columns()]
    return pl.DataFrame(plain).to_dicts() if plain else []


def _plain(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype.is_float():
        return column.fill_nan(None)
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return pl.Series(column.name, [_iso(each) for each in column.to_list()], dtype=pl.String)
    if dtype.is_decimal():
        return column.cast(pl.Float64)
    return column.cast(pl.String) if dtype in (pl.Categorical, pl.Enum) else column


def _iso(value: date | datetime | None) -> Any:
    return None if value is None else value.isoformat()
