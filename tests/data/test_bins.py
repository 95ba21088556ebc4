"""Frozen bins: counts add, agree however they are counted, and keep the distribution function exact."""

import math
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core import canonical
from fettle.core.errors import NotFound
from fettle.data.bins import Bins, Counts, ReferenceProfile, count, count_by, freeze, kind_of, reference

numbers = st.lists(st.none() | st.floats(-1e6, 1e6) | st.just(math.nan) | st.just(math.inf), max_size=60)
texts = st.lists(st.none() | st.sampled_from(["a", "b", "c", "é ", ""]), max_size=60)


def same(left: Counts, right: Counts) -> bool:
    exact = (left.values, left.nulls, left.unseen) == (right.values, right.nulls, right.unseen)
    close = np.allclose([left.total, left.squares], [right.total, right.squares], rtol=1e-9, atol=1e-3)
    return exact and bool(close)


@given(numbers, numbers)
def test_counting_numbers_adds_up_whichever_way(frozen: list[float | None], rows: list[float | None]):
    bins = freeze(pl.Series("x", frozen, pl.Float64), "number", max_bins=8)
    column = pl.Series("x", rows, pl.Float64)
    group = np.arange(column.len(), dtype=np.int64) % 3
    parts = count_by(column, bins, group, 3)
    whole = count(column, bins)
    assert whole.rows == column.len() and len(whole.values) == bins.size
    assert same(whole, parts[0] + parts[1] + parts[2])
    assert same(whole, count(column.head(5), bins) + count(column.slice(5), bins))


@given(texts, texts)
def test_counting_categories_adds_up_whichever_way(frozen: list[str | None], rows: list[str | None]):
    bins = freeze(pl.Series("x", frozen, pl.String), "category", max_bins=3)
    column = pl.Series("x", rows, pl.String)
    parts = count_by(column, bins, np.arange(column.len(), dtype=np.int64) % 2, 2)
    whole = count(column, bins)
    assert whole.rows == column.len() and len(whole.values) == bins.size
    assert whole == parts[0] + parts[1]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_the_reference_has_nothing_out_of_its_own_range_and_exact_ecdf_at_edges(values: list[float]):
    column = pl.Series("x", values)
    bins = freeze(column, "number", max_bins=16)
    counts = count(column, bins)
    assert counts.values[0] == counts.values[-1] == counts.unseen == counts.nulls == 0
    cumulated = np.cumsum(counts.values[1:-1])
    assert [int(c) for c in cumulated] == [sum(v <= edge for v in values) for edge in bins.edges]
    assert len(bins.edges) <= 16


def test_few_distinct_numbers_get_a_bin_each():
    bins = freeze(pl.Series("x", [3, 1, 1, 7]), "number")
    assert bins.edges == (1.0, 3.0, 7.0)
    assert count(pl.Series("x", [0, 1, 2, 3, 8]), bins).values == (1, 1, 2, 0, 1)


def test_text_in_a_number_column_is_counted_apart_from_missing():
    bins = freeze(pl.Series("x", [1.0, 2.0]), "number")
    counts = count(pl.Series("x", ["1", "1.5", "many", None]), bins)
    assert (counts.values, counts.nulls, counts.unseen) == ((0, 1, 1, 0), 1, 1)
    assert counts == count_by(pl.Series("x", ["1", "1.5", "many", None]), bins, np.zeros(4, np.int64), 1)[0]


def test_single_precision_references_do_not_push_equal_values_into_the_next_bin():
    bins = freeze(pl.Series("x", [0.1, 0.3, 0.7], pl.Float32))
    assert count(pl.Series("x", [0.1, 0.3, 0.7], pl.Float64), bins).values == (0, 1, 1, 1, 0)


def test_unknown_levels_are_unseen_only_if_all_levels_are_listed():
    few = freeze(pl.Series("x", ["a", "a", "b"]))
    assert few == Bins("category", levels=("a", "b"))
    assert count(pl.Series("x", ["a", "z"]), few).unseen == 1
    many = freeze(pl.Series("x", [f"l{i % 10}" for i in range(100)] + ["rare"]), max_bins=4)
    assert (many.levels, many.complete) == (("l0", "l1", "l2"), False)
    assert count(pl.Series("x", ["l0", "never seen"]), many) == Counts((1, 0, 0, 1))


def test_rare_levels_of_a_wide_column_are_not_stored_by_name():
    names = [f"person {i}" for i in range(500)] + ["public"] * 50
    assert freeze(pl.Series("x", names)).levels == ("public",)


def test_booleans_and_numbers_are_spelt_as_requests_spell_them():
    assert freeze(pl.Series("x", [True, True, False])).levels == ("true", "false")
    postcodes = freeze(pl.Series("x", [2000.0, 2000.0, 3000.0]), "category")
    assert postcodes.levels == ("2000", "3000")
    assert count(pl.Series("x", [2000, 3000]), postcodes).values == (1, 1)


def test_times_and_lists_are_only_present_or_missing():
    column = pl.Series("x", [datetime(2026, 1, 1, tzinfo=UTC), None])
    assert kind_of(column) == "other"
    assert count(column, freeze(column)) == Counts((1,), nulls=1)
    assert count_by(column, freeze(column), np.zeros(2, np.int64), 1) == [Counts((1,), nulls=1)]


def test_a_column_without_values_can_be_frozen():
    bins = freeze(pl.Series("x", [None, None], pl.Float64))
    assert count(pl.Series("x", [5.0, None]), bins).values == (0, 1)
    assert freeze(pl.Series("x", [None])).levels == ()


def test_counts_of_different_bins_do_not_add():
    with pytest.raises(ValueError, match="do not add"):
        Counts((1, 2)) + Counts((1,))


def test_a_reference_profile_survives_json():
    frame = pl.DataFrame(
        {"price": [1.5, 2.5, None], "city": ["Åre", "Åre", "Kyiv"], "on": [True, None, False]}
    )
    profile = reference(frame, prediction=["up", "down", "up"])
    assert canonical.decode(canonical.encode(profile), ReferenceProfile) == profile
    assert profile.rows == 3 and list(profile.columns) == frame.columns
    assert profile.prediction is not None and profile.prediction.bins.levels == ("up", "down")


def test_a_missing_column_offers_the_nearest():
    with pytest.raises(NotFound, match="price"):
        reference(pl.DataFrame({"price": [1]}), ["prise"])
