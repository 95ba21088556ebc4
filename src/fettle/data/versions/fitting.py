"""Rows made to fit: to a time column, to a key, to the columns of the version they are appended to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fettle.core.errors import Invalid, NotFound
from fettle.data.records.versions import Column, Commit, Type

if TYPE_CHECKING:
    import polars as pl

_WIDER: dict[frozenset[str], Type] = {
    frozenset(("integer", "number")): "number",
    frozenset(("date", "datetime")): "datetime",
}


def timed(frame: pl.DataFrame, time_column: str | None) -> pl.DataFrame:
    """The table with a time column that can say when a row happened: texts that are all dates or times become such.

    Raises:
        NotFound: The column is not in the table.
        Invalid: It holds neither dates nor times.
    """
    import polars as pl

    from fettle.data.recognise import dated

    if time_column is None:
        return frame
    if time_column not in frame.columns:
        raise NotFound.among("column", time_column, frame.columns)
    column = frame[time_column]
    if column.dtype == pl.String:
        column = dated(column)
        frame = frame.with_columns(column)
    if not column.dtype.is_temporal():
        shown = ", ".join(repr(each) for each in column.drop_nulls().head(3).to_list())
        raise Invalid(
            f"The column {time_column!r} cannot be the time of a row.",
            found=f"values such as {shown}" if shown else "no values",
            hint="Name a column of dates or times, such as 2024-05-31 or 2024-05-31T12:00:00Z"
            + (
                f"; seconds since 1970 become times in a query: SELECT * REPLACE (make_timestamp("
                f'CAST("{time_column}" * 1000000 AS BIGINT)) AS "{time_column}") FROM …'
                if column.dtype.is_numeric()
                else ". Where day and month cannot be told apart (03/04/2024), write the year first."
            ),
            subject=f"column:{time_column}",
        )
    return frame


def fitted(frame: pl.DataFrame, base: Commit) -> pl.DataFrame:
    """Bring rows to the columns of the version they are appended to; only widening is allowed."""
    import polars as pl

    from fettle.data.types import STORED, columns_of

    known: dict[str, Type] = {column.name: column.type for column in base.columns}
    missing = [name for name in known if name not in frame.columns]
    extra = [name for name in frame.columns if name not in known]
    if missing or extra:
        raise Invalid(
            f"These rows do not fit {base.dataset!r}: the columns differ.",
            found="; ".join(
                part
                for part in (
                    f"missing: {', '.join(missing[:8])}" if missing else "",
                    f"new: {', '.join(extra[:8])}" if extra else "",
                )
                if part
            ),
            hint="Append rows with the same columns, or commit the whole table anew without append.",
        )
    columns: list[pl.Expr] = []
    for given in columns_of(frame.select(list(known))):
        kind = known[given.name]
        wider = _WIDER.get(frozenset((given.type, kind)))
        if given.type == kind or wider == given.type:
            columns.append(pl.col(given.name))
        elif wider == kind or frame[given.name].null_count() == frame.height:
            columns.append(pl.col(given.name).cast(STORED[kind]))
        else:
            raise Invalid(
                f"These rows do not fit {base.dataset!r}: the column {given.name!r} has another type.",
                found=f"{given.type} here, {kind} in the newest version",
                hint="Correct the column, or commit the whole table anew without append.",
            )
    return frame.select(columns)


def merged(old: list[Column], new: list[Column]) -> list[Column]:
    """The wider type of each column; the rows were fitted, so that one of the two is."""
    fresh = {column.name: column for column in new}
    return [fresh[column.name] for column in old]


def key_of(head: Commit | None, frame: pl.DataFrame, key: Sequence[str] | None) -> list[str]:
    if key is None:
        before = head.tables[0].key if head is not None and len(head.tables) == 1 else []
        return before if set(before) <= set(frame.columns) else []
    for name in key:
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    _check_key(frame, list(key))
    return list(key)


def _check_key(frame: pl.DataFrame, key: list[str]) -> None:
    import polars as pl

    if not key or frame.select(pl.struct(key).n_unique()).item() == frame.height:
        return
    twice = frame.select(key).filter(pl.struct(key).is_duplicated()).row(0, named=True)
    raise Invalid(
        f"The columns {', '.join(key)} do not tell rows apart.",
        found="more than one row with " + ", ".join(f"{name}={value!r}" for name, value in twice.items()),
        hint="Name more columns, or leave repeated rows out: fettle data ingest --key, or a `duplicates` cleaning.",
    )
