"""Compute features: on a whole frame for training, on a row for an endpoint, with the same values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fettle.core.errors import NotFound
from fettle.data.clean import functions
from fettle.data.expressions import read
from fettle.data.records.cleaning import Call, Derive, Operation
from fettle.features.records import Feature

if TYPE_CHECKING:
    import polars as pl

    from fettle.acts import Surface

Row = Mapping[str, Any]


def needed(ws: Surface, refs: Sequence[str]) -> list[Feature]:
    """The features of these references and those they are computed from, each after what it needs.

    Raises:
        NotFound: There is no such feature.
    """
    return ws.call("features.closure", refs=list(refs))


def with_features(frame: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """A frame with a column for each feature.

    Args:
        frame: Rows of the types of `fettle.data.types`, with the columns that the features are computed from.
        features: Each after those it needs, as `needed` gives them.

    Raises:
        Denied: `features.functions` does not name the module of a function; nothing was imported or called.
        NotFound: A column is not there.
        Invalid: A function gave another number of rows, or another type than it declares.
    """
    _check_permitted(features)
    for each in features:
        _check_inputs(each, frame.columns)
        frame = frame.with_columns(_column(each, frame))
    return frame


def row_computer(features: Sequence[Feature]) -> Callable[[Row], dict[str, Any]]:
    """The function that computes the features of one row: for an endpoint.

    Expressions are computed in plain Python. A function is given a frame of one row.

    Args:
        features: Each after those it needs.

    Returns:
        A function from a row (column → value, None for a missing one; times as `datetime`) to the row with them.

    Raises:
        Denied: `features.functions` does not name the module of a function; nothing was imported or called.
        NotFound: A function is not here.
        Conflict: A function's code has changed.
    """
    _check_permitted(features)
    steps = [(each.name, list(each.inputs), _of_row(each), each) for each in features]

    def compute(row: Row) -> dict[str, Any]:
        made = dict(row)
        for name, inputs, function, each in steps:
            if any(column not in made for column in inputs):
                _check_inputs(each, list(made))
            made[name] = function(made)
        return made

    return compute


def operations(features: Sequence[Feature]) -> list[Operation]:
    """The features as operations of a cleaning, so that they travel in a bundle and are computed at the endpoint.

    Args:
        features: Each after those it needs.
    """
    return [
        Derive(column=each.name, formula=each.expression)
        if each.expression
        else Call(
            column=each.name, function=each.function, code=each.code, inputs=each.inputs, type=each.type
        )
        for each in features
    ]


def _of_row(each: Feature) -> Callable[[Row], Any]:
    if each.expression:
        return read(each.expression, each.inputs).of
    return functions.of_row(
        each.name, functions.function_of(each.function, each.code), each.inputs, each.type
    )


def _column(each: Feature, frame: pl.DataFrame) -> pl.Expr | pl.Series:
    if each.expression:
        return read(each.expression, each.inputs).polars.alias(each.name)
    function = functions.function_of(each.function, each.code)
    return functions.column_of(frame, each.name, function, each.inputs, each.type)


def _check_permitted(features: Sequence[Feature]) -> None:
    """Before the first module is imported: importing is running it."""
    for each in features:
        if each.function:
            functions.permitted(each.function)


def _check_inputs(each: Feature, columns: Sequence[str]) -> None:
    for name in each.inputs:
        if name not in columns:
            raise NotFound.among(f"column for the feature {each.ref}", name, columns)
