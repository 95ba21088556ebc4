"""Join tables as of a time: each row gets what was known when it happened, and nothing of its future."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.core.units import duration_s
from fettle.features.records import Aggregate, Joined

LONGEST = "100000d"
"""A window that holds all earlier rows: polars counts it in 64 bits of nanoseconds."""

_ROW, _AT, _IS_SPINE = "#row", "#at", "#spine"

_SUMMARIES: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "count": lambda column: column.count(),
    "sum": lambda column: pl.when(column.count() > 0).then(column.sum()),
    "mean": lambda column: column.mean(),
    "min": lambda column: column.min(),
    "max": lambda column: column.max(),
    "std": lambda column: column.std(),
    "distinct": lambda column: column.drop_nulls().n_unique(),
}


def join_as_of(
    spine: pl.DataFrame, time: str, table: pl.DataFrame | pl.LazyFrame, how: Joined
) -> pl.DataFrame:
    """Join a table to rows as of their time.

    A row of the table counts for a row of the spine if it has the same key, and happened, plus `lag`, at or before the
    spine's time (before it, if `strict`). A row that is dated by the day happened, for a spine with times, when the day
    was over. So nothing that came later can be seen, whatever order the rows are in.

    Args:
        spine: The rows that are kept, one for one and in order.
        time: The spine's column of dates or times; a row without a time gets nothing.
        table: What is joined.
        how: By what, and which columns.

    Returns:
        The spine with the new columns. `count` and `distinct` are 0 where no row counts; the others are missing
        where no value does, as in SQL.

    Raises:
        NotFound: A column is not there.
        Conflict: A new column has the name of one that is there.
        Invalid: Nothing is taken, a column is no time, or key columns are of different types.
    """
    events = table.lazy().collect()
    _check(spine, time, events, how)
    keys = {theirs: f"#key{place}" for place, theirs in enumerate(how.key.values())}
    moments = _known_at(events, how, spine[time].dtype == pl.Date)
    known = events.with_columns(moments.alias(_AT)).drop_nulls(_AT).sort(_AT)
    asked = spine.with_row_index(_ROW).with_columns(
        pl.col(time).cast(pl.Datetime("us", "UTC")).alias(_AT),
        *(pl.col(ours).alias(named) for ours, named in zip(how.key, keys.values(), strict=True)),
    )
    known = known.with_columns(pl.col(theirs).alias(named) for theirs, named in keys.items())
    made = spine
    for columns in (
        _last(asked, known, list(keys.values()), how),
        *_windows(asked, known, list(keys.values()), how),
    ):
        made = made.hstack(columns)
    return made


def _last(asked: pl.DataFrame, known: pl.DataFrame, keys: list[str], how: Joined) -> pl.DataFrame:
    """The last known values: of one and the same row of the table, missing ones included."""
    wanted = {f"{how.prefix}{name}": name for name in how.take}
    wanted |= {each.name: each.of for each in how.aggregate if each.how == "last"}
    picked = known.select(*keys, _AT, *(pl.col(of).alias(f"#{name}") for name, of in wanted.items()))
    joined = (
        asked.select(_ROW, _AT, *keys)
        .drop_nulls(_AT)
        .sort(_AT)
        .join_asof(
            picked,
            on=_AT,
            by=keys,
            strategy="backward",
            tolerance=timedelta(seconds=duration_s(how.max_age)) if how.max_age else None,
            allow_exact_matches=not how.strict,
            check_sortedness=False,
        )
    )
    whole = asked.select(_ROW).join(joined, on=_ROW, how="left", maintain_order="left")
    return whole.select(pl.col(f"#{name}").alias(name) for name in wanted)


def _windows(asked: pl.DataFrame, known: pl.DataFrame, keys: list[str], how: Joined) -> list[pl.DataFrame]:
    """Summaries of the rows in each window: the spine's rows stand among the table's, and only theirs are kept."""
    wished = [each for each in how.aggregate if each.how != "last"]
    return [
        _window(asked, known, keys, how.strict, window, [each for each in wished if each.window == window])
        for window in dict.fromkeys(each.window for each in wished)
    ]


def _window(
    asked: pl.DataFrame,
    known: pl.DataFrame,
    keys: list[str],
    strict: bool,
    window: str,
    wished: Sequence[Aggregate],
) -> pl.DataFrame:
    ask = asked.select(_ROW, _AT, *keys, pl.lit(True).alias(_IS_SPINE)).drop_nulls([_AT, *keys])
    values = [(pl.col(each.of) if each.of else pl.lit(1, pl.Int8)).alias(f"#{each.name}") for each in wished]
    have = known.drop_nulls(keys).select(*keys, _AT, pl.lit(False).alias(_IS_SPINE), *values)
    both = pl.concat([have, ask], how="diagonal").sort(_AT, maintain_order=True)
    period = f"{int(duration_s(window) * 1_000_000)}us" if window else LONGEST
    found = both.rolling(_AT, period=period, group_by=keys, closed="left" if strict else "right").agg(
        *(_SUMMARIES[each.how](pl.col(f"#{each.name}")).alias(each.name) for each in wished),
    )
    rows = both.sort([*keys, _AT], maintain_order=True)
    found = found.sort([*keys, _AT], maintain_order=True).select(each.name for each in wished)
    placed = pl.concat([rows.select(_ROW, _IS_SPINE), found], how="horizontal").filter(_IS_SPINE)
    whole = asked.select(_ROW).join(placed, on=_ROW, how="left", maintain_order="left")
    counted = [each.name for each in wished if each.how in ("count", "distinct")]
    return whole.select(
        pl.col(each.name).fill_null(0).cast(pl.Int64) if each.name in counted else pl.col(each.name)
        for each in wished
    )


def _known_at(events: pl.DataFrame, how: Joined, by_day: bool) -> pl.Expr:
    """When each row of the table was known: what is dated by the day only at the end of it.

    Where the spine is dated by days too, a day knows what is dated the same, as a moment knows its own.
    """
    at = pl.col(how.time).cast(pl.Datetime("us", "UTC"))
    dated = events[how.time].dtype == pl.Date and not by_day
    return at + _lag(how) + (timedelta(days=1) if dated else timedelta())


def _lag(how: Joined) -> Any:
    return timedelta(seconds=duration_s(how.lag)) if how.lag else timedelta()


def _check(spine: pl.DataFrame, time: str, events: pl.DataFrame, how: Joined) -> None:
    for name in (time, *how.key):
        if name not in spine.columns:
            raise NotFound.among("column of the spine", name, spine.columns)
    taken = [*how.take, *(each.of for each in how.aggregate if each.of)]
    for name in (how.time, *how.key.values(), *taken):
        if name not in events.columns:
            raise NotFound.among(f"column of {how.table}", name, events.columns)
    for where, frame, name in (("the spine", spine, time), (how.table, events, how.time)):
        if not frame[name].dtype.is_temporal():
            raise Invalid(
                f"The column {name!r} of {where} is no time.",
                found=str(frame[name].dtype),
                hint="Commit it with --time-column, or name a column of dates or times.",
            )
    for ours, theirs in how.key.items():
        if spine[ours].dtype != events[theirs].dtype:
            raise Invalid(
                f"The key columns {ours!r} and {theirs!r} are of different types.",
                found=f"{spine[ours].dtype} and {events[theirs].dtype}",
                hint="Bring them to one type first: fettle data clean with a cast.",
            )
    _check_made(spine, how)


def _check_made(spine: pl.DataFrame, how: Joined) -> None:
    made = [*(f"{how.prefix}{name}" for name in how.take), *(each.name for each in how.aggregate)]
    if not made:
        raise Invalid(f"Nothing is taken from {how.table}.", hint="Name columns in `take` or `aggregate`.")
    twice = [name for name in made if name in spine.columns or made.count(name) > 1]
    if twice:
        raise Conflict(
            f"The column {twice[0]!r} would be there twice.", hint="Give a `prefix`, or another name."
        )
    for each in how.aggregate:
        if not each.of and each.how != "count":
            raise Invalid(
                f"{each.name!r} must say what it is made of.", hint="Give `of`; only a count needs none."
            )
