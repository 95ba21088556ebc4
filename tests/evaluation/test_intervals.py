"""Intervals held against published numbers and against the truth they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from fettle.evaluation.intervals import bootstrap, wilson


@pytest.mark.parametrize(
    ("right", "rows", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_numbers_of_newcombe_1998(right: int, rows: int, low: float, high: float) -> None:
    """Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3."""
    found = wilson(right, rows)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 5000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(rows: int, share: float, confidence: float) -> None:
    right = round(share * rows)
    ours = wilson(right, rows, confidence=confidence)
    theirs = binomtest(right, rows).proportion_ci(confidence, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_no_rows_say_nothing() -> None:
    found = wilson(0, 0)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)


def test_the_bootstrap_of_a_mean_is_as_wide_as_its_theory() -> None:
    values = np.random.default_rng(1).normal(3, 2, 800)
    found = bootstrap(lambda places: float(values[places].mean()), 800, resamples=2000, seed=2)
    half = 1.96 * values.std() / math.sqrt(800)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(100.0)
    one, two, three = (bootstrap(lambda p: float(values[p].mean()), 100, seed=seed) for seed in (1, 1, 2))
    assert one == two != three
