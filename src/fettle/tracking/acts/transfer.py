"""What people made around their runs, row by row, on its way to another workspace."""

from __future__ import annotations

from typing import Any

from fettle.acts import Context, Role, act
from fettle.core.errors import Invalid, NotFound
from fettle.tracking.acts import upkeep
from fettle.tracking.store import transfer as store

MOST_ROWS = 1000
"""Rows in one call."""
_OF_FILES = ("artifacts", "files")


@act("tracking.rows", reads=True, plumbing=True)
def rows(ctx: Context, table: str, *, start: int = 0, limit: int = MOST_ROWS) -> list[dict[str, Any]]:
    """Show rows of what people made: comments, reports, logged models, traces and the like.

    Moments are microseconds since 1970, nested values JSON, experiments names.

    Args:
        table: Such as `comments`.
        start: Pass over so many.
        limit: At most so many.
    """
    return store.rows(ctx.tx, _known(table), max(0, start), max(0, min(limit, MOST_ROWS)))


@act("tracking.adopt_rows", needs=Role.ADMIN, plumbing=True)
def adopt_rows(ctx: Context, table: str, rows: list[dict[str, Any]]) -> int:
    """Take in rows of another workspace as they are; those that are here already stay. Returns how many are new.

    Args:
        table: Such as `comments`.
        rows: As `rows` gave them there, at most 1,000.

    Raises:
        Unavailable: The content of a file has not arrived.
    """
    columns = {each.name: each.type.python_type for each in store.TABLES[_known(table)].columns}
    if len(rows) > MOST_ROWS:
        raise Invalid(
            "That are too many rows at once.", found=f"{len(rows):,}", hint=f"At most {MOST_ROWS:,}."
        )
    for row in rows:
        _check(table, row, columns)
        if table in _OF_FILES:
            row["size_bytes"] = upkeep.arrived(ctx, row["path"], row["digest"])
    return store.add(ctx.tx, table, rows)


def _known(table: str) -> str:
    if table not in store.TABLES:
        raise NotFound.among("table", table, list(store.TABLES))
    return table


def _check(table: str, row: dict[str, Any], columns: dict[str, type]) -> None:
    """Refuse a row with other columns, or other kinds of values, than the table has."""
    kinds = columns | ({"experiment": str} if "experiment" in columns else {})
    wrong = set(row) ^ set(columns) or {
        name for name, value in row.items() if value is not None and not _fits(value, kinds[name])
    }
    if wrong:
        raise Invalid(f"That is no row of {table}.", found=f"not as expected: {', '.join(sorted(wrong))}")


def _fits(value: Any, kind: type) -> bool:
    return isinstance(value, (int, float) if kind is float else kind)
