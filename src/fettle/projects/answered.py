"""Turn what clients sent, and the labels that came for it, back into rows of a dataset.

A request is JSON: dates are text, a whole number may stand for a fraction, a column may be left out. A dataset has six
types. What cannot be read as its column's type is missing, never a reason to lose the row.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from fettle.data.records import Commit, Type
from fettle.data.types import STORED


def as_rows(frame: pl.DataFrame, head: Commit, time: str, asked_at: str) -> pl.DataFrame:
    """Bring labelled requests to the columns and types of a commit.

    Args:
        frame: The requests with their labels, as monitoring kept them.
        head: The commit they are to be appended to.
        time: Its time column, or empty: filled with the request's time where the request did not carry it.
        asked_at: The column of `frame` that holds the request's time.
    """
    made = []
    for column in head.columns:
        if column.name in frame.columns:
            made.append(as_type(frame[column.name], column.type))
        elif column.name == time:
            made.append(as_type(frame[asked_at], column.type).alias(time))
        else:
            made.append(pl.Series(column.name, [None] * frame.height, dtype=STORED[column.type]))
    return pl.DataFrame(made)


def as_type(values: pl.Series, kind: Type) -> pl.Series:
    """Read JSON values as one of a dataset's types; what cannot be read becomes null.

    Whole numbers stay whole only if all of a column are: a fraction among them makes it a column of numbers, which
    the dataset then becomes too.
    """
    if kind == "integer":
        numbers = as_type(values, "number")
        whole = (numbers.drop_nulls() == numbers.drop_nulls().round(0)).all()
        return numbers.cast(pl.Int64, strict=False) if whole else numbers
    if values.dtype == STORED[kind]:
        return values
    if kind == "number":
        return values.cast(pl.Float64, strict=False)
    read = _READ[kind]
    return pl.Series(
        values.name, [None if each is None else read(each) for each in values.to_list()], dtype=STORED[kind]
    )


def _boolean(value: Any) -> bool | None:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return words.get(str(value).strip().lower())


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _day(value: Any) -> date | None:
    found = _moment(value)
    return None if found is None else found.date()


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_READ: dict[str, Callable[[Any], Any]] = {
    "boolean": _boolean,
    "datetime": _moment,
    "date": _day,
    "string": _text,
}
