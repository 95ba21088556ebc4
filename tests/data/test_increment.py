"""Bringing rows in again and again: nothing twice, the newest wins, what comes too late is told."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.increment import Counts, Increment, merge_in

START = datetime(2024, 5, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def table(*rows: tuple, schema=("id", "v")) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=list(schema), orient="row")


def timed(*hours: float, tag: str = "x") -> pl.DataFrame:
    return pl.DataFrame({"at": [at(each) for each in hours], "v": [f"{tag}{each}" for each in hours]})


def test_the_first_rows_are_all_new_but_for_those_that_come_twice():
    merged = merge_in(None, table((1, "a"), (1, "a"), (2, "b")), Increment(key=["id"]))

    assert merged.rows.rows() == [(1, "a"), (2, "b")]
    assert merged.appends
    assert merged.counts == Counts(read=3, added=2, duplicates=1)


def test_rows_with_a_new_key_are_appended_alone():
    merged = merge_in(table((1, "a")).lazy(), table((1, "a"), (2, "b")), Increment(key=["id"]))

    assert merged.rows.rows() == [(2, "b")]
    assert merged.appends
    assert merged.counts == Counts(read=2, added=1, duplicates=1)


def test_a_changed_row_takes_the_place_of_the_old_one():
    old = table((1, "a"), (2, "b"), (3, None))

    merged = merge_in(old.lazy(), table((4, "d"), (2, None), (3, "c")), Increment(key=["id"]))

    assert merged.rows.rows() == [(1, "a"), (2, None), (3, "c"), (4, "d")]
    assert not merged.appends
    assert merged.counts == Counts(read=3, added=1, updated=2)


def test_a_changed_row_may_be_skipped_or_refused():
    old, fresh = table((1, "a")), table((1, "b"), (2, "c"))

    skipped = merge_in(old.lazy(), fresh, Increment(key=["id"], existing="skip"))

    assert skipped.rows.rows() == [(2, "c")]
    assert skipped.counts == Counts(read=2, added=1, skipped=1)
    with pytest.raises(Conflict) as caught:
        merge_in(old.lazy(), fresh, Increment(key=["id"], existing="error"))
    assert "row 1: id = 1" in caught.value.found


def test_a_key_may_have_several_columns_and_be_the_whole_row():
    old = table((1, "a"), (1, "b"))

    merged = merge_in(old.lazy(), table((1, "b"), (2, "a")), Increment(key=["id", "v"]))

    assert merged.rows.rows() == [(2, "a")]
    assert merged.counts == Counts(read=2, added=1, duplicates=1)


def test_of_rows_with_one_key_the_newest_wins_and_an_older_one_does_not_come_back():
    schema = ("id", "at", "v")
    old = table((1, at(5), "five"), schema=schema)
    rule = Increment(key=["id"], time="at", lateness_s=3600 * 24)

    older = merge_in(old.lazy(), table((1, at(4), "four"), schema=schema), rule)
    newer = merge_in(old.lazy(), table((1, at(7), "seven"), (1, at(6), "six"), schema=schema), rule)

    assert older.counts == Counts(read=1, duplicates=1)
    assert older.rows.height == 0
    assert newer.rows.rows() == [(1, at(7), "seven")]
    assert newer.counts == Counts(read=2, updated=1, duplicates=1)
    assert newer.high_water == at(7)


def test_only_rows_later_than_all_before_are_added():
    merged = merge_in(timed(1, 2, 3).lazy(), timed(2, 3, 4), Increment(time="at"))

    assert merged.rows["v"].to_list() == ["x4"]
    assert merged.counts == Counts(read=3, added=1, duplicates=2)
    assert merged.high_water == at(4)


def test_late_rows_within_the_lateness_come_in_and_later_ones_are_reported():
    rule = Increment(time="at", lateness_s=3 * 3600)

    merged = merge_in(timed(0, 10).lazy(), timed(6, 7.5, 11, tag="y"), rule)

    assert merged.rows["v"].to_list() == ["y7.5", "y11"]
    assert merged.counts == Counts(read=3, added=2, late=1, too_late=1)
    assert "2024-05-01 06:00:00" in merged.notes[0]
    assert "(row 1)" in merged.notes[0]


def test_the_mark_that_was_written_down_counts_more_than_the_rows_that_are_left():
    merged = merge_in(timed(1).lazy(), timed(3, tag="y"), Increment(time="at", high_water=at(5)))

    assert merged.counts == Counts(read=1, too_late=1)
    assert merged.high_water == at(5)


def test_dates_are_times_too():
    old = pl.DataFrame({"on": [date(2024, 5, 3)]})

    merged = merge_in(
        old.lazy(), pl.DataFrame({"on": [date(2024, 5, 4), date(2024, 5, 1)]}), Increment(time="on")
    )

    assert merged.rows["on"].to_list() == [date(2024, 5, 4)]
    assert merged.counts.too_late == 1


def test_integers_and_numbers_are_brought_together():
    old = pl.DataFrame({"id": [1, 2], "v": [1, 2]})

    merged = merge_in(old.lazy(), pl.DataFrame({"v": [2.0, 3.5], "id": [2, 3]}), Increment(key=["id"]))

    assert merged.rows.rows() == [(3, 3.5)]
    assert merged.counts == Counts(read=2, added=1, duplicates=1)


@pytest.mark.parametrize(
    ("fresh", "rule", "kind", "said"),
    [
        (table((1, "a")), Increment(key=["idd"]), NotFound, "idd"),
        (table((1, "a"), (None, "b")), Increment(key=["id"]), Invalid, "row 2"),
        (table((1, "a")), Increment(time="v"), Invalid, "cannot be the time"),
        (table((1, "a"), schema=("id", "w")), Increment(key=["id"]), Invalid, "missing: v; new: w"),
        (table((1, 2)), Increment(key=["id"]), Invalid, "another type"),
    ],
)
def test_rows_that_cannot_be_brought_in_are_refused(fresh, rule, kind, said):
    with pytest.raises(kind) as caught:
        merge_in(table((1, "a")).lazy(), fresh, rule)

    assert said in str(caught.value)


ROWS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 30), st.integers(0, 2)), max_size=12)


@given(batches=st.lists(ROWS, min_size=1, max_size=4), lateness=st.integers(0, 40), timed=st.booleans())
@settings(max_examples=80, deadline=None)
def test_batches_end_where_a_dictionary_ends_and_no_row_is_lost_from_sight(batches, lateness, timed):
    """The model: a dict by key in which a row is replaced by one that is not older, unless it comes too late."""
    rule = Increment(key=["id"], time="at" if timed else None, lateness_s=lateness * 3600)
    held: pl.DataFrame | None = None
    model: dict[int, tuple] = {}
    mark: datetime | None = None
    for batch in batches:
        fresh = pl.DataFrame(
            [(key, at(hour), value) for key, hour, value in batch],
            schema={"id": pl.Int64, "at": pl.Datetime("us", "UTC"), "v": pl.Int64},
            orient="row",
        )
        merged = merge_in(None if held is None else held.lazy(), fresh, rule)
        counts = merged.counts
        assert (
            counts.added + counts.updated + counts.duplicates + counts.skipped + counts.too_late
            == counts.read
        )
        held = merged.rows if not merged.appends or held is None else pl.concat([held, merged.rows])
        mark = _modelled(model, fresh.rows(), mark if timed else None, lateness, timed)

        again = merge_in(held.lazy(), fresh, rule)

        assert again.rows.height == 0 or not (again.counts.added or again.counts.updated)
        assert sorted(held.rows()) == sorted(model.values())
        assert merged.high_water == mark


def _modelled(model, rows, mark, lateness, timed):
    newest: dict[int, tuple] = {}
    for row in dict.fromkeys(rows):
        if row[0] not in newest or not timed or row[1] >= newest[row[0]][1]:
            newest[row[0]] = row
    taken = []
    for key, row in newest.items():
        old = model.get(key)
        if old == row or (timed and old is not None and row[1] < old[1]):
            continue
        if timed and mark is not None and row[1] < mark - timedelta(hours=lateness):
            continue
        model[key] = row
        taken.append(row[1])
    return max([each for each in (mark, *taken) if each is not None], default=None) if timed else None
