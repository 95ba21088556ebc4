"""Infer what is to be expected of a table from one that is good, and keep it as TOML that people edit."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import msgspec
import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.profiles import LONGEST_VALUE, profile
from fettle.data.records import ColumnProfile, NumberSummary, Profile, Rule, Schema

RANGE_MARGIN = 0.25
"""A range is widened by this share of its width on both sides, but not across zero."""
DOMAIN_MOST = 100
"""Texts with more different values than this get no list of allowed ones."""


def infer(
    table: pl.DataFrame | pl.LazyFrame | Profile, target: str | None = None, *, time: str | None = None
) -> Schema:
    """Infer the schema that rows like these satisfy.

    A range reaches a quarter of its width beyond what was seen, on the same side of zero; a category may take the
    values that were seen; a column without missing values may have none, and another half as many again.

    Args:
        table: Good rows, or their profile.
        target: The column that a model is to predict; more missing values than now are an error, not a warning.
        time: The column that says when a row happened.

    Raises:
        NotFound: The target or the time is not a column; the nearest names are offered.
    """
    known = table if isinstance(table, Profile) else profile(table)
    names = [column.name for column in known.columns]
    for name in (target, time):
        if name is not None and name not in names:
            raise NotFound.among("column", name, names)
    return Schema(columns=[_rule(column) for column in known.columns], target=target, time=time)


def to_toml(schema: Schema) -> str:
    """Write a schema as TOML, a `[[column]]` table for each rule; `from_toml` reads it back to the same schema."""
    lines = ["# What is expected of each column; see docs/reference/data.md."]
    for key in ("target", "time"):
        if (value := getattr(schema, key)) is not None:
            lines.append(f"{key} = {_toml(value)}")
    for rule in schema.columns:
        lines += ["", "[[column]]"]
        lines += [f"{key} = {_toml(value)}" for key, value in _fields(rule)]
    return "\n".join(lines) + "\n"


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
    return column


def _rule(column: ColumnProfile) -> Rule:
    low, high = _range(column) if column.number is not None else (None, None)
    domain = (
        column.role in ("category", "constant")
        and column.type == "string"
        and len(column.top) == column.distinct
        and all(len(each.value) < LONGEST_VALUE for each in column.top)  # a longer one is kept cut short
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


def _fields(rule: Rule) -> Iterator[tuple[str, Any]]:
    for key in rule.__struct_fields__:
        value = getattr(rule, key)
        if (
            value is not None
            and (value is not False or key == "required")
            and (key, value) != ("required", True)
        ):
            yield key, value


_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    escaped = "".join(_ESCAPED.get(each, each) for each in str(value))
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'
