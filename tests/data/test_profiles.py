"""The profile, held to numpy and to counting by hand."""

from collections import Counter
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.canonical import decode, encode
from fettle.data.profiles import BINS, QUANTILES, TOP, profile
from fettle.data.records import Profile

numbers = st.one_of(st.none(), st.floats(width=32), st.floats())


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=60))
def test_numbers_agree_with_numpy(values):
    found = profile(pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})).column("x")

    present = np.array([value for value in values if value is not None and not np.isnan(value)])
    finite = present[np.isfinite(present)]
    assert found.missing == len(values) - len(present)
    assert found.distinct == len(set(present.tolist()))
    if not len(finite):
        assert found.number is None
        return
    number = found.number
    assert (number.min, number.max) == (finite.min(), finite.max())
    assert number.infinite == len(present) - len(finite)
    assert (number.zeros, number.negatives) == ((present == 0).sum(), (finite < 0).sum())
    assert sum(number.histogram.counts) == len(finite)
    assert np.all(np.isfinite(number.histogram.edges))
    assert decode(encode(number), type(number)) == number


def test_moments_and_quantiles_agree_with_numpy():
    values = np.random.default_rng(3).lognormal(size=5000)

    number = profile(pl.DataFrame({"x": values})).column("x").number

    assert number.mean == pytest.approx(values.mean(), rel=1e-12)
    assert number.std == pytest.approx(values.std(ddof=1), rel=1e-12)
    expected = np.quantile(values, QUANTILES)
    assert list(number.quantiles.values()) == pytest.approx(expected.tolist(), rel=1e-12)
    counts, edges = np.histogram(values, bins=BINS)
    assert number.histogram.counts == counts.tolist()
    assert number.histogram.edges == pytest.approx(edges.tolist())


def test_most_frequent_values_are_sorted_by_count_then_value():
    values = [f"v{number % 37}" for number in range(500)]

    column = profile(pl.DataFrame({"count": values})).column("count")

    expected = sorted(Counter(values).items(), key=lambda each: (-each[1], each[0]))[:TOP]
    assert [(each.value, each.count) for each in column.top] == expected
    assert column.distinct == 37


def test_texts_times_booleans_and_constants_are_summarised():
    frame = pl.DataFrame(
        {
            "text": ["", " ", "a b", None],
            "on": [date(2024, 1, 1), None, date(2024, 5, 31), None],
            "flag": [True, True, False, None],
            "same": [7, 7, 7, 7],
            "nothing": [None] * 4,
        }
    )

    found = profile(frame)

    text = found.column("text").text
    assert (text.min_length, text.max_length, text.blank, text.spaced) == (0, 3, 2, 1)
    assert text.mean_length == pytest.approx(4 / 3)
    assert found.column("on").time.max_at == datetime(2024, 5, 31, tzinfo=UTC)
    assert [(each.value, each.count) for each in found.column("flag").top] == [("true", 2), ("false", 1)]
    assert found.column("same").constant
    assert found.column("nothing").constant
    assert not found.column("nothing").unique
    assert found.column("flag").missing_rate == 0.25


def test_duplicate_rows_are_counted():
    frame = pl.DataFrame({"a": [1, 1, 2, None, None], "b": ["x", "x", "x", None, None]})

    assert profile(frame).duplicate_rows == 2


def test_a_lazy_frame_and_many_columns_give_the_same_profile():
    generator = np.random.default_rng(1)
    frame = pl.DataFrame({f"größe {number}": generator.normal(size=50) for number in range(90)})

    found = profile(frame)

    assert found == profile(frame.lazy())
    assert [column.name for column in found.columns] == frame.columns
    assert decode(encode(found), Profile) == found


def test_a_profile_does_not_depend_on_the_order_of_rows():
    generator = np.random.default_rng(2)
    frame = pl.DataFrame(
        {"k": generator.integers(0, 40, 2000), "s": generator.integers(0, 40, 2000).astype(str)}
    )

    assert profile(frame) == profile(frame.sample(fraction=1.0, shuffle=True, seed=5))
