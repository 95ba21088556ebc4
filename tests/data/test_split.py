"""Splits: nothing lost, nothing twice, and each kind's own promise."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.data import split
from fettle.data.records.splits import Split
from fettle.data.sides import assign, sides_of

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


def test_several_columns_and_rare_mixes_are_stratified_fairly():
    frame = pl.DataFrame(
        {
            "a": [f"a{number % 3}" for number in range(900)],
            "b": ["x" if number % 10 else f"rare {number}" for number in range(900)],
            "n": [float(number) for number in range(900)],
        }
    )
    parts = split.random(frame, (0.6, 0.2, 0.2), seed=3, stratify=["a", "b"])

    assert [part.height for part in parts] == [540, 180, 180]
    for part, share in zip(parts, (0.6, 0.2, 0.2), strict=True):
        assert part.filter(pl.col("b") == "x").height == pytest.approx(810 * share, abs=1)
        assert part.filter(pl.col("a") == "a1").height == pytest.approx(300 * share, abs=3)
    means = [part["n"].mean() for part in split.random(frame, (0.5, 0.5), seed=3, stratify="n")]
    assert abs(means[0] - means[1]) < 25


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=12, max_size=150), st.integers(0, 5))
def test_groups_stay_together(groups, seed):
    frame = pl.DataFrame({"who": groups, "row": range(len(groups))})
    try:
        parts = split.by_group(frame, "who", (0.5, 0.25, 0.25), seed=seed)
    except Invalid:
        assert len(set(groups)) < 30
        return
    assert rows_of(parts) == list(range(len(groups)))
    assert sum(part["who"].n_unique() for part in parts) == len(set(groups))


def test_groups_meet_the_shares_and_the_classes():
    frame = ROWS.with_columns(pl.col("customer").str.slice(1).cast(pl.Int64).mod(7).is_in([0]).alias("hot"))
    parts = split.by_group(frame, "customer", seed=1, stratify="hot")

    assert [part.height / 1000 for part in parts] == pytest.approx([0.7, 0.15, 0.15], abs=0.01)
    assert [part["hot"].mean() for part in parts] == pytest.approx([frame["hot"].mean()] * 3, abs=0.02)


@pytest.mark.parametrize(
    "options", [{}, {"stratify": "class"}, {"group": "customer"}, {"group": "customer", "stratify": "class"}]
)
def test_each_row_is_tested_on_once(options):
    folds = split.k_fold(ROWS, 5, seed=2, **options)

    assert rows_of([test for _, test in folds]) == list(range(1000))
    for train, test in folds:
        assert rows_of((train, test)) == list(range(1000))
        assert test.height == pytest.approx(200, abs=5 if "group" in options else 1)
        if "group" in options:
            assert not set(train["customer"]) & set(test["customer"])
        if options == {"stratify": "class"}:
            assert test.filter(pl.col("class") == "rare").height == 4


@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize("window", [0, 20])
@pytest.mark.parametrize("test_size", [0, 10])
def test_rolling_folds_are_sklearns(gap, window, test_size):
    from sklearn.model_selection import TimeSeriesSplit

    frame = pl.DataFrame({"at": range(100)}).sample(fraction=1.0, shuffle=True, seed=1)
    theirs = TimeSeriesSplit(4, gap=gap, max_train_size=window or None, test_size=test_size or None)
    ours = split.rolling(frame, "at", 4, gap=gap, window=window, test_size=test_size)

    assert [(a["at"].to_list(), b["at"].to_list()) for a, b in ours] == [
        (train.tolist(), test.tolist()) for train, test in theirs.split(range(100))
    ]


def test_rolling_folds_divide_no_instant_and_keep_their_distance():
    for train, test in split.rolling(ROWS, "on", 4, gap=2 * 86_400):
        assert (test["on"].min() - train["on"].max()).days > 2
    assert [test["on"].min() for _, test in split.rolling(ROWS, "on", 4)] == sorted(
        {test["on"].min() for _, test in split.rolling(ROWS, "on", 4)}
    )


@pytest.mark.parametrize(
    "how",
    [
        Split("random", stratify=["class"], seed=4),
        Split("time", ["on"]),
        Split("group", ["customer"], seed=2),
        Split("hash", ["customer"], salt="x"),
        Split("random", folds=4),
        Split("hash", ["customer"], folds=3),
    ],
)
def test_assigned_sides_are_those_of_the_parts(how):
    named = assign(ROWS, how)["side"]
    assert assign(ROWS, how)["side"].equals(named)
    if how.folds:
        assert set(named) == {f"fold {fold}" for fold in range(how.folds)}
        return
    parts = {
        "random": lambda: split.random(ROWS, seed=4, stratify="class"),
        "time": lambda: split.by_time(ROWS, "on"),
        "group": lambda: split.by_group(ROWS, "customer", seed=2),
        "hash": lambda: split.by_hash(ROWS, "customer", salt="x"),
    }[how.way]()
    for name, part in zip(how.names, parts, strict=True):
        assert sorted(ROWS.filter(named == name)["row"]) == sorted(part["row"])


def test_rolling_sides_have_a_column_a_fold():
    sides = assign(ROWS, Split("rolling", ["on"], folds=3))
    assert sides.columns == ["fold 0", "fold 1", "fold 2"]
    assert set(sides["fold 0"]) == {"train", "test", None}


def test_a_row_never_changes_sides_when_others_come():
    first = assign(ROWS.head(500), Split("hash", ["customer"]))["side"]
    assert assign(ROWS, Split("hash", ["customer"]))["side"].head(500).equals(first)


def test_sides_are_described():
    sides = sides_of(ROWS, assign(ROWS, Split("random", stratify=["class"]))["side"], "class")
    assert {each.name: each.rows for each in sides} == {"train": 700, "valid": 150, "test": 150}
    assert sides[0].balance == pytest.approx({"common": 0.98, "rare": 0.02}, abs=0.001)


@pytest.mark.parametrize(
    "how",
    [
        Split("time"),
        Split("random", folds=1),
        Split("random", names=["a"]),
        Split("rolling", ["on"], folds=5000),
        Split("group", ["nobody"]),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(how):
    with pytest.raises((Invalid, NotFound)):
        assign(ROWS, how)
