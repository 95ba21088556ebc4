"""Make a table from a schema alone: every rule is kept, and nothing is known of any real row.

What a schema does not say is chosen plainly: values evenly over their range or list, half as many missing as
are allowed.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from fettle.core.errors import Invalid
from fettle.data.records.schemas import Rule, Schema
from fettle.data.synthesis import texts
from fettle.data.synthesis.regex import Maker
from fettle.data.types import STORED

ATTEMPTS = 20
SPAN = (0.0, 100.0)
LENGTHS = (4, 12)
FROM = datetime(2024, 1, 1, tzinfo=UTC)
TO = datetime(2025, 1, 1, tzinfo=UTC)


def invent(schema: Schema, rows: int, *, seed: int) -> pl.DataFrame:
    """Make rows that a schema allows.

    Args:
        schema: Types, ranges, categories, missing shares, uniqueness, patterns, lengths and order are kept.
        rows: How many.
        seed: Of every random choice.

    Raises:
        Invalid: A rule cannot be kept, such as more unique values than its range has.
    """
    if rows < 1 or not schema.columns:
        raise Invalid("There is nothing to make.", found=f"{rows} rows, {len(schema.columns)} columns")
    generator = np.random.default_rng(seed)
    made = []
    for rule in schema.columns:
        values = _unique(rule, generator, rows) if rule.unique else _values(rule, generator, rows)
        column = pl.Series(rule.name, values, dtype=STORED[rule.type])
        if rule.monotone is not None:
            column = _ordered(rule, column)
        made.append(_with_gaps(rule, column, generator))
    return pl.DataFrame(made)


def _values(rule: Rule, generator: np.random.Generator, rows: int) -> list[Any]:
    if rule.values:
        return [rule.values[place] for place in generator.integers(0, len(rule.values), rows)]
    if rule.type == "boolean":
        return (generator.random(rows) < 0.5).tolist()
    if rule.type == "string":
        return _texts(rule, generator, rows)
    if rule.type in ("date", "datetime"):
        return _moments(rule, generator, rows)
    low, high = _range(rule)
    if rule.type == "integer":
        return generator.integers(math.ceil(low), math.floor(high), rows, endpoint=True).tolist()
    return np.clip(np.round(generator.uniform(low, high, rows), 4), low, high).tolist()


def _range(rule: Rule) -> tuple[float, float]:
    low = (
        rule.min
        if rule.min is not None
        else min(SPAN[0], SPAN[0] if rule.max is None else rule.max - SPAN[1])
    )
    high = rule.max if rule.max is not None else max(SPAN[1], low + SPAN[1])
    if low > high or (rule.type == "integer" and math.ceil(low) > math.floor(high)):
        raise _impossible(rule, f"no value from {low:g} to {high:g}")
    return low, high


def _texts(rule: Rule, generator: np.random.Generator, rows: int) -> list[str]:
    least = rule.min_length if rule.min_length is not None else min(LENGTHS[0], rule.max_length or LENGTHS[0])
    most = rule.max_length if rule.max_length is not None else max(LENGTHS[1], least)
    if rule.regex:
        maker = Maker(rule.regex)
        made = [maker(generator) for _ in range(rows)]
        if any(not (rule.min_length or 0) <= len(each) <= (rule.max_length or math.inf) for each in made):
            raise _impossible(rule, "texts of its pattern are not of its lengths")
        return made
    if rule.role == "category":
        return [f"{rule.name} {place + 1}"[: rule.max_length] for place in generator.integers(0, 5, rows)]
    lengths = generator.integers(least, most, rows, endpoint=True)
    found = np.empty(rows, dtype=object)
    for length in np.unique(lengths):
        at = np.flatnonzero(lengths == length)
        found[at] = texts.fill(generator, "a" * int(length), len(at))
    return found.tolist()


def _moments(rule: Rule, generator: np.random.Generator, rows: int) -> list[Any]:
    start = rule.min_at or min(FROM, rule.max_at - timedelta(days=366) if rule.max_at else FROM)
    end = rule.max_at or max(TO, start + timedelta(days=366))
    if start > end:
        raise _impossible(rule, f"no time from {start} to {end}")
    seconds = generator.uniform(0, (end - start).total_seconds(), rows)
    found = [start + timedelta(seconds=math.floor(each)) for each in seconds]
    return [each.date() for each in found] if rule.type == "date" else found


def _unique(rule: Rule, generator: np.random.Generator, rows: int) -> list[Any]:
    """Values of which none comes twice: drawn until there are enough; whole numbers are counted up."""
    if rule.type == "integer":
        low = math.ceil(rule.min if rule.min is not None else 1)
        if rule.max is not None and math.floor(rule.max) - low + 1 < rows:
            raise _impossible(
                rule, f"{math.floor(rule.max) - low + 1:,} different values in its range for {rows:,} rows"
            )
        return list(range(low, low + rows))
    found: dict[Any, None] = {}
    for _ in range(ATTEMPTS):
        found |= dict.fromkeys(_values(rule, generator, rows))
        if len(found) >= rows:
            return list(found)[:rows]
    raise _impossible(rule, f"only {len(found):,} different values were found for {rows:,} rows")


def _ordered(rule: Rule, column: pl.Series) -> pl.Series:
    falling = bool(rule.monotone and rule.monotone.endswith("decreasing"))
    ordered = column.sort(descending=falling)
    if rule.monotone and rule.monotone.startswith("strictly") and ordered.n_unique() < len(ordered):
        raise _impossible(rule, "values repeat that must be strictly in order; say `unique = true` too")
    return ordered


def _with_gaps(rule: Rule, column: pl.Series, generator: np.random.Generator) -> pl.Series:
    share = 0.5 * (rule.missing_max or 0.0)
    if not share:
        return column
    none = pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, len(column))
    return column.zip_with(pl.Series(generator.random(len(column)) >= share), none)


def _impossible(rule: Rule, why: str) -> Invalid:
    return Invalid(
        f"No values can be made for the column {rule.name!r}.",
        found=why,
        hint="Widen its rule in the schema.",
        subject=f"column:{rule.name}",
    )
