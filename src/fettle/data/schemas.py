"""Infer what is to be expected of a table from one that is good, and keep it as TOML that people edit."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.profiles import LONGEST_VALUE, profile
from fettle.data.records import ColumnProfile, NumberSummary, Profile, Rule, Schema

RANGE_MARGIN = 0.25
"""A range is widened by this share of its width on both sides, but not across zero."""
ORDERED_DISTINCT = 20
"""A time column of fewer different values may be in order by chance."""


def infer(
    table: pl.DataFrame | pl.LazyFrame | Profile, target: str | None = None, *, time: str | None = None
) -> Schema:
    """Infer the schema that rows like these satisfy.

    A range reaches a quarter of its width beyond what was seen, on the same side of zero; a category may take the
    values that were seen; a column without missing values may have none, and another half as many again.

    Args:
        table: Good rows, or their profile.
        target: The column that a model is to predict; more missing values than now are an error, not a warning.
        time: The column that says when a row happened; if its rows are in order, they are to be so again.

    Raises:
        NotFound: The target or the time is not a column; the nearest names are offered.
    """
    known = table if isinstance(table, Profile) else profile(table)
    names = [column.name for column in known.columns]
    for name in (target, time):
        if name is not None and name not in names:
            raise NotFound.among("column", name, names)
    return Schema(
        columns=[_rule(column, is_time=column.name == time) for column in known.columns],
        target=target,
        time=time,
    )


def to_toml(schema: Schema) -> str:
    """Write a schema as TOML, a `[[column]]` table for each rule; `from_toml` reads it back to the same schema."""
    lines = ["# What is expected of each column; see docs/reference/data.md."]
    for key in ("target", "time", "rows_min"):
        if (value := getattr(schema, key)) is not None:
            lines.append(f"{key} = {toml_value(value)}")
    for rule in schema.columns:
        lines += ["", *rule_lines(rule)]
    return "\n".join(lines) + "\n"


def rule_lines(rule: Rule) -> list[str]:
    """One rule as the lines of its `[[column]]` table, keys in the order of `Rule`."""
    return ["[[column]]", *(f"{key} = {toml_value(value)}" for key, value in fields_of(rule))]


def from_toml(text: str) -> Schema:
    """Read a schema from TOML.

    Raises:
        Invalid: The text is no TOML, or has an unknown key or a value of the wrong type; the message says where.
    """
    try:
        fields = tomllib.loads(text)
        columns = fields.pop("column", [])
        return msgspec.convert(
            fields | {"columns": [_checked(each) for each in columns]}, Schema, strict=True
        )
    except tomllib.TOMLDecodeError as error:
        raise Invalid(
            "The schema is not TOML.", found=str(error), hint="See docs/reference/data.md."
        ) from error
    except msgspec.ValidationError as error:
        raise Invalid(
            "The schema has a mistake.", found=str(error), hint="See docs/reference/data.md."
        ) from error


def _checked(column: Any) -> Any:
    """Refuse a misspelt key, which would otherwise ask nothing without a word."""
    known = Rule.__struct_fields__
    unknown = [key for key in column if key not in known] if isinstance(column, dict) else []
    if unknown:
        raise NotFound.among(f"rule in column {column.get('name', '?')!r}", unknown[0], known)
    if not isinstance(column, dict):
        return column
    checked = {key: _zoned(value) for key, value in column.items()}
    if isinstance(pattern := checked.get("regex"), str):
        check_pattern(pattern)
    return checked


def _zoned(value: Any) -> Any:
    """Dates and times without a zone are taken as UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else value


def check_pattern(pattern: str) -> str:
    """The pattern itself, if it is one that can be searched for.

    Raises:
        Invalid: It is none; the message shows where.
    """
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as error:
        found = " ".join(str(error).split())
        raise Invalid(
            f"The pattern {pattern!r} cannot be used.",
            found=found[:300],
            hint="It is a regular expression in Rust's syntax: no look-around and no back references.",
        ) from error
    return pattern


def _rule(column: ColumnProfile, *, is_time: bool) -> Rule:
    low, high = _range(column) if column.number is not None else (None, None)
    domain = (
        column.role in ("category", "constant")
        and column.type == "string"
        and len(column.top) == column.distinct
        and all(len(each.value) < LONGEST_VALUE for each in column.top)  # a longer one is kept cut short
    )
    ordered = (
        is_time and column.time is not None and column.time.ordered and column.distinct >= ORDERED_DISTINCT
    )
    return Rule(
        name=column.name,
        type=column.type,
        role=column.role,
        min=low,
        max=high,
        values=sorted(each.value for each in column.top) if domain and column.distinct else None,
        missing_max=0.0 if column.missing == 0 else _rounded(min(1.0, 1.5 * column.missing_rate + 0.01)),
        unique=column.role == "identifier" and column.unique,
        monotone="increasing" if ordered else None,
    )


def _range(column: ColumnProfile) -> tuple[float | None, float | None]:
    if column.role == "identifier" or column.number is None:
        return None, None
    number: NumberSummary = column.number
    margin = RANGE_MARGIN * (number.max - number.min) or abs(number.max) * RANGE_MARGIN or 1.0
    low = number.min - margin if number.min < 0 else max(0.0, number.min - margin)
    high = number.max + margin if number.max > 0 else min(0.0, number.max + margin)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None, None
    if column.type == "integer":
        return float(math.floor(low)), float(math.ceil(high))
    return _rounded(low, math.floor), _rounded(high, math.ceil)


def _rounded(value: float, outward: Any = round) -> float:
    """Three significant digits, so that people can read them."""
    if value == 0 or not math.isfinite(value):
        return value
    place = 2 - math.floor(math.log10(abs(value)))
    scaled = outward(value * 10.0**place)
    return float(f"{scaled}e{-place}")


def fields_of(rule: Rule) -> Iterator[tuple[str, Any]]:
    """The fields of a rule that ask something, in order."""
    for key in rule.__struct_fields__:
        value = getattr(rule, key)
        if (
            value is not None
            and (value is not False or key == "required")
            and (key, value) != ("required", True)
        ):
            yield key, value


_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(each) for each in value) + "]"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    escaped = "".join(_ESCAPED.get(each, each) for each in str(value))
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'
