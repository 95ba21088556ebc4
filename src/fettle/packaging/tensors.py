"""Columns to the model's inputs: cast whole where they hold what the model takes, else looked at value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fettle.packaging.checking import FLAGS, NUMBERS, TEXTS, moment, number, text, value_of, wrong
from fettle.packaging.columns import Column, Columns
from fettle.packaging.moments import column_parts, listed_parts, years
from fettle.packaging.records import Schema
from fettle.training.records import Feature

_NAN = float("nan")


def column_of(columns: Columns, feature: Feature, schema: Schema) -> Column:
    """A feature's column; RowInvalid if it is not there and may not be left out."""
    place = columns.places.get(feature.name)
    if place is not None:
        return columns.read(place)
    value_of(dict.fromkeys(columns.names), feature, 0, schema)
    return Column(lambda: [None] * columns.height)


def as_floats(values: list[Any]) -> NDArray[np.float32]:
    """Numbers, booleans and None as 32-bit floats; what is too large is infinite."""
    with np.errstate(over="ignore"):
        try:
            return np.array(values, dtype=np.float32)
        except OverflowError:
            return np.array(
                [_NAN if each is None else min(max(each, -1e300), 1e300) for each in values], dtype=np.float32
            )


def without_infinite(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Infinite counts as missing; changed in place."""
    infinite = np.isinf(matrix)
    if infinite.any():
        matrix[infinite] = np.nan
    return matrix


def matrix_of(columns: Columns, features: Sequence[Feature], schema: Schema) -> NDArray[np.float32]:
    """Numbers and booleans as (features, rows, 1), missing as NaN."""
    matrix = np.empty((len(features), columns.height, 1), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for place, feature in enumerate(features):
            matrix[place, :, 0] = _floats(feature, column_of(columns, feature, schema))
    return without_infinite(matrix)


def texts_of(feature: Feature, column: Column) -> NDArray[Any]:
    """Texts as (rows, 1), missing as empty."""
    if column.kind == "text":
        return column.values.reshape(-1, 1)
    return listed_texts(feature, column.listed())


def listed_texts(feature: Feature, values: list[Any]) -> NDArray[Any]:
    """The same of values, each of which may be wrong."""
    if not TEXTS.issuperset(map(type, values)):
        values = [text(feature, value, at) for at, value in enumerate(values)]
    tensor = np.empty((len(values), 1), dtype=object)
    tensor[:, 0] = values
    return tensor


def parts_of(feature: Feature, column: Column) -> NDArray[np.float32]:
    """The parts of times as (parts, rows), missing as NaN."""
    if column.kind != "moment":
        listed = [moment(feature, each, at) for at, each in enumerate(column.listed())]
        return listed_parts(listed, feature.parts)
    year = years(column.values)
    far = ~np.isnat(column.values) & ((year < 1) | (year > 9999))
    if far.any():
        at = int(far.argmax())
        raise wrong(feature, str(column.values[at]), at)
    return column_parts(column.values, feature.parts)


def _floats(feature: Feature, column: Column) -> NDArray[Any]:
    values = column.values
    if column.kind == "number" and feature.role == "number":
        return values.astype(np.float64) if values.dtype.kind in "iu" else values
    if feature.role == "boolean" and (
        column.kind == "flag" or (column.kind == "number" and bool(((values == 0) | (values == 1)).all()))
    ):
        return values
    listed = column.listed()
    if not (FLAGS if feature.role == "boolean" else NUMBERS).issuperset(map(type, listed)):
        listed = [number(feature, value, at) for at, value in enumerate(listed)]
    return as_floats(listed)
