"""Bring fresh rows into the rows that are there: by key, by time, or both; again and again, and nothing comes twice.

Rows that are there already, equal in every column, are duplicates and dropped. With a key, a row whose key is there
takes the other's place, is skipped, or is refused. With a time, the latest time that was seen is the high-water mark:
later rows are added; rows that come late, but within an allowed lateness, are added too; rows that come later than that
are left out and reported, for what was computed of that time is not to change any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
import polars as pl

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.core.units import duration_text

OnExisting = Literal["update", "skip", "error"]
"""What to do with a row whose key is there with other values: replace the old one, keep the old one, or refuse all."""

MOST_SHOWN = 5
_WIDER = {(pl.Int64, pl.Float64), (pl.Date, pl.Datetime)}


class Increment(msgspec.Struct, frozen=True):
    """How fresh rows are brought in.

    Attributes:
        key: Columns whose values tell rows apart; empty: only rows equal in every column are the same.
        time: The column that says when a row happened; None: rows have no time.
        lateness_s: How many seconds behind the high-water mark a row may come.
        existing: What to do with a row whose key is there with other values.
        high_water: The latest time that was seen before; None: the latest of the rows that are there.
    """

    key: list[str] = []
    time: str | None = None
    lateness_s: float = 0.0
    existing: OnExisting = "update"
    high_water: datetime | None = None


class Counts(msgspec.Struct, frozen=True):
    """What became of the fresh rows; `late` rows are among those added or updated, the others add up to `read`.

    Attributes:
        read: Fresh rows.
        added: Rows that were not there.
        updated: Rows that took the place of an older one with their key.
        duplicates: Rows that were there already, came twice, or are older than the one with their key.
        skipped: Rows whose key is there with other values, left as it was.
        late: Rows behind the high-water mark that were still brought in.
        too_late: Rows so far behind it that they were left out.
    """

    read: int
    added: int = 0
    updated: int = 0
    duplicates: int = 0
    skipped: int = 0
    late: int = 0
    too_late: int = 0


class Merged(NamedTuple):
    """What came of it.

    `rows` are only the rows to append where `appends` is true, else the whole table, in which updated rows stand where
    the old ones stood. `high_water` is the latest time seen so far.
    """

    rows: pl.DataFrame
    appends: bool
    counts: Counts
    high_water: datetime | None
    notes: list[str]


def merge_in(existing: pl.LazyFrame | None, fresh: pl.DataFrame, rule: Increment) -> Merged:
    """Bring fresh rows into the rows that are there.

    Doing it twice with the same rows adds nothing the second time. Of several fresh rows with one key the newest is
    taken: by time if there is one, else the last. A row older than the one it would replace does not replace it.

    Args:
        existing: The rows that are there; None: none yet.
        fresh: Rows with the same columns (any order; integers widen to numbers and dates to times).
        rule: How.

    Raises:
        NotFound: A column of the rule is not there.
        Invalid: The columns differ, a key or time is missing in a row (and which), or the time is no time.
        Conflict: A key is there with other values, and the rule says `error`.
    """
    notes: list[str] = []
    _check_columns(fresh, rule)
    read = fresh.height
    old = None if existing is None else existing.collect_schema()
    if existing is not None and old is not None:
        fresh = _fitted(fresh, old)
        existing = existing.with_columns(pl.col(name).cast(fresh.schema[name]) for name in old.names())
    rows = _newest(fresh.with_row_index("_place"), rule)
    found = _compared(existing, rows, rule)
    mark = _high_water(existing, rule)
    found, late, too_late = _timely(found, mark, rule, notes)
    _check_existing(found, rule)
    new = found.filter(pl.col("_state") == "new")
    changed = found.filter(pl.col("_state") == "changed") if rule.existing == "update" else found.clear()
    counts = Counts(
        read=read,
        added=new.height,
        updated=changed.height,
        duplicates=read - rows.height + _count(found, "same") + _count(found, "older"),
        skipped=_count(found, "changed") - changed.height,
        late=late,
        too_late=too_late,
    )
    high_water = _latest([mark, _max_time(pl.concat([new, changed]), rule)])
    added = new.sort("_place").select(fresh.columns)
    if not changed.height or existing is None:
        return Merged(added, True, counts, high_water, notes)
    whole = pl.concat([_replaced(existing, changed.select(fresh.columns), rule.key), added])
    return Merged(whole, False, counts, high_water, notes)


def _check_columns(fresh: pl.DataFrame, rule: Increment) -> None:
    for name in (*rule.key, *([rule.time] if rule.time else [])):
        if name not in fresh.columns:
            raise NotFound.among("column", name, fresh.columns)
        if fresh[name].null_count():
            row = int(fresh[name].is_null().arg_true()[0]) + 1
            what = "time" if name == rule.time else "key"
            raise Invalid(
                f"Rows without a {what} cannot be brought in.",
                found=f"{fresh[name].null_count():,} row(s) without a value in {name!r}; the first is row {row}",
                hint="Leave them out or fill them in the source.",
                subject=f"column:{name}",
            )
    if rule.time and not isinstance(fresh.schema[rule.time], pl.Date | pl.Datetime):
        raise Invalid(
            f"The column {rule.time!r} cannot be the time of a row.",
            found=f"values such as {fresh[rule.time][0]!r}" if fresh.height else "no values",
            hint="Name a column of dates or times, such as 2024-05-31T12:00:00Z.",
        )


def _fitted(fresh: pl.DataFrame, old: pl.Schema) -> pl.DataFrame:
    """The fresh rows with the columns of the old ones, in their order and the wider type of both."""
    missing = [name for name in old if name not in fresh.columns]
    extra = [name for name in fresh.columns if name not in old]
    if missing or extra:
        parts = (
            f"missing: {', '.join(missing[:8])}" if missing else "",
            f"new: {', '.join(extra[:8])}" if extra else "",
        )
        raise Invalid(
            "These rows do not fit those that are there: the columns differ.",
            found="; ".join(filter(None, parts)),
            hint="Bring in rows with the same columns, or ingest the whole table anew.",
        )
    casts: list[pl.Expr] = []
    for name, kind in old.items():
        given = fresh.schema[name]
        if given == kind or (given.base_type(), kind.base_type()) in {(b, a) for a, b in _WIDER}:
            casts.append(pl.col(name))  # the same, or the old ones are widened
        elif (given.base_type(), kind.base_type()) in _WIDER or fresh[name].null_count() == fresh.height:
            casts.append(pl.col(name).cast(kind))
        else:
            raise Invalid(
                f"These rows do not fit those that are there: the column {name!r} has another type.",
                found=f"{given} here, {kind} there",
                hint="Correct the column in the source, or ingest the whole table anew.",
                subject=f"column:{name}",
            )
    return fresh.select(casts)


def _newest(rows: pl.DataFrame, rule: Increment) -> pl.DataFrame:
    """Of fresh rows that are the same, one: the newest by time, else the last; of wholly equal rows the first."""
    columns = [name for name in rows.columns if name != "_place"]
    rows = rows.unique(subset=columns, keep="first", maintain_order=True)
    if not rule.key:
        return rows
    ordered = rows.sort(rule.time, maintain_order=True) if rule.time else rows
    return ordered.unique(subset=rule.key, keep="last", maintain_order=True).sort("_place")


def _compared(existing: pl.LazyFrame | None, rows: pl.DataFrame, rule: Increment) -> pl.DataFrame:
    """The fresh rows with `_state`: `new`, `same`, `changed`, or `older` than what is there."""
    if existing is None:
        return rows.with_columns(pl.lit("new").alias("_state"))
    columns = [name for name in rows.columns if name != "_place"]
    on = rule.key or columns
    known = existing.join(rows.lazy().select(on).unique(), on=on, how="semi", nulls_equal=True)
    known = known.unique(subset=on, keep="last", maintain_order=True).collect(engine="streaming")
    if not rule.key:
        seen = known.with_columns(pl.lit("same").alias("_state"))
        joined = rows.join(seen, on=on, how="left", nulls_equal=True, maintain_order="left")
        return joined.with_columns(pl.col("_state").fill_null("new"))
    rest = [name for name in columns if name not in rule.key]
    there = known.select(
        *on, pl.lit(True).alias("_there"), *(pl.col(each).alias(f"_old {each}") for each in rest)
    )
    joined = rows.join(there, on=on, how="left", nulls_equal=True, maintain_order="left")
    equal = pl.all_horizontal(
        pl.lit(True), *(pl.col(each).eq_missing(pl.col(f"_old {each}")) for each in rest)
    )
    older = pl.col(rule.time) < pl.col(f"_old {rule.time}") if rule.time in rest else pl.lit(False)
    state = (
        pl.when(pl.col("_there").is_null()).then(pl.lit("new"))
        .when(equal).then(pl.lit("same"))
        .when(older).then(pl.lit("older"))
        .otherwise(pl.lit("changed"))
    )  # fmt: skip
    return joined.with_columns(state.alias("_state")).select(*rows.columns, "_state")


def _high_water(existing: pl.LazyFrame | None, rule: Increment) -> datetime | None:
    """The latest time seen before: what was written down, or that of a row that is there."""
    if rule.time is None:
        return None
    there = None if existing is None else existing.select(pl.col(rule.time).max()).collect().item()
    return _latest([rule.high_water, _instant(there)])


def _max_time(rows: pl.DataFrame, rule: Increment) -> datetime | None:
    return _instant(rows[rule.time].max()) if rule.time and rows.height else None


def _timely(
    found: pl.DataFrame, mark: datetime | None, rule: Increment, notes: list[str]
) -> tuple[pl.DataFrame, int, int]:
    """Without the rows that come too late; and how many came late and too late."""
    if rule.time is None or mark is None:
        return found, 0, 0
    times = pl.col(rule.time)
    moment = times.cast(pl.Datetime("us", "UTC")) if found.schema[rule.time] == pl.Date else times
    brings = pl.col("_state").is_in(["new", "changed"])
    floor = mark - timedelta(seconds=rule.lateness_s)
    lost = found.filter(brings & (moment < floor))
    late = found.filter(brings & (moment < mark) & (moment >= floor)).height
    if lost.height:
        shown = ", ".join(str(each) for each in lost[rule.time].head(MOST_SHOWN).to_list())
        more = ", …" if lost.height > MOST_SHOWN else ""
        places = ", ".join(str(place + 1) for place in lost["_place"].head(MOST_SHOWN).to_list())
        notes.append(
            f"{lost.height:,} row(s) came more than {duration_text(rule.lateness_s)} behind {mark:%Y-%m-%d %H:%M:%S} "
            f"and were left out: {shown}{more} (row {places}{more}); a longer --lateness lets them in"
        )
    return found.filter(~(brings & (moment < floor))), late, lost.height


def _check_existing(found: pl.DataFrame, rule: Increment) -> None:
    changed = found.filter(pl.col("_state") == "changed")
    if rule.existing != "error" or not changed.height:
        return
    first = changed.row(0, named=True)
    key = ", ".join(f"{name} = {first[name]!r}" for name in rule.key)
    raise Conflict(
        f"{changed.height:,} row(s) are there already with other values.",
        found=f"the first is row {first['_place'] + 1}: {key}",
        hint="Take the new ones with --existing update, or keep the old ones with --existing skip.",
    )


def _replaced(existing: pl.LazyFrame, changed: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """All rows that are there, those whose key is among `changed` with the new values."""
    if len(key) == len(changed.columns):
        return existing.collect()
    return existing.update(changed.lazy(), on=list(key), how="left", include_nulls=True).collect()


def _count(found: pl.DataFrame, state: str) -> int:
    return found.filter(pl.col("_state") == state).height


def _instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None


def _latest(times: Sequence[datetime | None]) -> datetime | None:
    return max((each for each in times if each is not None), default=None)
