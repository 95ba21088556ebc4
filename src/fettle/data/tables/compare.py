"""Whether two columns hold the same values, also where they are of different types."""

from __future__ import annotations

import polars as pl

EXACT = 1 << 53
"""Beyond it, not every integer is a 64-bit float."""


def differs(old: pl.Series, new: pl.Series) -> pl.Series:
    """For each row, whether the two values differ; missing equals missing, NaN equals NaN, 0.0 equals -0.0.

    Where the types differ, values are the same if they mean the same: 1 and 1.0, the text `2024-05-01` and that date, a
    date and the midnight that begins it. A text that cannot be read as the other type differs from every value.
    """
    if old.dtype == new.dtype:
        return old.ne_missing(new)
    a, b = common_form(old, new)
    return a.ne_missing(b)


def common_form(old: pl.Series, new: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Both columns in one type, without making values equal that differ."""
    if old.dtype == new.dtype:
        return old, new
    if old.dtype == pl.Null or new.dtype == pl.Null:
        return old.cast(new.dtype if old.dtype == pl.Null else old.dtype), new.cast(
            old.dtype if new.dtype == pl.Null else new.dtype
        )
    if old.dtype.is_numeric() and new.dtype.is_numeric():
        return _numbers(old, new)
    if old.dtype.is_temporal() and new.dtype.is_temporal() and pl.Time not in (old.dtype, new.dtype):
        return _moment(old), _moment(new)
    return (
        _read_as(old, new.dtype) if old.dtype == pl.String else spelt(old),
        _read_as(new, old.dtype) if new.dtype == pl.String else spelt(new),
    )


def bucket_form(column: pl.Series, other: pl.DataType) -> pl.Series:
    """A column in a form in which values that are the same, also in a column of the other type, have the same hash.

    Unlike `common_form` it depends on nothing but the types, so that it can be had a batch at a time.
    """
    dtype = column.dtype
    if dtype == pl.Null or other == pl.Null:
        kind = other if dtype == pl.Null else dtype
        return _one_zero(column.cast(kind))
    if dtype == other:
        return _one_zero(column)
    if dtype.is_numeric() and other.is_numeric():
        return _one_zero(column.cast(pl.Float64))
    if dtype.is_temporal() and other.is_temporal() and pl.Time not in (dtype, other):
        return _moment(column)
    return _read_as(column, other) if dtype == pl.String else spelt(column)


def _one_zero(column: pl.Series) -> pl.Series:
    """Floats with one zero and one NaN, as they are compared."""
    return (column + 0.0).fill_nan(float("nan")) if column.dtype.is_float() else column


def spelt(column: pl.Series) -> pl.Series:
    """Values as text in the way in which fettle writes them: whole numbers without a point, midnight as a date."""
    dtype = column.dtype
    if dtype == pl.String:
        return column
    if dtype.is_float():
        return _exact(column)
    if isinstance(dtype, pl.Datetime):
        moment = column.dt.to_string("iso:strict")
        return _chosen(
            (column.dt.truncate("1d") == column).fill_null(False), column.dt.date().cast(pl.String), moment
        )
    if isinstance(dtype, pl.List | pl.Array | pl.Struct | pl.Object):
        return pl.Series(column.name, [None if each is None else repr(each) for each in column], pl.String)
    if dtype == pl.Binary:
        return column.bin.encode("hex")
    return column.cast(pl.String)


def _read_as(texts: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Texts that are numbers, spelt as numbers are where the other side has some; other texts as they are."""
    if not dtype.is_numeric():
        return texts
    whole, number = texts.cast(pl.Int64, strict=False), texts.cast(pl.Float64, strict=False)
    return _chosen(whole.is_not_null(), spelt(whole), _chosen(number.is_not_null(), spelt(number), texts))


def _numbers(old: pl.Series, new: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Integers and floats as integers where the floats are whole, else as floats; beyond 2^53 as text."""
    if old.dtype.is_float() == new.dtype.is_float():
        wide = pl.Float64 if old.dtype.is_float() else pl.Int128
        return old.cast(wide), new.cast(wide)
    whole = old if new.dtype.is_float() else new
    if (whole.cast(pl.Int128).abs() <= EXACT).all():
        return old.cast(pl.Float64), new.cast(pl.Float64)
    return tuple(_exact(each) for each in (old, new))  # type: ignore[return-value]  # a pair in, a pair out


def _exact(column: pl.Series) -> pl.Series:
    """Numbers as texts that are equal only if the numbers are."""
    if column.dtype.is_integer():
        return column.cast(pl.String)
    whole = (column == column.round(0)) & (column.abs() < 2.0**63)
    return _chosen(
        whole.fill_null(False), column.cast(pl.Int64, strict=False).cast(pl.String), column.cast(pl.String)
    )


def _moment(column: pl.Series) -> pl.Series:
    zone = getattr(column.dtype, "time_zone", None)
    plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else column
    return plain.cast(pl.Datetime("us"))


def _chosen(mask: pl.Series, yes: pl.Series, no: pl.Series) -> pl.Series:
    return yes.zip_with(mask, no).alias(no.name)
