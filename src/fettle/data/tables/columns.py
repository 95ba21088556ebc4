"""How the columns of two versions differ."""

from __future__ import annotations

import polars as pl

from fettle.core.errors import Invalid
from fettle.data.records.diffs import SchemaChange
from fettle.data.types import type_of


def shared_columns(old: pl.Schema, new: pl.Schema) -> list[str]:
    """The columns that both have, in the new order."""
    return [name for name in new if name in old]


def changes_of(old: pl.Schema, new: pl.Schema) -> list[SchemaChange]:
    """Columns added, removed and retyped, and those that stand elsewhere among the columns that both have."""
    shared = shared_columns(old, new)
    before = [name for name in old if name in new]
    kept = set(_longest_run(before, shared))
    return [
        *(SchemaChange("added", name, new=type_name(new[name])) for name in new if name not in old),
        *(SchemaChange("removed", name, old=type_name(old[name])) for name in old if name not in new),
        *(
            SchemaChange("retyped", name, type_name(old[name]), type_name(new[name]))
            for name in shared
            if old[name] != new[name]
        ),
        *(
            SchemaChange("moved", name, str(old.names().index(name) + 1), str(new.names().index(name) + 1))
            for name in shared
            if name not in kept
        ),
    ]


def type_name(dtype: pl.DataType) -> str:
    """Fettle's word for a type where it has one, else polars'."""
    try:
        return type_of(dtype)
    except Invalid:
        return str(dtype)


def _longest_run(before: list[str], after: list[str]) -> list[str]:
    """The most columns that follow each other alike on both sides: the longest increasing sequence of places."""
    place = {name: index for index, name in enumerate(before)}
    best: list[list[str]] = []
    for name in after:
        fitting = max((run for run in best if place[run[-1]] < place[name]), key=len, default=[])
        best.append([*fitting, name])
    return max(best, key=len, default=[])
