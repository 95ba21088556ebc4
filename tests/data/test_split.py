"""Splits: nothing lost, nothing twice, and each kind's own promise."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.data import split

ROWS = pl.DataFrame(
    {
        "row": range(1000),
        "on": [date(2024, 1, 1) + timedelta(days=(number * 7) % 100) for number in range(1000)],
        "class": ["rare" if number % 50 == 0 else "common" for number in range(1000)],
        "customer": [f"c{number % 200}" for number in range(1000)],
    }
)


def rows_of(parts):
    return sorted(row for part in parts for row in part["row"])


def test_by_time_the_future_is_never_seen():
    train, valid, test = split.by_time(ROWS, "on", (0.6, 0.2, 0.2))

    assert train["on"].max() < valid["on"].min() <= valid["on"].max() < test["on"].min()
    assert rows_of((train, valid, test)) == list(range(1000))
    assert (train.height, valid.height, test.height) == (600, 200, 200)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=6, max_size=80))
def test_by_time_one_instant_is_never_divided(times):
    frame = pl.DataFrame({"at": times, "row": range(len(times))})
    try:
        parts = split.by_time(frame, "at", (0.5, 0.5))
    except Invalid:
        assert sorted(times)[round(len(times) / 2) - 1] == max(times)
        return

    assert parts[0]["at"].max() < parts[1]["at"].min()
    assert rows_of(parts) == list(range(len(times)))


def test_random_is_the_same_for_the_same_seed():
    one, other = split.random(ROWS, seed=5), split.random(ROWS, seed=5)

    assert all(left.equals(right) for left, right in zip(one, other, strict=True))
    assert not one[0].equals(split.random(ROWS, seed=6)[0])
    assert [part.height for part in one] == [700, 150, 150]
    assert rows_of(one) == list(range(1000))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=30, max_size=200), st.integers(0, 2**32))
def test_stratified_parts_have_the_mix_of_the_whole(labels, seed):
    frame = pl.DataFrame({"label": pl.Series(labels, dtype=pl.String), "row": range(len(labels))})

    parts = split.random(frame, (0.5, 0.3, 0.2), seed=seed, stratify="label")

    assert rows_of(parts) == list(range(len(labels)))
    for share, part in zip((0.5, 0.3, 0.2), parts, strict=True):
        assert abs(part.height - share * len(labels)) <= 1
        for label in set(labels):
            assert abs(part["label"].to_list().count(label) - share * labels.count(label)) < 2


def test_by_hash_a_key_stays_where_it_is_when_rows_are_added():
    first = split.by_hash(ROWS.head(400), "customer", (0.8, 0.2))
    later = split.by_hash(ROWS.sample(fraction=1.0, shuffle=True, seed=1), ["customer"], (0.8, 0.2))

    for before, after in zip(first, later, strict=True):
        assert set(before["customer"]) <= set(after["customer"])
    assert not set(later[0]["customer"]) & set(later[1]["customer"])
    assert rows_of(later) == list(range(1000))
    assert later[0].columns == ROWS.columns


def test_by_hash_places_are_fixed_forever():
    """Known answers: were these to change, every stored split would."""
    frame = pl.DataFrame({"row": range(12), "key": [f"k{number}" for number in range(11)] + [None]})

    assert [part["row"].to_list() for part in split.by_hash(frame, "key", (0.5, 0.5))] == PLACES
    assert split.by_hash(frame, "key", (0.5, 0.5), salt="other")[0]["row"].to_list() != PLACES[0]


PLACES = [[1, 4, 5, 7, 8, 10, 11], [0, 2, 3, 6, 9]]


def test_by_hash_shares_hold_for_many_keys():
    frame = pl.DataFrame({"row": range(20_000)})

    parts = split.by_hash(frame, "row", (0.7, 0.2, 0.1))

    for share, part in zip((0.7, 0.2, 0.1), parts, strict=True):
        assert part.height / 20_000 == pytest.approx(share, abs=4 * (share * (1 - share) / 20_000) ** 0.5)


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (lambda: split.by_time(ROWS, "when"), NotFound),
        (lambda: split.by_time(ROWS.with_columns(on=None), "on"), Invalid),
        (lambda: split.by_time(ROWS.with_columns(on=pl.lit(date(2024, 1, 1))), "on"), Invalid),
        (lambda: split.random(ROWS, (0.5, 0.6), seed=1), Invalid),
        (lambda: split.random(ROWS, (1.2, -0.2), seed=1), Invalid),
        (lambda: split.random(ROWS.head(2), seed=1), Invalid),
        (lambda: split.random(ROWS, seed=1, stratify="klass"), NotFound),
        (lambda: split.by_hash(ROWS, []), Invalid),
        (lambda: split.by_hash(ROWS.head(1), "row"), Invalid),
    ],
)
def test_what_cannot_be_split_is_said(attempt, kind):
    with pytest.raises(kind):
        attempt()
