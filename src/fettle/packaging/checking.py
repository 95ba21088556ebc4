"""One value against one column of the schema: taken as what the model needs, or refused by row, column and value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from fettle.core.errors import nearest
from fettle.packaging.records import RowInvalid, Schema
from fettle.training.records import Feature

NUMBERS = frozenset({float, int, type(None)})
"""The types of values that count as numbers without a look at each; None is missing."""
FLAGS = frozenset({bool, type(None)})
TEXTS = frozenset({str})
_COUNTS = frozenset({float, int})
_NAN = float("nan")


def value_of(row: Mapping[str, Any], feature: Feature, at: int, schema: Schema) -> Any:
    """A row's value in a column; None where the column may be left out and is.

    Args:
        row: What should be a mapping.
        feature: The column.
        at: The row's place, for the message.
        schema: What rows look like, for advice.

    Raises:
        RowInvalid: The row has no such column, or one with nearly its name, or is no mapping.
    """
    try:
        return row[feature.name]
    except KeyError:
        pass
    except (TypeError, IndexError):
        raise RowInvalid(
            f"Row {at} is no mapping of column to value.",
            found=f"{row!r:.60} ({_JSON_TYPES.get(type(row), type(row).__name__)})",
            hint=f"Give each row as {{column: value}}, with {', '.join(map(repr, schema.names[:6]))}.",
        ) from None
    known = set(schema.names) | set(schema.ignored) | {schema.target}
    close = nearest(feature.name, [each for each in row if isinstance(each, str) and each not in known])
    if feature.nullable and not close:
        return None
    raise RowInvalid(
        f"Row {at} has no column {feature.name!r}.",
        found=f"{close[0]!r} instead"
        if close
        else f"the columns {', '.join(map(repr, list(row)[:8])) or 'of an empty row'}",
        hint=f"Rename {close[0]!r} to {feature.name!r}." if close else _expected(feature),
        subject=f"column:{feature.name}",
    )


def number(feature: Feature, value: Any, at: int) -> float:
    """A number, or a boolean as one; RowInvalid if it is none."""
    if value is None:
        return _NAN
    kind = type(value)
    if feature.role == "boolean":
        if kind is bool or kind is np.bool_ or (kind in _COUNTS and value in (0, 1)):
            return float(value)
    elif kind in _COUNTS or isinstance(value, np.floating | np.integer):
        return float(value) if isinstance(value, np.generic) else value
    raise wrong(feature, value, at)


def text(feature: Feature, value: Any, at: int) -> str:
    """A text, empty where it is missing; RowInvalid if it is none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise wrong(feature, value, at)


def moment(feature: Feature, value: Any, at: int) -> datetime | None:
    """A time in UTC without a zone, from ISO 8601 text, a date or a time; RowInvalid if it is none."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif type(value) is date:
            value = datetime(value.year, value.month, value.day)
        if isinstance(value, datetime):
            if value != value:
                return None
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except (ValueError, OverflowError):
        pass
    raise wrong(feature, value, at)


def wrong(feature: Feature, value: Any, at: int) -> RowInvalid:
    """The refusal of a value."""
    return RowInvalid(
        f"Row {at} has a value of the wrong type in column {feature.name!r}.",
        found=f"{value!r:.60} ({_JSON_TYPES.get(type(value), type(value).__name__)})",
        hint=_expected(feature),
        subject=f"column:{feature.name}",
    )


def _expected(feature: Feature) -> str:
    form = {
        "number": "a number, such as 1.5",
        "boolean": "true or false",
        "category": "a text"
        + (f", such as {feature.levels[0]!r}" if feature.levels and feature.levels[0] else ""),
        "moment": "a date or time as text, such as '2024-05-31T12:00:00Z'",
    }[feature.role]
    return f"{feature.name!r} takes {form}, or null where it is missing."


_JSON_TYPES = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}
