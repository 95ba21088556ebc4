"""Take rows that a program hands out one by one: dicts, tuples with names, dataclasses, structs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import polars as pl

from fettle.core import progress
from fettle.core.errors import Invalid
from fettle.data.headers import column_names
from fettle.data.reading import Read, Reading
from fettle.data.values import Gathered

BATCH_ROWS = 10_000


def read_rows(rows: Iterable[Any], reading: Reading, *, columns: Sequence[str] | None = None) -> Read:
    """Take rows in batches; an iterator is used up, and never held as a whole.

    Dicts, dataclasses, msgspec structs and named tuples name their columns, which may differ from row to row; what a
    row does not have is missing. Dicts inside rows become columns `outer.inner`, lists JSON texts.

    Args:
        rows: The rows.
        reading: What to do with mixed columns.
        columns: Names for rows that are plain tuples or lists.

    Raises:
        Invalid: There are no rows, one is nothing that a row can be, or a tuple has another length; and which.
    """
    gathered: dict[str, Gathered] = {}
    count = 0
    each = iter(rows)
    with progress.phase("Reading rows", unit="rows") as step:
        while batch := list(islice(each, BATCH_ROWS)):
            made = [_row(row, count + index, columns) for index, row in enumerate(batch)]
            for name in dict.fromkeys(key for row in made for key in row):
                if name not in gathered:
                    gathered[name] = Gathered(name, count)
            for name, column in gathered.items():
                column.add([row.get(name) for row in made], _place)
            count += len(batch)
            step(len(batch))
    if not gathered:
        raise Invalid("The iterable gave no rows.", found=f"{count} rows without any column")
    names, notes = column_names(list(gathered))
    made_columns = [
        column.finish("the iterable", _place, mixed=reading.mixed, notes=notes).alias(name)
        for name, column in zip(names, gathered.values(), strict=True)
    ]
    return Read(pl.DataFrame(made_columns), notes)


def _row(row: Any, index: int, columns: Sequence[str] | None) -> dict[str, Any]:
    if isinstance(row, Mapping):
        return (
            dict(_flat(row, "")) if any(isinstance(each, Mapping) for each in row.values()) else _texts(row)
        )
    if isinstance(row, msgspec.Struct):
        return dict(_flat({name: getattr(row, name) for name in row.__struct_fields__}, ""))
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return dict(_flat({each.name: getattr(row, each.name) for each in dataclasses.fields(row)}, ""))
    if isinstance(row, tuple) and (names := getattr(row, "_fields", None)):
        return dict(zip(names, row, strict=True))
    if isinstance(row, tuple | list):
        if columns is None:
            raise Invalid(
                "Rows that are tuples need names.",
                found=f"{_place(index)} is a {type(row).__name__} of {len(row)}",
                hint="Pass columns=[…], or give dicts, named tuples or dataclasses.",
            )
        if len(row) != len(columns):
            raise Invalid(
                f"{_place(index)} has {len(row)} value(s) where there are {len(columns)} columns.",
                found=repr(row)[:120],
                hint="Give each row a value for each column, None where there is none.",
            )
        return dict(zip(columns, row, strict=True))
    raise Invalid(
        f"{_place(index)} cannot be a row.",
        found=f"a value of type {type(row).__name__}",
        hint="Give dicts, named tuples, dataclasses or msgspec structs, or tuples with columns=[…].",
    )


def _texts(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _flat(row: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = dataclasses.asdict(value)
        elif isinstance(value, msgspec.Struct):
            value = {each: getattr(value, each) for each in value.__struct_fields__}
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _place(row: int) -> str:
    return f"row {row + 1}"
