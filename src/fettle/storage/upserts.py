"""Inserts that expect a row to be there already, in words that both dialects understand.

A duplicate is otherwise a `Conflict` that dooms the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


def insert_new(table: Table, *, keys: Sequence[str] | None = None) -> Insert:
    """An insert that leaves a row as it is if it exists; `rowcount` tells how many were new.

    Args:
        table: Into which.
        keys: The columns whose equality makes a duplicate; None means the primary key.
    """
    return _insert_new(table, None if keys is None else tuple(keys))


@cache
def _insert_new(table: Table, keys: tuple[str, ...] | None) -> Insert:
    return Insert(table).on_conflict_do_nothing(index_elements=_keys(table, keys))


def upsert(
    table: Table, *, keys: Sequence[str] | None = None, replace: Sequence[str] | None = None
) -> Insert:
    """An insert that updates the row if it exists.

    Args:
        table: Into which.
        keys: The columns whose equality makes a duplicate; None means the primary key.
        replace: The columns that take the new values; None means all that are not keys.

    Example:
        `tx.execute(upsert(CURSORS), {"name": "log", "position": "7"})`
    """
    return _upsert(table, None if keys is None else tuple(keys), None if replace is None else tuple(replace))


@cache
def _upsert(table: Table, keys: tuple[str, ...] | None, replace: tuple[str, ...] | None) -> Insert:
    """Statements are never changed, and making one takes longer than running it."""
    wanted = _keys(table, keys)
    columns = (
        replace if replace is not None else [each.name for each in table.columns if each.name not in wanted]
    )
    statement = Insert(table)
    if not columns:
        return statement.on_conflict_do_nothing(index_elements=wanted)
    new = {name: statement.excluded[name] for name in columns}
    return statement.on_conflict_do_update(index_elements=wanted, set_=new)


def _keys(table: Table, keys: Sequence[str] | None) -> list[str]:
    return list(keys) if keys is not None else [column.name for column in table.primary_key]


# SQLite's statement serves both: importing PostgreSQL's would cost every start 35 ms.


@compiles(OnConflictDoNothing, "postgresql")
def _do_nothing(clause: OnConflictDoNothing, compiler: SQLCompiler, **_: Any) -> str:
    return f"ON CONFLICT ({_targets(clause, compiler)}) DO NOTHING"


@compiles(OnConflictDoUpdate, "postgresql")
def _do_update(clause: OnConflictDoUpdate, compiler: SQLCompiler, **_: Any) -> str:
    columns = _quoted(dict(clause.update_values_to_set), compiler)
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return f"ON CONFLICT ({_targets(clause, compiler)}) DO UPDATE SET {changes}"


def _targets(clause: OnConflictDoNothing | OnConflictDoUpdate, compiler: SQLCompiler) -> str:
    return ", ".join(_quoted(clause.inferred_target_elements or (), compiler))


def _quoted(columns: Iterable[Any], compiler: SQLCompiler) -> list[str]:
    return [compiler.preparer.quote(each if isinstance(each, str) else each.name) for each in columns]
