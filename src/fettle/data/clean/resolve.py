"""Hold an operation against the columns it finds: names that are there, types it can treat, columns left open named."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data import expressions
from fettle.data.clean import cells, functions, units
from fettle.data.clean.reach import FOREST_FLAG, MISSING, OUTLIER
from fettle.data.records import cleaning as c
from fettle.data.records.versions import Type
from fettle.data.types import columns_of

_OF_NUMBERS = ("mean", "median", "knn", "iterative", "interpolate")
_OF_ORDER = ("forward", "backward", "interpolate")


def resolved(operation: c.Operation, frame: pl.DataFrame, target: str) -> c.Operation:
    """The operation with its columns named.

    Raises:
        NotFound: A column is not there.
        Invalid: A column is of a type that the operation cannot treat, or a setting makes no sense.
    """
    types: dict[str, Type] = {each.name: each.type for each in columns_of(frame)}
    match operation:
        case c.Rename(columns=names):
            _there(names, types)
            _free(names.values(), [name for name in types if name not in names])
        case c.Derive():
            expressions.read(operation.formula, types)
        case c.Call():
            _there(list(operation.inputs), types)
            functions.permitted(operation.function)
            functions.function_of(operation.function, operation.code)
        case c.Text(columns=[]):
            texts = [name for name, kind in types.items() if kind == "string" and name != target]
            return msgspec.structs.replace(operation, columns=texts)
        case c.Text(columns=names) | c.Merge(columns=names):
            _typed(names, types, ("string",))
        case c.Missing(columns=names):
            _comparable(operation, names, types)
        case c.Units(columns=names):
            _typed(names, types, ("number", "integer", "string"))
            _there([operation.unit_column] if operation.unit_column else [], types)
            start, end = units.known_unit(operation.unit or operation.to), units.known_unit(operation.to)
            units.line(start, end)
        case c.Impute():
            return _imputed(operation, frame, types, target)
        case c.Outliers(columns=names):
            _typed(names, types, ("number", "integer"))
            _sane(operation, types)
        case c.Duplicates():
            _there([*operation.key, *([operation.time] if operation.time else [])], types)
            if (operation.keep == "newest") != bool(operation.time):
                raise Invalid(
                    '`keep = "newest"` needs `time`, the column that says which is newer; nothing else does.'
                )
        case _:
            _there(operation.columns, types)
    return operation


def _comparable(operation: c.Missing, names: list[str], types: dict[str, Type]) -> None:
    _there(names, types)
    for name in names:
        cells.missing(operation, types[name])


def _imputed(operation: c.Impute, frame: pl.DataFrame, types: dict[str, Type], target: str) -> c.Impute:
    numbers = operation.by in _OF_NUMBERS
    if not operation.columns:
        open_columns = [
            name
            for name, kind in types.items()
            if 0 < frame[name].null_count() < frame.height
            and name != target
            and (not numbers or kind in ("number", "integer"))
        ]
        operation = msgspec.structs.replace(operation, columns=open_columns)
    _typed(operation.columns, types, ("number", "integer") if numbers else tuple(set(types.values())))
    _typed(operation.using, types, ("number", "integer"))
    _there([*operation.of, *([operation.time] if operation.time else [])], types)
    if target in operation.using:
        raise Invalid(
            f"The target {target!r} cannot be used to fill in other columns.",
            hint="An endpoint does not know it.",
        )
    if (operation.value is not None) != (operation.by == "constant"):
        raise Invalid('`by = "constant"` needs `value`, what to fill in; no other way takes one.')
    if (operation.of or operation.time) and operation.by not in _OF_ORDER:
        raise Invalid(
            f"`of` and `time` mean nothing to {operation.by!r}.", hint=f"They are for {', '.join(_OF_ORDER)}."
        )
    if operation.neighbours < 1 or operation.rounds < 1 or operation.reference < 1:
        raise Invalid("`neighbours`, `rounds` and `reference` are 1 or more.")
    if operation.indicator:
        _free([name + MISSING for name in operation.columns], list(types))
    return operation


def _sane(operation: c.Outliers, types: dict[str, Type]) -> None:
    forest = operation.by == "isolation_forest"
    if forest and operation.action == "clip":
        raise Invalid(
            "A forest knows no bounds to clip to.", hint='Choose action = "null", "drop" or "flag".'
        )
    if not 0 <= operation.low < operation.high <= 1:
        raise Invalid(
            "`low` and `high` are shares, the first below the second.",
            found=f"{operation.low}, {operation.high}",
        )
    if operation.factor < 0 or not 0 <= operation.contamination <= 0.5:
        raise Invalid("`factor` is 0 or more, `contamination` 0 to 0.5.")
    if operation.action == "flag":
        _free([FOREST_FLAG] if forest else [name + OUTLIER for name in operation.columns], list(types))


def _there(names: Iterable[str], types: dict[str, Type]) -> None:
    for name in names:
        if name not in types:
            raise NotFound.among("column", name, types)


def _typed(names: Iterable[str], types: dict[str, Type], kinds: tuple[Type, ...]) -> None:
    _there(names, types)
    for name in names:
        if types[name] not in kinds:
            raise Invalid(
                f"The column {name!r} is of type {types[name]}.",
                found=f"needed: {' or '.join(kinds)}",
                hint='Read it as another type first: do = "cast" or do = "dates".',
                subject=f"column:{name}",
            )


def _free(names: Iterable[str], taken: Iterable[str]) -> None:
    held = set(taken)
    for name in names:
        if name in held:
            raise Invalid(f"There is a column {name!r} already.", hint="Rename it, or drop it, first.")
        held.add(name)
