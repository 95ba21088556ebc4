"""Columns of Python values, as databases and programs hand them out, become columns of the six types.

Rows come in batches, so that a table of any length is held once, packed, and not as Python objects.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

import msgspec
import polars as pl

from fettle.core.errors import Invalid
from fettle.data.recognise import MIXED_FROM_ROWS, MIXED_SHARE, OnMixed
from fettle.data.types import UTC as UTC_TYPE

Simple = bool | int | float | str | datetime | date | None

_NUMBERS = frozenset({int, float})
_KINDS: dict[frozenset[type], pl.DataType] = {
    frozenset(): pl.String(),
    frozenset({bool}): pl.Boolean(),
    frozenset({int}): pl.Int64(),
    frozenset({float}): pl.Float64(),
    _NUMBERS: pl.Float64(),
    frozenset({str}): pl.String(),
    frozenset({date}): pl.Date(),
    frozenset({datetime}): UTC_TYPE,
    frozenset({date, datetime}): UTC_TYPE,
}
_AS_THEY_ARE = frozenset({type(None), bool, int, str, date})
_FLOATS = frozenset({type(None), int, float})
_BYTES = frozenset({bytes, bytearray, memoryview})
_LEAST, _MOST = -(2**63), 2**63 - 1


def simple(value: Any) -> Simple:
    """One value as a number, text, truth value, date or time.

    A `Decimal` without decimals becomes an integer, bytes their hexadecimal digits, a duration seconds, a time of day,
    UUID, list or dict a text (the last two JSON); NaN is missing.

    Raises:
        TypeError: It is nothing that a table can hold.
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return None if math.isnan(value) else value
    if kind is datetime:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if kind is date:
        return value
    return _converted(value)


def _converted(value: Any) -> Simple:
    match value:
        case Decimal():
            if not value.is_finite():
                return None if value.is_nan() else float(value)
            return int(value) if int(value.as_tuple().exponent) >= 0 else float(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case enum.Enum():
            return simple(value.value)
        case timedelta():
            return value.total_seconds()
        case time():
            return value.isoformat()
        case UUID() | PurePath():
            return str(value)
        case bool() | int() | float() | str():  # subclasses of these
            return simple(next(kind for kind in (bool, int, float, str) if isinstance(value, kind))(value))
        case datetime():
            return simple(datetime.fromtimestamp(value.timestamp(), UTC))
        case list() | tuple() | set() | frozenset() | dict():
            return msgspec.json.encode(_plain(value)).decode()
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a scalar of NumPy
        return simple(value.item())
    raise TypeError(f"a value of type {type(value).__name__}")


def _plain(value: Any) -> Any:
    """A value inside a list or dict as JSON shall hold it."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return simple(value)


class Gathered:
    """One column that grows batch by batch.

    Args:
        name: The column.
        rows: How many rows came before its first value; they are missing.
    """

    def __init__(self, name: str, rows: int = 0) -> None:
        self.name = name
        self.rows = rows
        self.kinds: frozenset[type] = frozenset()
        self.bytes_seen = False
        self._chunks: list[pl.Series | list[Simple]] = []
        if rows:
            self._chunks.append(pl.Series(name, [None] * rows, dtype=pl.Null))

    def add(self, values: list[Any], place: Callable[[int], str]) -> None:
        """Take the next values; `place` tells where a row stands, counted from 0.

        Raises:
            Invalid: A value is of a kind that no table can hold.
        """
        types = set(map(type, values))
        if types <= _AS_THEY_ARE:
            made: list[Simple] = values
        elif types <= _FLOATS:
            made = [None if value != value else value for value in values]  # NaN is not equal to itself
        else:
            made = self._simplified(values, place)
        self.bytes_seen = self.bytes_seen or not types.isdisjoint(_BYTES)
        kinds = frozenset(map(type, made)) - {type(None)}
        self._chunks.append(_packed(self.name, made, kinds))
        self.kinds |= kinds
        self.rows += len(values)

    def _simplified(self, values: list[Any], place: Callable[[int], str]) -> list[Simple]:
        made: list[Simple] = []
        for index, value in enumerate(values):
            try:
                made.append(simple(value))
            except (TypeError, ValueError, OverflowError, OSError) as error:
                raise Invalid(
                    f"The column {self.name!r} cannot be used.",
                    found=f"{error}, in {place(self.rows + index)}",
                    hint="Leave it out, or turn it into text or numbers first.",
                    subject=f"column:{self.name}",
                ) from error
        return made

    def finish(
        self, where: str, place: Callable[[int], str], *, mixed: OnMixed, notes: list[str]
    ) -> pl.Series:
        """The whole column, typed; notes are added where something had to be changed.

        Raises:
            Invalid: It is mixed, and `mixed` is `error`.
        """
        if self.bytes_seen:
            notes.append(f"{self.name!r}: bytes are kept as their hexadecimal digits")
        dtype = _KINDS.get(self.kinds)
        if dtype is None:
            return self._mixed(where, place, mixed, notes)
        chunks = [_series(self.name, each, dtype) for each in self._chunks]
        if dtype == pl.Int64 and any(each.dtype == pl.Float64 for each in chunks):
            notes.append(f"{self.name!r}: some integers are beyond 64 bits; 15 digits of each are kept")
            dtype = pl.Float64()
        whole = [each.cast(dtype) for each in chunks]
        return pl.concat(whole) if whole else pl.Series(self.name, [], dtype=dtype)

    def _mixed(self, where: str, place: Callable[[int], str], mixed: OnMixed, notes: list[str]) -> pl.Series:
        values = [value for each in self._chunks for value in each]
        present = sum(value is not None for value in values)
        bad = [row for row, value in enumerate(values) if value is not None and type(value) not in _NUMBERS]
        good = present - len(bad)
        if mixed == "text" or present < MIXED_FROM_ROWS or good < MIXED_SHARE * present:
            return pl.Series(self.name, [as_text(value) for value in values], dtype=pl.String)
        found = f"{good:,} numbers and {len(bad):,} other value(s)"
        if mixed == "missing":
            notes.append(f"{self.name!r}: {found}; these are taken as missing")
            kept = [float(value) if type(value) in _NUMBERS else None for value in values]  # type: ignore[arg-type]  # numbers only
            return pl.Series(self.name, kept, dtype=pl.Float64)
        raise Invalid(
            f"The column {self.name!r} of {where} is mixed: numbers and other values.",
            found=f"{found}: {values[bad[0]]!r}; the first in {place(bad[0])}",
            hint="Correct them in the source, or leave them out; mixed='missing' takes them as missing.",
            subject=f"column:{self.name}",
        )


def as_text(value: Simple) -> str | None:
    """A value as a text that stands for it in a column of texts."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return msgspec.json.encode(value).decode()


def _packed(name: str, values: list[Simple], kinds: frozenset[type]) -> pl.Series | list[Simple]:
    """A batch as a series if that keeps every value, else as it is."""
    dtype = _KINDS.get(kinds)
    if dtype is None or kinds == _NUMBERS or (dtype == pl.Int64 and not _all_fit(values)):
        return values
    return _series(name, values, dtype if kinds else pl.Null())


def _all_fit(values: list[Simple]) -> bool:
    """Whether all integers have at most 64 bits."""
    return all(value is None or _LEAST <= value <= _MOST for value in values)  # type: ignore[operator]  # integers only


def _series(name: str, values: pl.Series | list[Simple], dtype: pl.DataType) -> pl.Series:
    if isinstance(values, pl.Series):
        return values
    if dtype == pl.Int64 and not _all_fit(values):
        dtype = pl.Float64()
    if dtype == pl.Float64:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=dtype)  # type: ignore[arg-type]  # numbers only
    if dtype == UTC_TYPE:
        values = [_instant(value) for value in values]  # type: ignore[arg-type]  # dates and times only
    return pl.Series(name, values, dtype=dtype)


def _instant(value: date | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day, tzinfo=UTC)
