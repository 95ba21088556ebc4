"""Slices: groups, ranges, missing values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fettle.evaluation.slices import by_column, by_columns, weakest
from tests.evaluation.outcomes_made import of_classes, of_numbers

REGION = pl.Series("region", ["north"] * 100 + ["south"] * 100)
RIGHT = np.array([True] * 95 + [False] * 5 + [True] * 60 + [False] * 40)


def test_a_good_mean_does_not_hide_a_bad_group() -> None:
    seen = of_classes(RIGHT)
    found = {each.value: each for each in by_column(seen, REGION)}
    assert (found["north"].measured.value, found["south"].measured.value) == (0.95, 0.6)
    assert found["south"].share == 0.5
    bad = weakest(list(found.values()), seen)
    assert bad is not None and bad.value == "south"


def test_numbers_are_cut_into_quarters_that_hold_every_row() -> None:
    values = pl.Series("price", np.random.default_rng(0).normal(size=400))
    found = by_column(of_numbers(2.0), values)
    assert [each.measured.rows for each in found] == [100] * 4
    assert found[0].value.startswith("[") and found[-1].value.endswith("]")


def test_missing_values_are_a_slice_of_their_own_and_small_slices_are_left_out() -> None:
    column = pl.Series("plan", [None] * 50 + ["a"] * 140 + ["rare"] * 10)
    assert [each.value for each in by_column(of_classes(RIGHT), column)] == ["missing", "a"]


def test_several_columns_and_none() -> None:
    frame = pl.DataFrame({"region": REGION, "flag": [True, False] * 100})
    seen = of_classes(RIGHT)
    assert len(by_columns(seen, frame, ["region", "flag"])) == 4
    assert weakest([], seen) is None


def test_the_weakest_slice_of_an_error_is_the_one_with_the_largest() -> None:
    seen = of_numbers(2.0)
    slices = by_column(seen, pl.Series("x", ["a", "b"] * 200))
    bad = weakest(slices, seen)
    assert bad is not None
    assert bad.measured.value == max(each.measured.value for each in slices)


def test_a_constant_number_column_makes_one_slice() -> None:
    found = by_column(of_classes(RIGHT), pl.Series("x", [1.0] * 200))
    assert [(each.value, each.share) for each in found] == [("1.0", 1.0)]
    assert found[0].measured.value == pytest.approx(0.775)
