"""Apply a fitted cleaning to one row in plain Python, exactly as frames do with each row alone.

This is what runs at an endpoint: no polars, no scikit-learn; numpy only where neighbours are looked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fettle.core.errors import Invalid
from fettle.data import expressions
from fettle.data.clean import cells, chain, forest, functions
from fettle.data.clean.reach import FOREST_FLAG, MISSING, OUTLIER
from fettle.data.records import cleaning as c
from fettle.data.records.versions import Column, Type

Row = dict[str, Any]
Change = Callable[[Row], None]
"""Changes a row in place."""


class RowCleaner:
    """Steps made ready for rows. Safe to use from many threads.

    Args:
        columns: What a row has; a column that is left out counts as missing.
        steps: What is done to it, in order.
    """

    def __init__(self, columns: Sequence[Column], steps: Sequence[c.Step]) -> None:
        self._columns: list[tuple[str, Type]] = [(each.name, each.type) for each in columns]
        self._changes = [_change(step) for step in steps]

    def __call__(self, row: Mapping[str, Any]) -> Row:
        """The cleaned row; columns that are not known pass through.

        Raises:
            Invalid: A value is of the wrong type, or cannot be read where the operation says `fail`.
        """
        made = dict(row)
        for name, kind in self._columns:
            made[name] = cells.conform(name, kind, row.get(name))
        for change in self._changes:
            change(made)
        return made


def _change(step: c.Step) -> Change:  # noqa: C901 - a case an operation
    operation = step.operation
    types: dict[str, Type] = {each.name: each.type for each in step.before}
    match operation:
        case c.Rename():
            return _rename(operation.columns)
        case c.Drop():
            return _drop(operation.columns)
        case c.Cast():
            return _read(operation, cells.cast(operation))
        case c.Dates():
            return _read(operation, cells.dates(operation))
        case c.Text():
            return _each(operation.columns, cells.text(operation))
        case c.Missing(columns=names):
            return _all([_each([name], cells.missing(operation, types[name])) for name in names])
        case c.Merge():
            kept = step.learnt.kept if isinstance(step.learnt, c.Levels) else {}
            return _all(
                [_each([name], cells.merged(operation, kept.get(name, []))) for name in operation.columns]
            )
        case c.Units():
            return _convert(operation)
        case c.Impute():
            return _impute(operation, step.learnt, types)
        case c.Outliers():
            return _outliers(operation, step.learnt, types)
        case c.Duplicates():
            return _nothing
        case c.Derive():
            return _derive(operation, types)
        case c.Call():
            return _call(operation)


def _nothing(_row: Row) -> None:
    return None


def _all(changes: list[Change]) -> Change:
    def change(row: Row) -> None:
        for each in changes:
            each(row)

    return change


def _rename(names: dict[str, str]) -> Change:
    def change(row: Row) -> None:
        moved = {new: row.pop(old) for old, new in names.items() if old in row}
        row.update(moved)

    return change


def _drop(names: list[str]) -> Change:
    def change(row: Row) -> None:
        for name in names:
            row.pop(name, None)

    return change


def _each(names: list[str], cell: cells.Cell) -> Change:
    def change(row: Row) -> None:
        for name in names:
            if (value := row[name]) is not None:
                row[name] = cell(value)

    return change


def _read(operation: c.Cast | c.Dates, cell: cells.Cell) -> Change:
    names, fails = operation.columns, operation.on_error == "fail"

    def change(row: Row) -> None:
        for name in names:
            if (value := row[name]) is not None:
                row[name] = _known(name, value, cell(value), fails, operation.to)

    return change


def _convert(operation: c.Units) -> Change:
    convert, fails = cells.converted(operation), operation.on_error == "fail"

    def change(row: Row) -> None:
        named = row[operation.unit_column] if operation.unit_column else None
        for name in operation.columns:
            if (value := row[name]) is not None:
                row[name] = _known(name, value, convert(value, named), fails, operation.to)

    return change


def _known(name: str, value: Any, found: Any, fails: bool, to: str) -> Any:
    if found is not cells.FAILED:
        return found
    if not fails:
        return None
    raise Invalid(
        f"The column {name!r} has a value that cannot be read.",
        found=f"{value!r:.60}",
        hint=f"It is read as {to}; null where it is missing.",
        subject=f"column:{name}",
    )


def _impute(operation: c.Impute, learnt: c.Learnt | None, types: dict[str, Type]) -> Change:
    fill = _filler(operation, learnt, types)
    if not operation.indicator:
        return fill
    names = [(name, name + MISSING) for name in operation.columns]

    def flagged(row: Row) -> None:
        flags = {flag: row[name] is None for name, flag in names}
        fill(row)
        row.update(flags)

    return flagged


def _filler(operation: c.Impute, learnt: c.Learnt | None, types: dict[str, Type]) -> Change:
    match learnt:
        case c.Fills():
            return _fill(learnt.values, types)
        case c.Last():
            return _all([_last(operation, learnt, types), _fill(learnt.fills, types)])
        case c.Neighbours():
            return _nearest(operation, learnt)
        case c.Chain():
            return _chained(learnt)
        case _:
            return _nothing


def _fill(values: Mapping[str, c.Scalar], types: dict[str, Type]) -> Change:
    known = [
        (name, value if isinstance(value, float) else cells.conform(name, types[name], value))
        for name, value in values.items()
    ]

    def change(row: Row) -> None:
        for name, value in known:
            if row[name] is None:
                row[name] = value

    return change


def _last(operation: c.Impute, learnt: c.Last, types: dict[str, Type]) -> Change:
    known = {
        name: {owner: cells.conform(name, types[name], value) for owner, value in values.items()}
        for name, values in learnt.values.items()
    }

    def change(row: Row) -> None:
        owner = json.dumps([cells.plain(row[name]) for name in operation.of], ensure_ascii=False)
        for name, values in known.items():
            if row[name] is None:
                row[name] = values.get(owner)

    return change


def _nearest(operation: c.Impute, learnt: c.Neighbours) -> Change:
    import numpy as np

    from fettle.data.clean.neighbours import Nearest

    nearest = Nearest(learnt, operation.neighbours, operation.weights == "distance")
    features, fill = learnt.features, learnt.fill

    def change(row: Row) -> None:
        if not any(row[name] is None for name in fill):
            return
        given = np.array(
            [[np.nan if row[name] is None else row[name] for name in features]], dtype=np.float64
        )
        for name, value in zip(fill, nearest.fill(given)[0].tolist(), strict=True):
            if row[name] is None:
                row[name] = value

    return change


def _chained(learnt: c.Chain) -> Change:
    places = [(name, learnt.features.index(name)) for name in learnt.fill]

    def change(row: Row) -> None:
        if not any(row[name] is None for name, _ in places):
            return
        found = chain.fill_row(learnt, [row[name] for name in learnt.features])
        for name, place in places:
            if row[name] is None:
                row[name] = found[place]

    return change


def _outliers(operation: c.Outliers, learnt: c.Learnt | None, types: dict[str, Type]) -> Change:
    if operation.action == "drop":
        return _nothing
    if isinstance(learnt, c.Forest):
        return _of_forest(operation, learnt)
    if not isinstance(learnt, c.Bounds):
        return _nothing
    return _all([_bounded(operation, name, *learnt.bounds[name], types[name]) for name in operation.columns])


def _of_forest(operation: c.Outliers, learnt: c.Forest) -> Change:
    def change(row: Row) -> None:
        far = forest.is_outlier(learnt, [row[name] for name in learnt.features])
        if operation.action == "flag":
            row[FOREST_FLAG] = far
        elif far:
            row.update(dict.fromkeys(operation.columns))

    return change


def _bounded(operation: c.Outliers, name: str, low: float | None, high: float | None, kind: Type) -> Change:
    if kind == "integer":
        low, high = (None if each is None else int(each) for each in (low, high))

    def change(row: Row) -> None:
        value = row[name]
        if value is None:
            if operation.action == "flag":
                row[name + OUTLIER] = False
            return
        below, above = low is not None and value < low, high is not None and value > high
        if operation.action == "flag":
            row[name + OUTLIER] = below or above
        elif below or above:
            row[name] = None if operation.action == "null" else low if below else high

    return change


def _call(operation: c.Call) -> Change:
    functions.permitted(operation.function)
    function = functions.function_of(operation.function, operation.code)
    of = functions.of_row(operation.column, function, operation.inputs, operation.type)

    def change(row: Row) -> None:
        row[operation.column] = of(row)

    return change


def _derive(operation: c.Derive, types: dict[str, Type]) -> Change:
    formula = expressions.read(operation.formula, types)

    def change(row: Row) -> None:
        row[operation.column] = formula.of(row)

    return change
