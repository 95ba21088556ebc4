"""Read JSON: lines of objects, an array of objects, or an object of columns.

Lines are read by polars as a whole wherever that cannot change a value; else object by object, which is slower and
knows the line of whatever is wrong.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from fettle.core.errors import Invalid
from fettle.data.headers import column_names
from fettle.data.recognise import MIXED_FROM_ROWS, MIXED_SHARE, OnMixed, dated
from fettle.data.types import normalise

Row = dict[str, Any]
EXAMPLE = 'One object a line: {"age": 41, "churned": true}'
_NO_STRING = r"^(-?\d+(\.\d+)?([eE][+-]?\d+)?$|[\[{]|true$|false$)"
"""How the text of a value begins that may have been no text in the document."""


def read(data: Path | bytes, name: str, *, mixed: OnMixed = "error") -> tuple[pl.DataFrame, list[str]]:
    """Read JSON or JSON-lines; objects inside objects become columns named `outer.inner`.

    Args:
        data: The document or its file, in UTF-8.
        name: What to call it in errors.
        mixed: What to do with a few texts in a column of numbers.

    Returns:
        The table, and notes on what had to be changed.

    Raises:
        Invalid: The text is no JSON, holds no rows, or a column is mixed.
    """
    if (fast := read_lines_at_once(data)) is not None:
        return fast
    raw = data if isinstance(data, bytes) else data.read_bytes()
    return read_rows(raw.removeprefix(b"\xef\xbb\xbf"), name, mixed=mixed)


def read_lines_at_once(data: Path | bytes) -> tuple[pl.DataFrame, list[str]] | None:
    """Read JSON-lines without making a Python object of any; None if a value could come out changed.

    polars makes texts of numbers where a column holds both, so a column in which a text looks like another value is
    left to `read_rows`, as is everything with an error in it.
    """
    if not _begins_as_lines(data):
        return None
    try:
        frame = pl.read_ndjson(data, infer_schema_length=None)
        if frame.height == 0 or frame.width == 0 or not all(map(_is_certain, frame.iter_columns())):
            return None
        names, notes = column_names(frame.columns)
        frame.columns = names
        flat = normalise(frame)
    except (pl.exceptions.PolarsError, Invalid):
        return None
    return flat.with_columns(dated(each) for each in flat.iter_columns() if each.dtype == pl.String), notes


def _begins_as_lines(data: Path | bytes) -> bool:
    if isinstance(data, bytes):
        head = data[: 1 << 16]
    else:
        with data.open("rb") as stream:
            head = stream.read(1 << 16)
    first, newline, _ = head.lstrip().partition(b"\n")
    return bool(newline) and first.startswith(b"{") and first.rstrip().endswith(b"}")


def _is_certain(column: pl.Series) -> bool:
    """Whether each value is surely what stood in the document."""
    if isinstance(column.dtype, pl.Struct):
        return bool(column.dtype.fields) and all(
            _is_certain(column.struct.field(each)) for each in column.struct.fields
        )
    if isinstance(column.dtype, pl.List):
        return column.dtype.inner != pl.Float64 and _is_certain(
            column.drop_nulls().explode(empty_as_null=False)
        )
    if column.dtype.is_integer() and column.dtype != pl.Int64:  # polars has wider ones than a version
        return False
    if column.dtype == pl.String:
        return not column.str.contains(_NO_STRING).any()
    return column.dtype != pl.Null or column.len() == 0


def read_rows(data: bytes, name: str, *, mixed: OnMixed = "error") -> tuple[pl.DataFrame, list[str]]:
    """Read JSON object by object; arguments and errors are those of `read`."""
    rows = list(_rows(data, name))
    if not rows:
        raise Invalid(f"{name} has no rows.", found="JSON without any object", hint=EXAMPLE)
    names = list(dict.fromkeys(key for _, row in rows for key in row))
    if not names:
        raise Invalid(f"{name} has no columns.", found=f"{len(rows)} empty object(s)", hint=EXAMPLE)
    final, notes = column_names(names)
    columns = []
    for key, column in zip(names, final, strict=True):
        values = [row.get(key) for _, row in rows]
        columns.append(_column(column, values, [place for place, _ in rows], name, mixed, notes))
    flat = normalise(pl.DataFrame(columns))
    opened = [each for each in flat.iter_columns() if each.name not in final and each.dtype == pl.String]
    return flat.with_columns(map(dated, opened)), notes


def _rows(data: bytes, name: str) -> Iterator[tuple[str, Row]]:
    """Each object with the place where it stands."""
    text = data.strip()
    whole, is_lines = None, False
    try:
        whole = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        first = text.split(b"\n", 1)[0].strip()
        is_lines = first.startswith(b"{") and first.endswith(b"}") and b"\n" in text
        if not is_lines:
            raise _no_json(name, str(error)) from error
    if is_lines:
        yield from _lines(data, name)
    else:
        yield from _document(whole, name)


def _lines(data: bytes, name: str) -> Iterator[tuple[str, Row]]:
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(io.BytesIO(data), start=1):
        if not line.strip():
            continue
        try:
            row = decode(line)
        except msgspec.DecodeError as error:
            shown = line.decode("utf-8", "replace").strip()[:80]
            raise _no_json(name, f"line {number}: {shown} ({error})") from error
        yield f"line {number}", _checked(row, f"line {number}", name)


def _document(whole: Any, name: str) -> Iterator[tuple[str, Row]]:
    if isinstance(whole, dict):
        lists = {key: value for key, value in whole.items() if isinstance(value, list)}
        lengths = {len(value) for value in lists.values()}
        if len(lists) == 1 and all(isinstance(each, dict) for each in next(iter(lists.values()))):
            whole = next(iter(lists.values()))
        elif lists and len(lists) == len(whole) and len(lengths) == 1:
            whole = [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
        else:
            whole = [whole]
    if not isinstance(whole, list):
        raise _no_json(name, f"a single {type(whole).__name__}, not objects")
    for index, row in enumerate(whole, start=1):
        yield f"item {index}", _checked(row, f"item {index}", name)


def _checked(row: Any, place: str, name: str) -> Row:
    if not isinstance(row, dict):
        raise _no_json(name, f"{place} is a {type(row).__name__}, not an object")
    return row


def _column(
    column: str, values: list[Any], places: list[str], name: str, mixed: OnMixed, notes: list[str]
) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or len(kinds) <= 1:
        return _series(column, values, kinds)
    numeric = [
        value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values
    ]
    present = sum(value is not None for value in values)
    bad = [index for index, good in enumerate(numeric) if not good]
    if present < MIXED_FROM_ROWS or present - len(bad) < MIXED_SHARE * present or mixed == "text":
        return pl.Series(column, [_text(value) for value in values], dtype=pl.String)
    found = f"{present - len(bad):,} numbers and {len(bad):,} other value(s)"
    if mixed == "missing":
        notes.append(f"{column!r}: {found}; these are taken as missing")
        kept = [value if good else None for value, good in zip(values, numeric, strict=True)]
        return _series(column, kept, {int, float})
    raise Invalid(
        f"The column {column!r} of {name} is mixed: numbers and other values.",
        found=f"{found}: {values[bad[0]]!r}; the first in {places[bad[0]]}",
        hint="Correct them in the file, or write null where there is no value.",
        subject=f"column:{column}",
    )


def _series(column: str, values: list[Any], kinds: set[type]) -> pl.Series:
    if float in kinds or (int in kinds and any(value and not -(2**63) <= value < 2**63 for value in values)):
        return pl.Series(
            column, [None if value is None else float(value) for value in values], dtype=pl.Float64
        )
    if kinds & {list, dict}:
        if kinds == {dict} and any(values):
            return pl.Series(column, values)
        return pl.Series(column, [_text(value) for value in values], dtype=pl.String)
    if kinds <= {str}:
        return dated(pl.Series(column, values, dtype=pl.String))
    return pl.Series(column, values)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _no_json(name: str, found: str) -> Invalid:
    return Invalid(f"{name} cannot be read as JSON rows.", found=found, hint=EXAMPLE)
