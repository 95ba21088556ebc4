"""Take a table that a program holds: a DataFrame of any library that speaks Arrow."""

from __future__ import annotations

from typing import Any

import polars as pl

from fettle.core.errors import Invalid
from fettle.data.headers import column_names
from fettle.data.reading import Read
from fettle.data.types import normalise


def is_frame(value: Any) -> bool:
    """Whether a value is a table: polars, pandas, pyarrow, or whatever hands out Arrow or the interchange protocol."""
    return (
        isinstance(value, pl.DataFrame | pl.LazyFrame)
        or hasattr(value, "__arrow_c_stream__")
        or hasattr(value, "__dataframe__")
    )


def read_frame(value: Any) -> Read:
    """Take a table; an index of pandas that has a name becomes a column, another is left out with a note.

    Raises:
        Invalid: It has no rows, two columns of a name, or values that no table of ours can hold.
    """
    notes: list[str] = []
    try:
        frame = _as_polars(value, notes)
    except (pl.exceptions.PolarsError, TypeError, ValueError, ArithmeticError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Invalid(
            f"The {type(value).__module__.partition('.')[0]} table cannot be used.",
            found=reason,
            hint="Give each column one type: numbers, texts, truth values, dates or times.",
        ) from error
    if frame.height == 0 or frame.width == 0:
        raise Invalid("The table has no rows.", found=f"{frame.width} column(s), {frame.height} rows")
    names, renamed = column_names(frame.columns)
    frame.columns = names
    return Read(normalise(frame), notes + renamed)


def _as_polars(value: Any, notes: list[str]) -> pl.DataFrame:
    if isinstance(value, pl.DataFrame):
        return value.clone()
    if isinstance(value, pl.LazyFrame):
        return value.collect()
    if type(value).__module__.partition(".")[0] == "pandas":
        return _from_pandas(value, notes)
    if hasattr(value, "__arrow_c_stream__"):
        return pl.DataFrame(value)
    from pyarrow import interchange

    return pl.DataFrame(interchange.from_dataframe(value))


def _from_pandas(value: Any, notes: list[str]) -> pl.DataFrame:
    if not hasattr(value, "columns"):
        value = value.to_frame()
    if any(each is not None for each in value.index.names):
        value = value.reset_index()
    elif list(value.index) != list(range(len(value))):
        notes.append("the index has no name and was left out; name it to keep it")
    names = [str(each) for each in value.columns]
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise ValueError(f"two columns are called {twice!r}")
    return pl.from_pandas(value.set_axis(names, axis=1))
