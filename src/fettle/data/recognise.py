"""Recognise columns of texts: which are numbers, booleans, dates, and which are nearly so, which is a mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import polars as pl

from fettle.core.errors import Invalid
from fettle.data import numerals
from fettle.data.types import UTC

OnMixed = Literal["error", "text", "missing"]
"""What to do with a few texts in a column of numbers or dates: refuse, keep all as texts, or take them as missing."""

MISSING = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "none", "#N/A", "-", "?")
"""Texts that stand for a missing value in a column whose other values are numbers, booleans or dates."""

MIXED_FROM_ROWS = 20
MIXED_SHARE = 0.9
"""From this share of numbers (or dates) on, the few other texts are a mistake and not a column of texts."""

_DATES = (
    (r"^\d{4}-\d{1,2}-\d{1,2}$", "%Y-%m-%d"),
    (r"^\d{4}/\d{1,2}/\d{1,2}$", "%Y/%m/%d"),
    (r"^\d{1,2}\.\d{1,2}\.\d{4}$", "%d.%m.%Y"),
)
_SLASHED = r"^\d{1,2}/\d{1,2}/\d{4}$"
_TIMES = (
    (r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$", "%Y-%m-%dT%H:%M:%S%.f%z"),
    (r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?$", "%Y-%m-%dT%H:%M:%S%.f"),
    (r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}$", "%Y-%m-%dT%H:%M"),
    (r"^\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}:\d{2}$", "%Y/%m/%d %H:%M:%S"),
    (r"^\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}$", "%Y/%m/%d %H:%M"),
    (r"^\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}:\d{2}$", "%d.%m.%Y %H:%M:%S"),
    (r"^\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}$", "%d.%m.%Y %H:%M"),
)
_SLASHED_TIMES = (
    (r"^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}$", " %H:%M:%S"),
    (r"^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}$", " %H:%M"),
)


class Mixed(NamedTuple):
    """A column that is nearly all numbers or dates: its texts made missing, and where these were."""

    kind: str
    values: pl.Series
    good: int
    bad_rows: list[int]
    bad_values: list[str]


def recognise(texts: pl.Series, *, decimal_comma: bool | None = False) -> pl.Series | Mixed:
    """Turn a column of texts into the type that all its values have.

    Whole numbers with a leading zero (`007`) or beyond 64 bits are codes and stay texts; so do dates such as
    `03/04/2024`, when no value of the column tells the day from the month.

    Args:
        texts: Strings, null where missing.
        decimal_comma: Whether `3,14` is a number: True or False; None: yes, but a lone `1,234` is 1234.

    Returns:
        The column, typed; or `Mixed` when at least `MIXED_SHARE` of the values (and `MIXED_FROM_ROWS`) are numbers
        or dates and some are not.
    """
    stripped = texts.str.strip_chars()
    known = stripped.set(stripped.is_in(MISSING), None)
    present = len(known) - known.null_count()
    if present == 0:
        return known
    attempts = (_numbers(known, decimal_comma), _booleans(known), _dates(known), _times(known))
    for values in attempts:
        if values is not None and len(values) - values.null_count() == present:
            return values
    if _codes(known):
        return stripped.set(stripped == "", None)
    for kind, values in (("numbers", attempts[0]), ("dates", attempts[2]), ("times", attempts[3])):
        good = 0 if values is None else len(values) - values.null_count()
        if values is not None and present >= MIXED_FROM_ROWS and good >= MIXED_SHARE * present:
            bad = (known.is_not_null() & values.is_null()).arg_true()
            return Mixed(kind, values, good, bad.to_list(), known.gather(bad.head(5)).to_list())
    return stripped.set(stripped == "", None)


def recognise_table(
    texts: pl.DataFrame,
    name: str,
    place: Callable[[int], str],
    *,
    mixed: OnMixed = "error",
    decimal_comma: bool | None = False,
    file: str = "",
) -> tuple[pl.DataFrame, list[str]]:
    """Give every column of a table of texts its type.

    Args:
        texts: Strings only.
        name: What the table is called in errors.
        place: From a row's index to where it stands in the source, such as `line 17`.
        mixed: What to do with mixed columns.
        decimal_comma: As for `recognise`.
        file: Path of a CSV file that a query could read instead.

    Returns:
        The typed table, and a note for each mixed column that was let through.

    Raises:
        Invalid: A column is mixed, and `mixed` is `error`.
    """
    columns: list[pl.Series] = []
    notes: list[str] = []
    marked: list[str] = []
    for column in texts.iter_columns():
        found = recognise(column, decimal_comma=decimal_comma)
        if not isinstance(found, Mixed):
            columns.append(found)
            marked += _marked(column, found)
            continue
        bad = len(found.bad_rows)
        if mixed == "error":
            raise _mixed_error(name, column.name, found, place(found.bad_rows[0]), file)
        columns.append(found.values if mixed == "missing" else column.str.strip_chars())
        what = "taken as missing" if mixed == "missing" else f"so all {found.good + bad:,} are kept as texts"
        notes.append(f"{column.name!r}: {bad:,} of {found.good + bad:,} values are no {found.kind}, {what}")
    if marked:
        more = f" and {len(marked) - 5} more column(s)" if len(marked) > 5 else ""
        notes.append(f"numbers with marks: {'; '.join(marked[:5])}{more}")
    return pl.DataFrame(columns), notes


def _marked(texts: pl.Series, values: pl.Series) -> list[str]:
    """How the first number with marks in it was read."""
    if not values.dtype.is_numeric():
        return []
    found = texts.str.strip_chars().str.contains(numerals.MARKS).arg_true().head(1)
    return [f"{texts[row].strip()} in {texts.name!r} is {values[row]}" for row in found]


def dated(texts: pl.Series) -> pl.Series:
    """Turn texts into dates or times if all are; other texts stay, numbers in quotes too."""
    present = len(texts) - texts.null_count()
    for values in (_dates(texts), _times(texts)) if present else ():
        if values is not None and len(values) - values.null_count() == present:
            return values
    return texts


def _mixed_error(name: str, column: str, found: Mixed, where: str, file: str) -> Invalid:
    values = ", ".join(repr(each) for each in dict.fromkeys(found.bad_values))
    hint = "Correct them, or empty them where there is no value."
    if file:
        cast = {"numbers": "DOUBLE", "dates": "DATE", "times": "TIMESTAMP"}[found.kind]
        named = '"' + column.replace('"', '""') + '"'
        path, key = file.replace("'", "''"), column.replace("'", "''")
        hint += (
            f" Or have them taken as missing, with a query: SELECT * REPLACE (try(cast({named} AS {cast})) AS {named})"
            f" FROM read_csv('{path}', types={{'{key}': 'VARCHAR'}})"
        )
    return Invalid(
        f"The column {column!r} of {name} is mixed: {found.kind} and texts.",
        found=f"{found.good:,} {found.kind} and {len(found.bad_rows):,} other value(s): {values}; the first in {where}",
        hint=hint,
        subject=f"column:{column}",
    )


def _numbers(known: pl.Series, decimal_comma: bool | None) -> pl.Series | None:
    known = numerals.plain(known, decimal_comma)
    floats = known.cast(pl.Float64, strict=False)
    if floats.null_count() == len(floats):
        return None
    if _codes(known):
        return None
    whole = known.str.contains(r"^[+-]?\d+$")
    if not whole.all(ignore_nulls=True):
        return floats.fill_nan(None)
    integers = known.cast(pl.Int64, strict=False)
    return integers if integers.null_count() == known.null_count() else None


def _codes(known: pl.Series) -> bool:
    return bool(known.str.contains(r"^[+-]?0\d+$").any())


def _booleans(known: pl.Series) -> pl.Series | None:
    lower = known.str.to_lowercase()
    if not lower.is_in(["true", "false"]).all(ignore_nulls=True):
        return None
    return lower == "true"


def _dates(known: pl.Series) -> pl.Series | None:
    first = known.drop_nulls().head(1)
    for pattern, form in _DATES:
        if first.str.contains(pattern).all():
            return known.str.to_date(form, strict=False)
    if first.str.contains(_SLASHED).all():
        return _told_apart(*(known.str.to_date(form, strict=False) for form in ("%d/%m/%Y", "%m/%d/%Y")))
    return None


def _told_apart(by_day: pl.Series, by_month: pl.Series) -> pl.Series | None:
    """The reading that more values allow; None if nothing tells the day from the month."""
    if by_day.null_count() == by_month.null_count():
        return None
    return by_day if by_day.null_count() < by_month.null_count() else by_month


def _times(known: pl.Series) -> pl.Series | None:
    first = known.drop_nulls().head(1)
    for pattern, form in _TIMES:
        if first.str.contains(pattern).all():
            joined = known.str.replace(r"^(\d{4}-\d{2}-\d{2}) ", "${1}T").str.replace("Z$", "+00:00")
            zoned = "%z" in form
            kind = UTC if zoned else pl.Datetime("us")
            values = joined.str.to_datetime(
                form, time_unit="us", strict=False, time_zone="UTC" if zoned else None
            )
            return values.cast(kind) if zoned else values.dt.replace_time_zone("UTC")
    for pattern, clock in _SLASHED_TIMES:
        if first.str.contains(pattern).all():
            forms = (f"%d/%m/%Y{clock}", f"%m/%d/%Y{clock}")
            values = _told_apart(
                *(known.str.to_datetime(form, time_unit="us", strict=False) for form in forms)
            )
            return None if values is None else values.dt.replace_time_zone("UTC")
    return None
