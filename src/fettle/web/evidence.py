"""Evidence as people read it: plain facts as a list, facts about many things as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Grid:
    """Facts about many things: `rows` are (thing, facts); `numbers` are the columns that hold only numbers."""

    name: str
    columns: list[str]
    rows: list[tuple[str, Mapping[str, Any]]]
    numbers: frozenset[str]


@dataclass(frozen=True)
class Evidence:
    """Evidence in its two forms."""

    facts: list[tuple[str, Any]]
    grids: list[Grid]


def arrange(values: Mapping[str, Any]) -> Evidence:
    """Part evidence into facts and tables; a mapping of plain values is spread into facts, however deep."""
    found = Evidence([], [])
    _part(values, found)
    return found


def _part(values: Mapping[str, Any], found: Evidence) -> None:
    for key, value in values.items():
        rows = _rows(value)
        if rows:
            found.grids.append(_grid(str(key), rows))
        elif isinstance(value, Mapping):
            _part(value, found)
        else:
            found.facts.append((str(key), value))


def _rows(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """The things and their facts, where `value` is a mapping or a list of mappings."""
    if isinstance(value, Mapping) and value and all(isinstance(each, Mapping) for each in value.values()):
        return [(str(name), each) for name, each in value.items()]
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return [(str(each.get("name", index + 1)), each) for index, each in enumerate(value)]
    return []


def _grid(name: str, rows: list[tuple[str, Mapping[str, Any]]]) -> Grid:
    columns = list(dict.fromkeys(str(key) for _, row in rows for key in row if key != "name"))
    numbers = frozenset(
        column for column in columns if all(isinstance(row.get(column, 0), int | float) for _, row in rows)
    )
    return Grid(name, columns, rows, numbers)
