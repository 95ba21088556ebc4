"""Apply one fitted operation to a frame.

`alone` treats each row as an endpoint must: without its neighbours, and keeping it whatever it is.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl

from fettle.core.errors import Invalid
from fettle.data import expressions
from fettle.data.clean import cells, chain, forest, functions
from fettle.data.clean.neighbours import Nearest
from fettle.data.clean.reach import FOREST_FLAG, MISSING, OUTLIER
from fettle.data.records import cleaning as c
from fettle.data.records.versions import Type
from fettle.data.types import STORED, columns_of, type_of

Applied = tuple[pl.DataFrame, "pl.Series | None"]
"""The frame with all its rows, and which of them the operation would leave out (None: none ever)."""


def apply(step: c.Step, frame: pl.DataFrame, *, alone: bool) -> Applied:  # noqa: C901 - a case an operation
    """Apply a fitted operation.

    Raises:
        Invalid: A value cannot be read, and the operation says `fail`.
    """
    match step.operation:
        case c.Rename(columns=names):
            return frame.rename({old: new for old, new in names.items() if old in frame.columns}), None
        case c.Drop(columns=names):
            return frame.drop([name for name in names if name in frame.columns]), None
        case c.Cast() as operation:
            return _read(frame, operation, cells.cast(operation)), None
        case c.Dates() as operation:
            return _read(frame, operation, cells.dates(operation)), None
        case c.Text() as operation:
            return _texts(frame, operation.columns, cells.text(operation)), None
        case c.Missing(columns=names) as operation:
            return frame.with_columns([_without(frame[name], operation) for name in names]), None
        case c.Merge() as operation:
            return _merge(frame, operation, step.learnt), None
        case c.Units() as operation:
            return _convert(frame, operation), None
        case c.Impute() as operation:
            return _impute(frame, operation, step.learnt, alone), None
        case c.Outliers() as operation:
            return _outliers(frame, operation, step.learnt)
        case c.Duplicates() as operation:
            return frame, None if alone else _repeats(frame, operation)
        case c.Derive() as operation:
            return _derive(frame, operation), None
        case c.Call() as operation:
            return _call(frame, operation), None


def mapped(column: pl.Series, cell: cells.Cell, dtype: pl.DataType) -> pl.Series:
    """A column with each value read by `cell`; what fails is missing. Each distinct value is read once."""
    distinct = column.drop_nulls().unique()
    made = pl.Series(
        [None if (found := cell(value)) is cells.FAILED else found for value in distinct.to_list()],
        dtype=dtype,
    )
    if not len(distinct):
        return pl.Series(column.name, [None] * len(column), dtype=dtype)
    return column.replace_strict(distinct, made, default=None, return_dtype=dtype)


def matrix(frame: pl.DataFrame, names: list[str]) -> list[np.ndarray]:
    """Columns of numbers as arrays, NaN where missing."""
    return [
        frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64) for name in names
    ]


def numbers(name: str, values: np.ndarray) -> pl.Series:
    """An array as a column, missing where it is NaN."""
    return pl.Series(name, values, dtype=pl.Float64).fill_nan(None)


def fallback(frame: pl.DataFrame, fills: dict[str, c.Scalar]) -> list[pl.Series]:
    """Columns with their gaps filled by one value each; whole numbers become numbers where the value is one."""
    filled = []
    for name, value in fills.items():
        column = frame[name]
        if isinstance(value, float) and column.dtype == pl.Int64:
            column = column.cast(pl.Float64)
        known = cells.conform(name, type_of(column.dtype), value)
        filled.append(column if known is None else _filled(column, known))
    return filled


def _filled(column: pl.Series, value: Any) -> pl.Series:
    return (
        column.to_frame().select(pl.col(column.name).fill_null(pl.lit(value, dtype=column.dtype))).to_series()
    )


def _read(frame: pl.DataFrame, operation: c.Cast | c.Dates, cell: cells.Cell) -> pl.DataFrame:
    made = [mapped(frame[name], cell, STORED[operation.to]) for name in operation.columns]
    return _checked(frame, made, operation.on_error, f"as {_a(operation.to)}")


def _checked(frame: pl.DataFrame, made: list[pl.Series], on_error: str, what: str) -> pl.DataFrame:
    for column in made if on_error == "fail" else ():
        lost = column.is_null() & frame[column.name].is_not_null()
        if (row := lost.arg_max()) is not None and lost.any():
            raise Invalid(
                f"The column {column.name!r} cannot be read {what}.",
                found=f"{frame[column.name][row]!r:.60} in row {row:,}; {int(lost.sum()):,} such row(s)",
                hint='Mend the source, or write on_error = "null" to make them missing.',
                subject=f"column:{column.name}",
            )
    return frame.with_columns(made)


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "integer" else f"a {kind}"


def _texts(frame: pl.DataFrame, names: list[str], cell: cells.Cell) -> pl.DataFrame:
    return frame.with_columns([mapped(frame[name], cell, pl.String()) for name in names])


def _without(column: pl.Series, operation: c.Missing) -> pl.Series:
    return mapped(column, cells.missing(operation, type_of(column.dtype)), column.dtype)


def _merge(frame: pl.DataFrame, operation: c.Merge, learnt: c.Learnt | None) -> pl.DataFrame:
    kept = learnt.kept if isinstance(learnt, c.Levels) else {}
    return frame.with_columns(
        [
            mapped(frame[name], cells.merged(operation, kept.get(name, [])), pl.String())
            for name in operation.columns
        ]
    )


def _convert(frame: pl.DataFrame, operation: c.Units) -> pl.DataFrame:
    convert = cells.converted(operation)
    made = []
    for name in operation.columns:
        column = frame[name]
        if not operation.unit_column:
            made.append(mapped(column, lambda value: convert(value, None), pl.Float64()))
            continue
        units = frame[operation.unit_column]
        found = [
            None if value is None or (result := convert(value, unit)) is cells.FAILED else result
            for value, unit in zip(column.to_list(), units.to_list(), strict=True)
        ]
        made.append(pl.Series(name, found, dtype=pl.Float64))
    return _checked(frame, made, operation.on_error, f"in {operation.to}")


def _impute(frame: pl.DataFrame, operation: c.Impute, learnt: c.Learnt | None, alone: bool) -> pl.DataFrame:
    flags = [frame[name].is_null().alias(name + MISSING) for name in operation.columns]
    match learnt:
        case c.Fills():
            made = fallback(frame, learnt.values)
        case c.Last():
            made = _from_rows(frame, operation, learnt, alone)
        case c.Neighbours():
            nearest = Nearest(learnt, operation.neighbours, operation.weights == "distance")
            rows = nearest.fill(np.stack(matrix(frame, learnt.features), axis=1))
            made = [numbers(name, rows[:, place]) for place, name in enumerate(learnt.fill)]
        case c.Chain():
            rows = chain.fill(learnt, matrix(frame, learnt.features))
            places = {name: place for place, name in enumerate(learnt.features)}
            made = [numbers(name, rows[places[name]]) for name in learnt.fill]
        case _:
            made = []
    return frame.with_columns([*made, *(flags if operation.indicator else [])])


def _from_rows(frame: pl.DataFrame, operation: c.Impute, learnt: c.Last, alone: bool) -> list[pl.Series]:
    """Fill from neighbouring rows; alone, from the last value known when fitted. What stays gets the usual value."""
    if not alone:
        frame = frame.with_columns(_neighbourly(frame, operation))
        return fallback(frame, learnt.fills)
    if operation.by == "interpolate":
        frame = frame.with_columns(pl.col(operation.columns).cast(pl.Float64))
    owners = owner_keys(frame, operation.of)
    made = []
    for name in operation.columns:
        known = learnt.values.get(name, {})
        kind = type_of(frame[name].dtype)
        last = pl.Series(
            [cells.conform(name, kind, known.get(owner)) for owner in owners], dtype=frame[name].dtype
        )
        made.append(frame[name].zip_with(frame[name].is_not_null(), last))
    return fallback(frame.with_columns(made), learnt.fills)


def owner_keys(frame: pl.DataFrame, of: list[str]) -> list[str]:
    """Whose row each is, as text."""
    if not of:
        return [owner_key(())] * frame.height
    return [owner_key(each) for each in frame.select(of).iter_rows()]


def owner_key(values: tuple[Any, ...]) -> str:
    """The values that tell whose row it is, as one text."""
    return json.dumps([cells.plain(each) for each in values], ensure_ascii=False)


def _neighbourly(frame: pl.DataFrame, operation: c.Impute) -> list[pl.Series]:
    rows = frame.with_row_index("__row__")
    if operation.time:
        rows = rows.sort(operation.time, nulls_last=True, maintain_order=True)
    fillers = [_filler(operation, name, frame) for name in operation.columns]
    owned = [each.over(operation.of) for each in fillers] if operation.of else fillers
    return rows.select("__row__", *owned).sort("__row__").drop("__row__").get_columns()


def _filler(operation: c.Impute, name: str, frame: pl.DataFrame) -> pl.Expr:
    column = pl.col(name)
    if operation.by == "forward":
        return column.forward_fill()
    if operation.by == "backward":
        return column.backward_fill()
    if operation.time and not frame[operation.time].null_count():
        return column.cast(pl.Float64).interpolate_by(operation.time)
    return column.cast(pl.Float64).interpolate()


def _outliers(frame: pl.DataFrame, operation: c.Outliers, learnt: c.Learnt | None) -> Applied:
    if isinstance(learnt, c.Forest):
        found = forest.depths(learnt, matrix(frame, learnt.features)) < forest.limit(learnt)
        far = dict.fromkeys(operation.columns, pl.Series(found, dtype=pl.Boolean))
    elif isinstance(learnt, c.Bounds):
        far = {name: _beyond(frame[name], *learnt.bounds[name]) for name in operation.columns}
    else:
        return frame, None
    if operation.action == "drop":
        return frame, pl.DataFrame([each.alias(name) for name, each in far.items()]).select(
            pl.any_horizontal(pl.all())
        ).to_series()
    if operation.action == "flag":
        if isinstance(learnt, c.Forest):
            return frame.with_columns(next(iter(far.values())).alias(FOREST_FLAG)), None
        return frame.with_columns([each.alias(name + OUTLIER) for name, each in far.items()]), None
    if operation.action == "clip" and isinstance(learnt, c.Bounds):
        return frame.with_columns(
            [_clipped(frame[name], *learnt.bounds[name]) for name in operation.columns]
        ), None
    return frame.with_columns(
        pl.when(far[name]).then(None).otherwise(pl.col(name)).alias(name) for name in operation.columns
    ), None


def _beyond(column: pl.Series, low: float | None, high: float | None) -> pl.Series:
    far = pl.Series(column.name, [False]).new_from_index(0, len(column)) if len(column) else column.is_null()
    if low is not None:
        far = far | (column < low).fill_null(False)
    if high is not None:
        far = far | (column > high).fill_null(False)
    return far


def _clipped(column: pl.Series, low: float | None, high: float | None) -> pl.Series:
    if column.dtype == pl.Int64:
        return column.clip(None if low is None else int(low), None if high is None else int(high))
    return column.clip(low, high)


def _repeats(frame: pl.DataFrame, operation: c.Duplicates) -> pl.Series:
    """Which rows repeat another that stays."""
    key: list[str] = operation.key or frame.columns
    rows = frame.with_row_index("__row__")
    keep: Any = "last" if operation.keep != "first" else "first"
    if operation.keep == "newest":
        rows = rows.sort(operation.time, nulls_last=False, maintain_order=True)
    kept = rows.unique(subset=key, keep=keep, maintain_order=True)["__row__"]
    return ~pl.int_range(frame.height, eager=True).is_in(kept.cast(pl.Int64).to_list())


def _call(frame: pl.DataFrame, operation: c.Call) -> pl.DataFrame:
    functions.permitted(operation.function)
    function = functions.function_of(operation.function, operation.code)
    return frame.with_columns(
        functions.column_of(frame, operation.column, function, operation.inputs, operation.type)
    )


def _derive(frame: pl.DataFrame, operation: c.Derive) -> pl.DataFrame:
    types: dict[str, Type] = {each.name: each.type for each in columns_of(frame)}
    formula = expressions.read(operation.formula, types)
    return frame.with_columns(formula.polars.cast(STORED[formula.type]).alias(operation.column))
