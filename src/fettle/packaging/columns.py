"""A table as columns, of polars, pandas, pyarrow, numpy or plain lists, without importing any of them.

A column says what it holds (`Column.kind`) and gives it as an array that inputs are cast from, a column at a time.
What has no such form, and what does not fit, is looked at value by value as the table's rows would have it
(`Column.listed`): so a table is taken or refused exactly as its rows are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fettle.core.errors import Invalid

Kind = Literal["number", "flag", "text", "moment", "any"]
FEW = 64
"""Up to so many rows a table whose library gives rows quickly is taken as its rows."""

_POLARS_NUMBERS = frozenset(
    {"Float32", "Float64", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"}
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        listed: Its values as rows would have them.
        kind: What `values` are; `any` has none.
        values: `number`: floats or integers, NaN is missing; `flag`: booleans, or floats with NaN for missing;
            `text`: Python strings, empty is missing; `moment`: datetime64 in UTC, NaT is missing.
    """

    listed: Callable[[], list[Any]]
    kind: Kind = "any"
    values: NDArray[Any] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Columns:
    """A table.

    Attributes:
        names: The columns' names; of two of the same name the later counts.
        height: Rows.
        read: Gives the column at a place.
        as_rows: Gives the rows, where the library has a quick way.
    """

    names: Sequence[Any]
    height: int
    read: Callable[[int], Column]
    as_rows: Callable[[], list[dict[str, Any]]] | None = None

    def __len__(self) -> int:
        return self.height

    @cached_property
    def places(self) -> dict[Any, int]:
        """Where each name is."""
        return {name: place for place, name in enumerate(self.names)}

    def rows(self) -> list[dict[str, Any]]:
        """The table as rows."""
        if self.as_rows:
            return self.as_rows()
        listed = [self.read(place).listed() for place in self.places.values()]
        return [dict(zip(self.places, each, strict=True)) for each in zip(*listed, strict=True)]


def taken(rows: Any, names: Sequence[str]) -> Columns | Sequence[Mapping[str, Any]]:
    """Rows as they are, or the table that stands for them.

    Args:
        rows: A frame, a mapping of name to column, an array with fields, an array of as many columns as the model
            has, or a sequence of rows.
        names: The model's columns.

    Raises:
        Invalid: These are neither rows nor a table.
    """
    if isinstance(rows, Columns):
        return rows
    if _is(rows, "polars", "LazyFrame"):
        rows = rows.collect()
    found = table(rows, names)
    if found is not None:
        return found.as_rows() if found.as_rows and len(found) <= FEW else found
    if hasattr(rows, "to_dicts"):
        return rows.to_dicts()
    if hasattr(rows, "to_pylist"):
        return rows.to_pylist()
    if hasattr(rows, "iloc") and hasattr(rows, "columns"):
        return rows.astype(object).where(rows.notna(), None).to_dict("records")
    if isinstance(rows, Mapping) or not isinstance(rows, Sequence) or isinstance(rows, str | bytes):
        raise Invalid(
            "Rows are a list, each a mapping of column to value.",
            found="one mapping" if isinstance(rows, Mapping) else f"{rows!r:.60} ({type(rows).__name__})",
            hint="Give a list, also of one row: predict([{…}]), or a frame.",
        )
    return rows


def table(rows: Any, names: Sequence[str]) -> Columns | None:
    """The columns of a table; None if it is none. Arguments and errors as `taken`."""
    if _is(rows, "polars", "DataFrame"):
        return Columns(rows.columns, rows.height, lambda at: polars_column(rows.to_series(at)), rows.to_dicts)
    if _is(rows, "pyarrow", "Table", "RecordBatch"):
        return Columns(
            rows.schema.names, rows.num_rows, lambda at: arrow_column(rows.column(at)), rows.to_pylist
        )
    if _is(rows, "pandas", "DataFrame"):
        return Columns(list(rows.columns), len(rows), lambda at: pandas_column(rows.iloc[:, at]))
    if isinstance(rows, np.ndarray) and (rows.dtype.names or rows.ndim == 2):
        return _array(rows, names)
    return _mapping(rows) if isinstance(rows, Mapping) else None


def _array(rows: NDArray[Any], names: Sequence[str]) -> Columns:
    """An array with fields, or one whose columns are the model's, in their order."""
    fields = rows.dtype.names
    if fields:
        flat = rows.reshape(-1)
        return Columns(fields, len(flat), lambda at: array_column(flat[fields[at]]))
    if rows.shape[1] != len(names):
        raise Invalid(
            "An array names no columns, so it must have those of the model, in their order.",
            found=f"{rows.shape[1]} columns",
            hint=f"Give {len(names)}: {', '.join(map(repr, names[:6]))}{', …' if len(names) > 6 else ''}; "
            "or a frame, which names them.",
        )
    return Columns(names, len(rows), lambda at: array_column(rows[:, at]))


def _mapping(rows: Mapping[Any, Any]) -> Columns | None:
    """A mapping of name to column; None if a value is no column."""
    if not rows or not all(map(_is_column, rows.values())):
        return None
    columns = list(rows.values())
    sizes = {name: len(each) for name, each in rows.items()}
    if len(set(sizes.values())) > 1:
        raise Invalid(
            "The columns of a table have the same number of values.",
            found=", ".join(f"{name!r} {size:,}" for name, size in list(sizes.items())[:6]),
            hint="Give each column a value for each row, null where it is missing.",
        )
    return Columns(list(rows), len(columns[0]), lambda at: _any_column(columns[at]))


def _is_column(values: Any) -> bool:
    return (
        isinstance(values, list | tuple)
        or (isinstance(values, np.ndarray) and values.ndim == 1)
        or _is(values, "polars", "Series")
        or _is(values, "pandas", "Series")
        or _is(values, "pyarrow", "Array", "ChunkedArray")
    )


def _any_column(values: Any) -> Column:
    if isinstance(values, list | tuple):
        return Column(lambda: list(values))
    if isinstance(values, np.ndarray):
        return array_column(values)
    if _is(values, "polars", "Series"):
        return polars_column(values)
    return pandas_column(values) if _is(values, "pandas", "Series") else arrow_column(values)


def array_column(values: NDArray[Any]) -> Column:
    """A column of numpy."""
    kind = values.dtype.kind
    if isinstance(values, np.ma.MaskedArray) or values.ndim > 1:
        return Column(values.tolist)
    if kind in "iu" or (kind == "f" and values.dtype.itemsize <= 8):
        return Column(values.tolist, "number", values)
    if kind == "b":
        return Column(values.tolist, "flag", values)
    if kind == "U":
        return Column(values.tolist, "text", values.astype(object))
    if kind == "M":
        return Column(values.astype("M8[us]").tolist, "moment", values)
    return Column(values.tolist)


def polars_column(values: Any) -> Column:
    """A series of polars."""
    import polars as pl

    dtype, listed = values.dtype, values.to_list
    if str(dtype) in _POLARS_NUMBERS:
        return Column(listed, "number", values.to_numpy())
    if dtype == pl.Boolean:
        return Column(listed, "flag", (values.cast(pl.Float32) if values.null_count() else values).to_numpy())
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        plain = values if isinstance(dtype, pl.String) else values.cast(pl.String)
        return Column(listed, "text", (plain.fill_null("") if plain.null_count() else plain).to_numpy())
    if isinstance(dtype, pl.Date | pl.Datetime):
        return Column(listed, "moment", values.to_numpy())
    return Column(listed)


def pandas_column(values: Any) -> Column:
    """A series of pandas; what it counts as missing is None."""
    import pandas as pd

    def listed() -> list[Any]:
        frame = values.to_frame("")
        return frame.astype(object).where(frame.notna(), None).to_dict("list")[""]

    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return _with(listed, array_column(values.to_numpy()))
    if isinstance(dtype, pd.StringDtype):
        return Column(listed, "text", values.to_numpy(dtype=object, na_value=""))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return Column(listed, "moment", values.to_numpy(f"M8[{dtype.unit}]"))
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and dtype.kind in "iufb" and hasattr(values.array, "__arrow_array__"):
        return _with(listed, arrow_column(arrow.array(values, from_pandas=True)))
    return Column(listed)


def arrow_column(values: Any) -> Column:
    """An array of pyarrow, in chunks or not."""
    import pyarrow as pa
    from pyarrow import types

    def array(column: Any) -> NDArray[Any]:
        return column.to_numpy(zero_copy_only=False)

    kind, listed = values.type, values.to_pylist
    if types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind):
        return Column(listed, "number", array(values))
    if types.is_boolean(kind):
        return Column(listed, "flag", array(values.cast(pa.int8())))
    if types.is_dictionary(kind) and _is_text(kind.value_type):
        return Column(listed, "text", array(values.cast(kind.value_type).fill_null("")))
    if _is_text(kind):
        return Column(listed, "text", array(values.fill_null("")))
    if types.is_timestamp(kind):
        return Column(listed, "moment", array(values))
    if types.is_date(kind):
        return Column(listed, "moment", array(values).astype("M8[D]"))
    return Column(listed)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind)


def _with(listed: Callable[[], list[Any]], column: Column) -> Column:
    """The same column, but its values are listed in another way."""
    return Column(listed, column.kind, column.values)


def _is(what: Any, module: str, *kinds: str) -> bool:
    """Whether it is of a kind of a library; one that nobody has imported has made nothing."""
    found = sys.modules.get(module)
    return found is not None and isinstance(what, tuple(getattr(found, each, ()) for each in kinds))
