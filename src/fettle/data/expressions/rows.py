"""Compute an expression on one row, in plain Python: nothing heavy is imported, for an endpoint."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from fettle.data.expressions.patterns import python_pattern
from fettle.data.expressions.words import BLANKS, COMPARISONS, Column, Constant, Node, Op, meeting

Row = Mapping[str, Any]
Value = Callable[[Row], Any]

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""A text that `number` reads."""
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
"""A text that `date` reads."""


def compiled(node: Node) -> Value:
    """The function that computes a tree on a row; it gives None where the result is missing.

    Numbers come out as floats, whatever came in.
    """
    if isinstance(node, Op):
        return _computed(node)
    return _floated(_as_it_is(node)) if node.type == "integer" else _as_it_is(node)


def _computed(node: Op) -> Value:
    if node.word in _SPECIAL:
        return _SPECIAL[node.word](node)
    parts = [compiled(each) for each in node.parts]
    if node.word in _PLAIN:
        return _strict(partial(_PLAIN[node.word], *node.given) if node.given else _PLAIN[node.word], parts)
    return _numeric(partial(_NUMERIC[node.word], *node.given) if node.given else _NUMERIC[node.word], parts)


def _as_it_is(node: Node) -> Value:
    """Whole numbers stay whole."""
    if isinstance(node, Constant):
        return lambda _row, value=node.value: value
    return operator.itemgetter(node.name) if isinstance(node, Column) else compiled(node)


def _floated(part: Value) -> Value:
    return _strict(float, [part])


def _meeting(parts: tuple[Node, ...]) -> list[Value]:
    """Values as they can be compared, or be one instead of another."""
    found = [_as_it_is(each) for each in parts]
    way = meeting(parts)
    if way == "plain":
        return found
    return [_strict(float if way == "number" else _moment, [each]) for each in found]


def _strict(function: Callable[..., Any], parts: list[Value]) -> Value:
    """The function of values of which none may be missing."""
    if len(parts) == 1:
        (only,) = parts
        return lambda row: None if (value := only(row)) is None else function(value)

    def found(row: Row) -> Any:
        given = [part(row) for part in parts]
        return None if None in given else function(*given)

    return found


def _numeric(function: Callable[..., Any], parts: list[Value]) -> Value:
    """The same for what may have no result: that is missing too."""

    def found(row: Row) -> float | None:
        given = [part(row) for part in parts]
        if None in given:
            return None
        try:
            made = function(*given)
        except (ArithmeticError, ValueError):
            return None
        return None if isinstance(made, complex) or not math.isfinite(made) else float(made)

    return found


def _compared(node: Op) -> Value:
    return _strict(COMPARISONS[node.word], _meeting(node.parts))


def _chained(node: Op) -> Value:
    parts = _meeting(node.parts)
    compare = [COMPARISONS[str(word)] for word in node.given]

    def found(row: Row) -> bool | None:
        given = [part(row) for part in parts]
        return _all(
            None if one is None or other is None else function(one, other)
            for function, one, other in zip(compare, given, given[1:], strict=False)
        )

    return found


def _all(told: Iterable[bool | None]) -> bool | None:
    """Whether all are true; False as soon as one is not, missing if none decides."""
    listed = list(told)
    if False in listed:
        return False
    return None if None in listed else True


def _among(node: Op) -> Value:
    one, *listed = _meeting(node.parts)

    def found(row: Row) -> bool | None:
        value = one(row)
        if value is None:
            return None
        given = [each(row) for each in listed]
        return True if value in given else None if None in given else False

    if not all(isinstance(each, Constant) and each.value is not None for each in node.parts[1:]):
        return found
    values = frozenset(each({}) for each in listed)
    return _strict(lambda value: value in values, [one])


def _decided(node: Op) -> Value:
    parts = [compiled(each) for each in node.parts]
    decisive = node.word == "or"

    def found(row: Row) -> bool | None:
        given = [part(row) for part in parts]
        if decisive in given:
            return decisive
        return None if None in given else not decisive

    return found


def _chosen(node: Op) -> Value:
    test = compiled(node.parts[0])
    then, other = _one_of(node, node.parts[1:])

    def found(row: Row) -> Any:
        held = test(row)
        return None if held is None else then(row) if held else other(row)

    return found


def _first(node: Op) -> Value:
    parts = _one_of(node, node.parts)
    return lambda row: next((each for part in parts if (each := part(row)) is not None), None)


def _one_of(node: Op, parts: tuple[Node, ...]) -> list[Value]:
    found = _meeting(parts)
    return [_floated(each) for each in found] if node.type == "number" else found


def _missing(node: Op) -> Value:
    (part,) = [_as_it_is(each) for each in node.parts]
    return lambda row: part(row) is None


def _matching(node: Op) -> Value:
    pattern = re.compile(python_pattern(str(node.given[0])))
    return _strict(lambda text: pattern.search(text) is not None, [compiled(node.parts[0])])


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)


def _floor_divide(one: float, other: float) -> float:
    return math.floor(one / other)


def _rounded(*given: float) -> float:
    *decimals, value = given
    if not decimals:
        return round(value)
    scale = 10.0 ** decimals[0]
    return round(value * scale) / scale


def _hours(later: date, earlier: date) -> float:
    return (_moment(later) - _moment(earlier)).total_seconds() / 3600.0


def _read_number(text: str) -> float:
    if not re.fullmatch(NUMBER, text):
        raise ValueError(text)
    return float(text)


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(DAY, text) else None
    except ValueError:
        return None


_SPECIAL: dict[str, Callable[[Op], Value]] = {
    "and": _decided,
    "or": _decided,
    "if": _chosen,
    "coalesce": _first,
    "missing": _missing,
    "in": _among,
    "matches": _matching,
    "chain": _chained,
    **dict.fromkeys(COMPARISONS, _compared),
}
_PLAIN: dict[str, Callable[..., Any]] = {
    "not": operator.not_,
    "join": operator.add,
    "lower": str.lower,
    "upper": str.upper,
    "trim": lambda text: text.strip(BLANKS),
    "replace": lambda old, new, text: text.replace(old, new) if old else text,
    "date": _read_day,
    "is_finite": math.isfinite,
    "is_whole": lambda value: math.isfinite(value) and math.floor(value) == value,
    "contains": lambda text, part: part in text,
    "starts": str.startswith,
    "ends": str.endswith,
}
_NUMERIC: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": _floor_divide,
    "%": lambda one, other: one - _floor_divide(one, other) * other,
    "**": lambda base, power: float(base) ** float(power),
    "negative": operator.neg,
    "abs": abs,
    "least": lambda *each: min(each),
    "greatest": lambda *each: max(each),
    "round": _rounded,
    "number": _read_number,
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "log": math.log,
    "log10": math.log10,
    "exp": math.exp,
    "len": len,
    "year": lambda value: value.year,
    "month": lambda value: value.month,
    "day": lambda value: value.day,
    "weekday": lambda value: value.isoweekday(),
    "hour": lambda value: _moment(value).hour,
    "minute": lambda value: _moment(value).minute,
    "days": lambda later, earlier: _hours(later, earlier) / 24.0,
    "hours": _hours,
}
