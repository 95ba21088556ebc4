"""Compile a check's expression: true for a good row or a good table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from fettle.data.expressions import frames
from fettle.data.expressions.reading import Scope, condition_of
from fettle.data.expressions.words import is_whole
from fettle.data.records import Type
from fettle.data.schemas import check_pattern

TABLE = Scope(True, check_pattern)
"""A check may speak of the whole table, and use any pattern that polars knows."""


class Compiled(NamedTuple):
    """A condition; whether it is one value for the table."""

    expr: pl.Expr
    whole: bool


def compile_condition(text: str, types: Mapping[str, Type]) -> Compiled:
    """Compile an expression that is true or false for a row, or for the table.

    Args:
        text: Such as `amount > 0 and plan in ('a', 'b')`.
        types: The columns and their types.

    Returns:
        A boolean expression; null where a value is missing, as in SQL.

    Raises:
        Invalid: The expression cannot be read, or compares what cannot be compared; the message points at the place.
        NotFound: It names an unknown column or function.
    """
    tree = condition_of(text, types, TABLE)
    return Compiled(frames.compiled(tree), is_whole(tree))
