"""Read operations as they are declared: `[[clean]]` tables of a TOML file, or the like in Python."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from fettle.core.errors import Invalid, NotFound, nearest
from fettle.data.records import cleaning as c

KINDS: tuple[type[c.Operation], ...] = (
    c.Rename, c.Drop, c.Cast, c.Dates, c.Text, c.Missing, c.Merge, c.Units, c.Impute, c.Outliers, c.Duplicates,
    c.Derive, c.Call,
)  # fmt: skip
NAMES = {str(msgspec.inspect.type_info(each).tag): each for each in KINDS}  # type: ignore[union-attr]  # all are tagged structs


def read_operations(path: Path) -> list[c.Operation]:
    """Read the operations of a TOML file.

    Raises:
        NotFound: There is no such file.
        Invalid: It is not TOML, has no `[[clean]]` tables, or one of them is no operation.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"There is no file {path}.", hint="Give the TOML file with [[clean]] tables."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Invalid(f"{path} cannot be read as TOML.", found=str(error)) from error
    tables = content.get("clean")
    if not isinstance(tables, list) or not tables:
        raise Invalid(
            f"{path} declares no operations.",
            found=f"the tables {', '.join(content) or '(none)'}",
            hint='Write them as [[clean]] tables, such as: [[clean]]\ndo = "impute"\ncolumns = ["age"]\nby = "median"',
        )
    return operations_of(tables)


def operations_of(tables: Sequence[c.Operation | dict[str, Any]]) -> list[c.Operation]:
    """Read operations from tables; records pass through.

    Raises:
        Invalid: A table is no operation: its place, and what does not fit, are said.
    """
    return [
        each if not isinstance(each, dict) else _operation(each, place)
        for place, each in enumerate(tables, start=1)
    ]


def _operation(table: dict[str, Any], place: int) -> c.Operation:
    name = table.get("do")
    if not isinstance(name, str) or name not in NAMES:
        close = nearest(str(name), NAMES)
        raise Invalid(
            f"Cleaning operation {place} is not known.",
            found=f"do = {name!r}" if name is not None else "no `do`",
            hint=f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(NAMES)}.",
            subject=f"operation:{place}",
        )
    try:
        return msgspec.convert(table, NAMES[name], strict=True)
    except msgspec.ValidationError as error:
        fields = [each for each in NAMES[name].__struct_fields__]
        raise Invalid(
            f"Cleaning operation {place} ({name}) does not fit.",
            found=str(error),
            hint=f"{name} takes {', '.join(fields)}.",
            subject=f"operation:{place}",
        ) from None
