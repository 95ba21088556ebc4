"""Many rows gathered into one text by the database: a row costs more to carry over than to write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.functions import FunctionElement

from fettle.core.canonical import decode, encode
from fettle.storage.spelling import spelled


class _Pairs(FunctionElement[str]):
    """`(key, JSON)`: a JSON object of all rows, in the order of their keys; NULL if there are none."""

    type = sa.Text()
    inherit_cache = True


class _Quoted(FunctionElement[str]):
    """A text as JSON."""

    type = sa.Text()
    inherit_cache = True


class _Lines(FunctionElement[str]):
    """The ids of all rows, a line each; NULL if there are none."""

    type = sa.Text()
    inherit_cache = True


class _Given(FunctionElement[str]):
    """A column of ids, from their list as JSON."""

    type = sa.Text()
    inherit_cache = True


class _Roughly(FunctionElement[int]):
    """About how many rows a table has, without counting them; perhaps NULL or less than 1 where nothing is known."""

    type = sa.BigInteger()
    inherit_cache = True


spelled(
    _Pairs,
    "'{' || group_concat(json_quote({0}) || ':' || {1}) || '}'",  # as the primary key has them
    postgresql="'{' || string_agg(to_json({0})::text || ':' || {1}, ',' ORDER BY {0} COLLATE \"C\") || '}'",
)
spelled(_Quoted, "json_quote({0})", postgresql="to_json({0})::text")
spelled(_Lines, "group_concat({0}, char(10))", postgresql="string_agg({0}, chr(10))")
spelled(
    _Given,
    "(SELECT value AS run FROM json_each({0}))",
    postgresql="(SELECT json_array_elements_text(CAST({0} AS json)) AS run)",
)
spelled(
    _Roughly,
    "(SELECT max(rowid) FROM {0})",
    postgresql="(SELECT CAST(reltuples AS bigint) FROM pg_class WHERE oid = CAST('{0}' AS regclass))",
)


def pairs_of(table: sa.Table, run: sa.ColumnElement[str], *, as_text: bool = False) -> sa.ScalarSelect[Any]:
    """Keys and values of one run, as the text of a JSON object; `as_text`: the values are not JSON yet."""
    value = sa.type_coerce(table.c.value, sa.Text)
    written = _Quoted(value) if as_text else value
    return sa.select(_Pairs(table.c.key, written)).where(table.c.run == run).scalar_subquery()


def read_pairs(text: str | None) -> dict[str, Any]:
    return {} if text is None else decode(text)


def lines_of(runs: sa.Select[Any]) -> sa.Select[Any]:
    """The ids (`run`) that a query finds as one text, a line each."""
    return runs.with_only_columns(_Lines(runs.selected_columns.run), maintain_column_froms=True)


def among(column: sa.ColumnElement[str], ids: sa.BindParameter[str]) -> sa.ColumnElement[bool]:
    """Whether a column is one of the ids that a parameter lists as JSON."""
    return column.op("IN", is_comparison=True)(_Given(ids))


def given(ids: Iterable[str]) -> sa.Select[Any]:
    """A query that finds these ids (`run`)."""
    written = sa.literal(encode(list(ids)).decode(), sa.Text)
    return sa.select(sa.column("run", sa.Text)).select_from(_Given(written).alias("given"))


def roughly(table: sa.Table) -> sa.ColumnElement[int]:
    """About how many rows a table has; perhaps NULL or less than 1 where nothing is known."""
    return _Roughly(sa.literal_column(table.name))
