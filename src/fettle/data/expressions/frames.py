"""Compute an expression on a whole frame: a tree as a polars expression, with the results that `rows` has.

An expression names each of its parts once, so that its size is that of the text: what is looked at twice goes through
the field of a structure.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import reduce
from typing import Any

import polars as pl

from fettle.data.expressions.rows import DAY, NUMBER
from fettle.data.expressions.words import BLANKS, COMPARISONS, NULL, Column, Constant, Node, Op, meeting

_TIME = pl.Datetime("us", "UTC")


def compiled(node: Node) -> pl.Expr:
    """The polars expression of a tree; null where the result is missing. Numbers come out as `Float64`."""
    if not isinstance(node, Op):
        return _floated(node) if node.type == "integer" else _as_it_is(node)
    if node.word in _SPECIAL:
        return _SPECIAL[node.word](node)
    if node.word in _RAW:
        made = _RAW[node.word](*(_as_it_is(each) for each in node.parts))
        return made.cast(pl.Float64) if node.type == "number" else made
    if node.word in _PLAIN:
        return _built(_PLAIN[node.word], node, [compiled(each) for each in node.parts])
    if node.word in _TIMELY:
        return _TIMELY[node.word](*(_moment(each) for each in node.parts)).cast(pl.Float64)
    made = _built(_NUMERIC[node.word], node, [_number(each) for each in node.parts])
    return made if node.word in _ALWAYS_FINITE else _named(_finite, [made])


def _built(function: Callable[..., pl.Expr], node: Op, parts: list[pl.Expr]) -> pl.Expr:
    def build(*fields: pl.Expr) -> pl.Expr:
        return function(*fields, *node.given)

    twice = node.word in _TWICE and any(isinstance(each, Op) for each in node.parts)
    return _named(build, parts) if twice or node.word == "date" else build(*parts)


def _divided(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Exactly: by a constant on its own, polars multiplies with its reciprocal, and the last digit differs."""
    return _named(operator.truediv, [one, other])


def _named(build: Callable[..., pl.Expr], parts: list[pl.Expr]) -> pl.Expr:
    """What looks at its parts more than once, without computing them more than once."""
    names = [f"{at}" for at in range(len(parts))]
    held = pl.struct(part.alias(name) for part, name in zip(parts, names, strict=True))
    made = build(*(pl.field(name) for name in names)).alias("made")
    return held.struct.with_fields(made).struct.field("made")


def _finite(made: pl.Expr) -> pl.Expr:
    return pl.when(made.is_finite()).then(made)


def _as_it_is(node: Node) -> pl.Expr:
    """Whole numbers stay whole: nothing is copied for the usual `amount > 0`."""
    if node is NULL:
        return pl.lit(None)
    if isinstance(node, Constant):
        return pl.lit(node.value, _TYPES[node.type]) if node.value is None else _literal(node.value)
    return pl.col(node.name) if isinstance(node, Column) else compiled(node)


def _literal(value: Any) -> pl.Expr:
    return pl.lit(value, _TIME) if isinstance(value, datetime) else pl.lit(value)


def _floated(node: Node) -> pl.Expr:
    if isinstance(node, Constant) and isinstance(node.value, int):
        return pl.lit(float(node.value))
    return _as_it_is(node).cast(pl.Float64)


def _number(node: Node) -> pl.Expr:
    return _floated(node) if node.type in ("integer", "boolean") else compiled(node)


def _moment(node: Node) -> pl.Expr:
    if isinstance(node, Constant) and isinstance(node.value, date):
        return _literal(_midnight(node.value))
    found = _as_it_is(node)
    return found.cast(pl.Datetime("us")).dt.replace_time_zone("UTC") if node.type == "date" else found


def _midnight(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day, tzinfo=UTC)


def _meeting(parts: Sequence[Node]) -> list[pl.Expr]:
    """Parts as they can be compared, or be one instead of another."""
    way = {"plain": _as_it_is, "number": _number, "datetime": _moment}[meeting(parts)]
    return [way(each) for each in parts]


def _compared(node: Op) -> pl.Expr:
    return COMPARISONS[node.word](*_meeting(node.parts))


def _chained(node: Op) -> pl.Expr:
    def build(*sides: pl.Expr) -> pl.Expr:
        pairs = zip(node.given, sides, sides[1:], strict=False)
        return reduce(operator.and_, (COMPARISONS[str(word)](one, other) for word, one, other in pairs))

    parts = _meeting(node.parts)
    return _named(build, parts) if any(isinstance(each, Op) for each in node.parts[1:-1]) else build(*parts)


def _among(node: Op) -> pl.Expr:
    one, *listed = node.parts
    given = [each.value for each in listed if isinstance(each, Constant) and each.value is not None]
    if len(given) == len(listed):
        way = meeting(node.parts)
        values = {"plain": lambda each: each, "number": float, "datetime": _midnight}[way]
        return _meeting(node.parts)[0].is_in([values(each) for each in given])

    def build(value: pl.Expr, *others: pl.Expr) -> pl.Expr:
        return reduce(operator.or_, (value == each for each in others))

    parts = _meeting(node.parts)
    return _named(build, parts) if isinstance(one, Op) else build(*parts)


def _decided(node: Op) -> pl.Expr:
    return reduce(
        operator.and_ if node.word == "and" else operator.or_, (compiled(each) for each in node.parts)
    )


def _chosen(node: Op) -> pl.Expr:
    """A constant to choose goes through a structure too: else polars may take the whole choice for one value."""

    def build(test: pl.Expr, then: pl.Expr, other: pl.Expr) -> pl.Expr:
        return pl.when(test).then(then).when(~test).then(other)

    test, *branches = node.parts
    parts = [compiled(test), *_one_of(node, branches)]
    named = isinstance(test, Op) or any(isinstance(each, Constant) for each in branches)
    return _named(build, parts) if named else build(*parts)


def _one_of(node: Op, parts: Sequence[Node]) -> list[pl.Expr]:
    return [_number(each) for each in parts] if node.type == "number" else _meeting(parts)


def _first(node: Op) -> pl.Expr:
    parts = _one_of(node, node.parts)
    constant = any(isinstance(each, Constant) for each in node.parts)
    return _named(lambda *fields: pl.coalesce(fields), parts) if constant else pl.coalesce(parts)


def _matching(node: Op) -> pl.Expr:
    return compiled(node.parts[0]).str.contains(str(node.given[0]))


def _strictly(pick: Callable[..., pl.Expr]) -> Callable[..., pl.Expr]:
    """Of several values of which none may be missing."""

    def found(*parts: pl.Expr) -> pl.Expr:
        return pl.when(pl.all_horizontal(each.is_not_null() for each in parts)).then(pick(*parts))

    return found


def _replaced(text: pl.Expr, old: str, new: str) -> pl.Expr:
    return text.str.replace_all(old, new, literal=True) if old else text


def _rounded(value: pl.Expr, *decimals: int) -> pl.Expr:
    if not decimals:
        return value.round(mode="half_to_even")
    scale = pl.lit(10.0 ** decimals[0])
    return _divided((value * scale).round(mode="half_to_even"), scale)


def _read_number(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(f"^{NUMBER}$")).then(text).cast(pl.Float64, strict=False)


def _read_day(text: pl.Expr) -> pl.Expr:
    told = text.str.contains(f"^{DAY}$") & ~text.str.starts_with("0000")
    return pl.when(told).then(text).str.to_date("%Y-%m-%d", strict=False)


def _hours(later: pl.Expr, earlier: pl.Expr) -> pl.Expr:
    seconds = _divided((later - earlier).dt.total_microseconds(), pl.lit(1e6))
    return _divided(seconds, pl.lit(3600.0))


def _unique(*columns: pl.Expr) -> pl.Expr:
    if len(columns) == 1:
        return pl.when(columns[0].is_null()).then(None).otherwise(~columns[0].is_duplicated())
    named = [each.alias(f"{at}") for at, each in enumerate(columns)]
    return ~pl.struct(*named).is_duplicated()


_TYPES: dict[Any, Any] = {
    "integer": pl.Int64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
    "string": pl.String,
    "date": pl.Date,
    "datetime": _TIME,
}
_SPECIAL: dict[str, Callable[[Op], pl.Expr]] = {
    "and": _decided,
    "or": _decided,
    "if": _chosen,
    "coalesce": _first,
    "in": _among,
    "matches": _matching,
    "chain": _chained,
    **dict.fromkeys(COMPARISONS, _compared),
}
_RAW: dict[str, Callable[..., Any]] = {
    "missing": lambda value: value.is_null(),
    "unique": _unique,
    "rows": pl.len,
    "count": lambda value: value.count(),
    "missing_count": lambda value: value.null_count(),
    "distinct": lambda value: value.drop_nulls().n_unique(),
}
"""What asks only whether values are there, or the same."""
_PLAIN: dict[str, Callable[..., Any]] = {
    "not": operator.invert,
    "join": operator.add,
    "lower": lambda text: text.str.to_lowercase(),
    "upper": lambda text: text.str.to_uppercase(),
    "trim": lambda text: text.str.strip_chars(BLANKS),
    "replace": _replaced,
    "contains": lambda text, part: text.str.contains(part, literal=True),
    "starts": lambda text, part: text.str.starts_with(part),
    "ends": lambda text, part: text.str.ends_with(part),
    "date": _read_day,
    "is_finite": lambda value: value.is_finite(),
    "is_whole": lambda value: value.is_finite() & (value.floor() == value),
    "previous": lambda value: value.shift(1),
    "min": lambda value: value.min(),
    "max": lambda value: value.max(),
}
_TIMELY: dict[str, Callable[..., Any]] = {
    "year": lambda at: at.dt.year(),
    "month": lambda at: at.dt.month(),
    "day": lambda at: at.dt.day(),
    "weekday": lambda at: at.dt.weekday(),
    "hour": lambda at: at.dt.hour(),
    "minute": lambda at: at.dt.minute(),
    "days": lambda later, earlier: _divided(_hours(later, earlier), pl.lit(24.0)),
    "hours": _hours,
}
_NUMERIC: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "//": lambda one, other: _divided(one, other).floor(),
    "%": lambda one, other: one - _divided(one, other).floor() * other,
    "**": lambda base, power: base.pow(power),
    "negative": operator.neg,
    "abs": lambda value: value.abs(),
    "least": _strictly(pl.min_horizontal),
    "greatest": _strictly(pl.max_horizontal),
    "round": _rounded,
    "floor": lambda value: value.floor(),
    "ceil": lambda value: value.ceil(),
    "sqrt": lambda value: value.sqrt(),
    "log": lambda value: value.log(),
    "log10": lambda value: value.log10(),
    "exp": lambda value: value.exp(),
    "len": lambda text: text.str.len_chars().cast(pl.Float64),
    "number": _read_number,
    "sum": lambda value: value.sum(),
    "mean": lambda value: value.mean(),
    "median": lambda value: value.median(),
    "std": lambda value: value.std(),
    "share": lambda told: told.mean(),
    "quantile": lambda value, at: value.quantile(at, interpolation="linear"),
    "correlation": pl.corr,
}
_ALWAYS_FINITE = frozenset({"len", "share"})
_TWICE = frozenset({"%", "least", "greatest", "is_whole", "number"})
"""What looks at a part more than once."""
