"""Intervals agree with scipy, tallies add and take back exactly, and only a worse model alarms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fettle.monitoring.performance import (
    Tally,
    accepted_value,
    performance,
    poisson_weights,
    tally,
    text_of,
    wilson,
)


@given(st.integers(1, 500), st.integers(0, 500), st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_is_scipys(trials: int, successes: int, confidence: float):
    successes = min(successes, trials)
    expected = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_answers_and_labels_are_compared_as_they_are_meant():
    same = [text_of(value) for value in (1, 1.0, "1")]
    assert same == ["1", "1", "1"]
    assert (text_of(True), text_of("true"), text_of(0.25)) == ("true", "true", "0.25")
    assert text_of(None) is None and text_of(float("nan")) is None


rows = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=20)


@given(rows, rows)
def test_regression_tallies_add_and_take_back(
    first: list[tuple[float, float]], second: list[tuple[float, float]]
):
    def sums(pairs: list[tuple[float, float]], prefix: str) -> Tally:
        answers, labels = [str(a) for a, _ in pairs], [str(b) for _, b in pairs]
        return tally("regression", answers, labels, [f"{prefix}{i}" for i in range(len(pairs))])

    one, two = sums(first, "a"), sums(second, "b")
    both = one + two
    assert both.rows == len(first) + len(second)
    back = both - two
    assert (back.rows, back.absolute) == (one.rows, pytest.approx(one.absolute, abs=1e-6))
    assert np.allclose(np.frombuffer(back.replicates), np.frombuffer(one.replicates), atol=1e-6)


def test_poisson_weights_are_poisson_and_fixed_by_the_id():
    drawn = poisson_weights([f"request {i}" for i in range(400)])
    share = [(drawn == k).mean() for k in range(4)]
    assert share == pytest.approx(stats.poisson.pmf(range(4), 1.0), abs=0.01)
    assert (poisson_weights(["request 7"])[0] == drawn[7]).all()
    assert abs(np.corrcoef(drawn[0], drawn[1])[0, 1]) < 0.2


def test_the_bootstrap_interval_of_an_error_has_the_textbook_width():
    generator = np.random.default_rng(5)
    errors = generator.exponential(2.0, 3000)
    counted = tally("regression", [str(e) for e in errors], ["0"] * 3000, [str(i) for i in range(3000)])
    shown = performance(counted, "mae")
    assert shown is not None and shown.value == pytest.approx(errors.mean())
    half = 1.96 * errors.std() / np.sqrt(3000)
    assert (shown.high - shown.low) / 2 == pytest.approx(half, rel=0.2)
    root = performance(counted, "rmse")
    assert root is not None and root.low < np.sqrt((errors**2).mean()) < root.high


def test_bootstrap_intervals_cover_the_truth_about_as_often_as_they_say():
    generator = np.random.default_rng(1)
    covered = 0
    for run in range(200):
        errors = np.abs(generator.normal(0, 1, 150))
        counted = tally(
            "regression", [str(e) for e in errors], ["0"] * 150, [f"{run}/{i}" for i in range(150)]
        )
        shown = performance(counted, "mae")
        assert shown is not None
        covered += shown.low <= np.sqrt(2 / np.pi) <= shown.high
    assert 0.89 <= covered / 200 <= 0.99


def test_labels_that_are_no_numbers_are_left_out_of_an_error():
    assert tally("regression", ["1", "2", "x"], ["1", "none", "3"], ["a", "b", "c"]).rows == 1


def test_only_a_surely_worse_accuracy_alarms():
    accepted = accepted_value("accuracy", 0.80, 0.02)
    assert accepted == pytest.approx(0.78)
    cases = {(500, 350): True, (500, 375): False, (500, 480): False, (20, 12): False}
    for (trials, successes), worse in cases.items():
        shown = performance(Tally(trials, successes), "accuracy", accepted=accepted)
        assert shown is not None and shown.worse is worse, (trials, successes)


def test_only_a_surely_larger_error_alarms():
    accepted = accepted_value("mae", 1.0, 0.1)
    for size, worse in ((1.0, False), (1.5, True), (0.2, False)):
        counted = tally("regression", [str(size)] * 50, ["0"] * 50, [str(i) for i in range(50)])
        shown = performance(counted, "mae", accepted=accepted)
        assert shown is not None and shown.worse is worse


def test_nothing_labelled_is_no_performance():
    assert performance(Tally(), "accuracy") is None
    assert accepted_value("accuracy", None, 0.1) is None
