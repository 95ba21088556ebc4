"""Which type a column has: six types for everything.

Files disagree on types: a CSV has none, JSON has three, Parquet forty. A table inside fettle has these:

| type     | kept as             | comes from                                              |
|----------|---------------------|---------------------------------------------------------|
| integer  | Int64               | any integer that fits                                   |
| number   | Float64             | floats, decimals, whole numbers that fit 64 bits of float only, durations (s)|
| boolean  | Boolean             | booleans; texts that are all `true` or `false`          |
| string   | String              | texts, categories; lists and times of day as text       |
| date     | Date                | dates; texts that are all dates of one form             |
| datetime | Datetime, µs, UTC   | timestamps; without a zone they are taken as UTC        |

NaN is a missing value. Columns of structures become one column a field, named `outer.inner`.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fettle.core.errors import Invalid
from fettle.data.records import Column, Type

UTC = pl.Datetime("us", "UTC")
STORED: dict[Type, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "string": pl.String(),
    "date": pl.Date(),
    "datetime": UTC,
}


def type_of(dtype: pl.DataType) -> Type:
    """The type of a column of a normalised frame.

    Raises:
        Invalid: The frame was not normalised; `normalise` does that.
    """
    for name, stored in STORED.items():
        if dtype == stored:
            return name
    raise Invalid(
        f"A column of type {dtype} cannot be kept as it is.", hint="Pass the frame through `types.normalise`."
    )


def columns_of(frame: pl.DataFrame) -> list[Column]:
    """Names and types of a normalised frame."""
    return [Column(name, type_of(dtype)) for name, dtype in frame.schema.items()]


def normalise(frame: pl.DataFrame) -> pl.DataFrame:
    """Bring every column to one of the six types, losing no value but NaN, which becomes missing.

    Raises:
        Invalid: A column holds bytes or Python objects.
    """
    while structures := [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Struct)]:
        frame = _flatten(frame, structures)
    return frame.select(_stored(name, dtype, frame) for name, dtype in frame.schema.items())


def _flatten(frame: pl.DataFrame, structures: Sequence[str]) -> pl.DataFrame:
    taken = set(frame.columns)
    for name in structures:
        fields = [f"{name}.{inner}" for inner in frame[name].struct.fields]
        for field in fields:
            if field in taken:
                raise Invalid(
                    f"The field {field!r} cannot get a column of its own.",
                    found="another column of that name",
                    hint="Rename one of the two in the source.",
                )
        taken.update(fields)
        frame = frame.with_columns(pl.col(name).struct.rename_fields(fields)).unnest(name)
    return frame


def _stored(name: str, dtype: pl.DataType, frame: pl.DataFrame) -> pl.Expr:
    column = pl.col(name)
    if dtype in (pl.UInt64, pl.Int128, pl.UInt128):
        return column.cast(_kept(frame[name]))
    if dtype.is_integer():
        return column.cast(pl.Int64)
    if dtype.is_float():
        return column.cast(pl.Float64).fill_nan(None)
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Int64 if dtype.scale == 0 and _fits(frame[name]) else pl.Float64)
    if dtype in (pl.Boolean, pl.String, pl.Date):
        return column
    if isinstance(dtype, pl.Datetime):
        zoned = dtype.time_zone is not None
        moved = column.dt.convert_time_zone("UTC") if zoned else column.dt.replace_time_zone("UTC")
        return moved.dt.cast_time_unit("us")
    if isinstance(dtype, pl.Duration):
        return (column.dt.total_microseconds() / 1e6).alias(name)
    if isinstance(dtype, pl.Categorical | pl.Enum) or dtype in (pl.Null, pl.Time):
        return column.cast(pl.String)
    if isinstance(dtype, pl.List | pl.Array):
        return _as_json(column.cast(pl.List(dtype.inner)) if isinstance(dtype, pl.Array) else column, name)
    raise Invalid(
        f"The column {name!r} cannot be used.",
        found=f"values of type {dtype}",
        hint="Leave it out, or turn it into text or numbers first, for instance with a query: SELECT …",
    )


def _kept(column: pl.Series) -> pl.DataType:
    """Int64 where every value fits, Float64 where none loses a digit, else text: an identifier is never rounded."""
    if _fits(column):
        return pl.Int64()
    back = column.cast(pl.Float64).cast(column.dtype, strict=False)
    return pl.Float64() if back.equals(column) else pl.String()


def _fits(column: pl.Series) -> bool:
    """Whether every value is the same after a cast to 64 bits."""
    return column.cast(pl.Int64, strict=False).null_count() == column.null_count()


def _as_json(column: pl.Expr, name: str) -> pl.Expr:
    record = pl.struct(column.alias("v")).struct.json_encode()
    inner = record.str.slice(5, record.str.len_chars() - 6)
    return pl.when(column.is_null()).then(None).otherwise(inner).alias(name)
