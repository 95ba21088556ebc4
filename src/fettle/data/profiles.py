"""Profile a table: what its columns are like, in one pass over the rows.

All columns are summarised by one polars query on the streaming engine, so that a version larger than memory is
read once. Numbers are exact (distinct counts and quantiles too), which is what a person who looks at them expects.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import polars as pl

from fettle.data.records import (
    ColumnProfile,
    Histogram,
    NumberSummary,
    Profile,
    TextSummary,
    TimeSummary,
    Type,
    ValueCount,
)
from fettle.data.roles import role_of
from fettle.data.types import normalise, type_of

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 20
TOP = 20
COLUMNS_AT_ONCE = 40
LONGEST_VALUE = 200

_MOST_FREQUENT = (
    pl.element()
    .sort_by(
        [pl.element().struct.field("count"), pl.element().struct.field("value")], descending=[True, False]
    )
    .head(TOP)
)


def profile(frame: pl.DataFrame | pl.LazyFrame) -> Profile:
    """Summarise every column of a table.

    Args:
        frame: Any frame, also one that is scanned lazily; an eager one need not be normalised.

    Returns:
        Counts, ranges, quantiles, histograms, most frequent values and lengths, as far as they make sense for a
        column's type, with the role each column could play.

    Example:
        >>> profile(pl.DataFrame({"age": [31, 47, None]})).column("age").number.max
        47.0
    """
    lazy = normalise(frame).lazy() if isinstance(frame, pl.DataFrame) else frame
    types: dict[str, Type] = {name: type_of(dtype) for name, dtype in lazy.collect_schema().items()}
    names = list(types)
    facts: dict[str, Any] = {}
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        asked = {name: f"{index}" for index, name in enumerate(names[start : start + COLUMNS_AT_ONCE], start)}
        expressions = [each for name, key in asked.items() for each in _asked(name, types[name], key)]
        facts |= lazy.select(expressions).collect(engine="streaming").row(0, named=True)
    counted = lazy.select(
        pl.len().alias("rows"),
        pl.struct(pl.all()).n_unique().alias("distinct") if names else pl.len().alias("distinct"),
    )
    total = counted.collect(engine="streaming").row(0, named=True)
    columns = [
        _column(name, types[name], f"{index}", facts, total["rows"]) for index, name in enumerate(names)
    ]
    return Profile(rows=total["rows"], duplicate_rows=total["rows"] - total["distinct"], columns=columns)


def _asked(name: str, kind: Type, key: str) -> list[pl.Expr]:
    column = pl.col(name)
    asked = {"missing": column.null_count(), "distinct": column.drop_nulls().n_unique()}
    if kind in ("integer", "number"):
        asked |= _asked_of_numbers(column)
    if kind in ("string", "boolean", "integer"):
        counts = column.drop_nulls().alias("value").value_counts().implode()
        asked["top"] = counts.list.eval(_MOST_FREQUENT)
    if kind == "string":
        length = column.str.len_chars()
        stripped = column.str.strip_chars()
        asked |= {
            "shortest": length.min(),
            "mean_length": length.mean(),
            "longest": length.max(),
            "blank": (stripped == "").sum(),
            "spaced": stripped.str.contains(r"\s").sum(),
        }
    if kind in ("date", "datetime"):
        asked |= {"first": column.min(), "last": column.max()}
    return [expression.alias(f"{key}:{what}") for what, expression in asked.items()]


def _asked_of_numbers(column: pl.Expr) -> dict[str, pl.Expr]:
    finite = column.cast(pl.Float64).filter(column.cast(pl.Float64).is_finite())
    low, half_width = (
        finite.min(),
        finite.max() / 2 - finite.min() / 2,
    )  # halves: the width itself may overflow
    place = pl.when(half_width > 0).then((finite / 2 - low / 2) / half_width * BINS).otherwise(0.0)
    bins = place.floor().clip(0, BINS - 1).cast(pl.Int32).alias("bin").value_counts()
    return {
        "min": low,
        "max": finite.max(),
        "mean": finite.mean(),
        "std": finite.std(),
        "zeros": (column == 0).sum(),
        "negatives": (finite < 0).sum(),
        "infinite": column.cast(pl.Float64).is_infinite().sum(),
        "bins": bins.implode(),
        "quantiles": finite.quantile(list(QUANTILES), interpolation="linear"),
    }


def _column(name: str, kind: Type, key: str, facts: dict[str, Any], rows: int) -> ColumnProfile:
    def fact(what: str) -> Any:
        return facts.get(f"{key}:{what}")

    number = text = time = None
    if fact("min") is not None:
        number = _numbers(fact)
    if fact("longest") is not None:
        text = TextSummary(
            fact("shortest"),
            float(fact("mean_length")),
            fact("longest"),
            int(fact("blank")),
            int(fact("spaced")),
        )
    if fact("first") is not None:
        time = TimeSummary(_instant(fact("first")), _instant(fact("last")))
    top = [ValueCount(_shown(each["value"]), each["count"]) for each in fact("top") or []]
    found = ColumnProfile(
        name=name,
        type=kind,
        role="constant",
        rows=rows,
        missing=int(fact("missing")),
        distinct=int(fact("distinct")),
        number=number,
        text=text,
        time=time,
        top=top,
    )
    return msgspec.structs.replace(found, role=role_of(found))


def _numbers(fact: Any) -> NumberSummary:
    low, high = float(fact("min")), float(fact("max"))
    counts = [0] * BINS if high > low else [0]
    for each in fact("bins"):
        counts[each["bin"]] += each["count"]
    shares = [index / BINS for index in range(BINS + 1)] if high > low else [0.0, 1.0]
    edges = [low * (1 - share) + high * share for share in shares]
    std = fact("std")
    return NumberSummary(
        min=low,
        max=high,
        mean=min(high, max(low, float(fact("mean")))),
        std=float(std) if std is not None and math.isfinite(std) else None,
        quantiles={f"{share}": value for share, value in zip(QUANTILES, fact("quantiles"), strict=True)},
        zeros=int(fact("zeros")),
        negatives=int(fact("negatives")),
        infinite=int(fact("infinite")),
        histogram=Histogram(edges, counts),
    )


def _instant(value: date) -> datetime:
    whole = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return whole.replace(tzinfo=UTC) if whole.tzinfo is None else whole.astimezone(UTC)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
