"""One column compared with the values of a test: numbers, times and texts."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from fettle.storage.columns import At
from fettle.storage.texts import (
    HEAD,
    after,
    beginning,
    contains,
    head,
    ilike,
    is_beginning,
    like,
    plain,
)
from fettle.tracking.records.search import Term, Value

Truth = sa.ColumnElement[bool]
Number = sa.ColumnElement[float]


def compare_numbers(test: Term, column: Number) -> Truth:
    values = [sa.literal(number_of(each), sa.Double) for each in test.values]
    return _denied(test, _compared(test, column, values))


def compare_times(test: Term, column: sa.ColumnElement[Any]) -> Truth:
    if test.op == "null":
        return sa.true()
    values = [sa.literal(each, At) for each in test.values if isinstance(each, datetime)]
    return _denied(test, _compared(test, column, values))


def compare_texts(test: Term, column: sa.ColumnElement[str], *, indexed: bool = True) -> Truth:
    words = [str(each) for each in test.values]
    if test.op == "contains":
        return _denied(test, contains(column, words[0]))
    if test.op == "ilike":
        return _denied(test, ilike(column, words[0]))
    if test.op == "like":
        found = like(column, words[0])
        begins = beginning(words[0])
        if not begins or not indexed:
            return _denied(test, found)
        rest = [] if is_beginning(words[0]) else [found]
        return _denied(test, sa.and_(*_begins(column, begins), *rest))
    if not indexed:
        return _denied(test, _compared(test, plain(column), [sa.literal(each, sa.Text) for each in words]))
    return _denied(test, _by_head(test, column, words))


def _by_head(test: Term, column: sa.ColumnElement[str], words: list[str]) -> Truth:
    """Compare the indexed beginning, and the whole where the beginning leaves it open."""
    starts = [sa.literal(each[:HEAD], sa.Text) for each in words]
    short = all(len(each) < HEAD for each in words)
    if short:
        return _compared(test, head(column), starts)
    whole = _compared(test, plain(column), [sa.literal(each, sa.Text) for each in words])
    return sa.and_(head(column).in_(starts), whole) if test.op in ("=", "in") else whole


def _begins(column: sa.ColumnElement[str], begins: str) -> list[Truth]:
    end = after(begins)
    first = head(column) >= sa.literal(begins, sa.Text)
    return [first] if end is None else [first, head(column) < sa.literal(end, sa.Text)]


def _compared(test: Term, column: sa.ColumnElement[Any], values: list[Any]) -> Truth:
    if test.op == "in":
        return column.in_(values)
    if test.op == "between":
        return sa.and_(column >= values[0], column <= values[1])
    return {
        "=": lambda: column == values[0],
        "<": lambda: column < values[0],
        "<=": lambda: column <= values[0],
        ">": lambda: column > values[0],
        ">=": lambda: column >= values[0],
    }[test.op]()


def _denied(test: Term, found: Truth) -> Truth:
    return sa.not_(found) if test.denied else found


def number_of(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
