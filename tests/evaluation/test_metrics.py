"""Metrics of an outcome, with and without interval."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as peers

from fettle.evaluation.metrics import evaluate, measured, with_intervals
from tests.evaluation.outcomes_made import of_classes, of_numbers


def test_all_metrics_of_a_task_are_there() -> None:
    seen = of_classes(np.arange(200) % 4 > 0)
    found = evaluate(seen)
    assert found["accuracy"] == 0.75
    assert found["brier"] == pytest.approx(peers.brier_score_loss(seen.truth, seen.probabilities[:, 1]))
    assert set(evaluate(of_numbers(2.0))) == {"rmse", "mae", "r2"}


def test_a_metric_that_the_rows_do_not_define_is_left_out() -> None:
    seen = of_classes(np.ones(50, bool))
    only = seen.take(seen.truth == 1)
    assert "roc_auc" not in evaluate(only)
    assert evaluate(only)["accuracy"] == 1.0


def test_accuracy_has_wilsons_interval_and_errors_a_bootstrapped_one() -> None:
    assert with_intervals(of_classes(np.arange(100) % 5 > 0))["accuracy"].method == "wilson"
    found = measured(of_numbers(2.0), "rmse")
    assert found.method == "bootstrap"
    assert found.low < found.value < found.high


def test_the_interval_of_many_rows_is_narrowed_to_their_number() -> None:
    few, many = (measured(of_numbers(2.0, rows), "rmse") for rows in (5_000, 80_000))
    assert (many.high - many.low) == pytest.approx((few.high - few.low) / 4, rel=0.35)
    assert many.rows == 80_000


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    held = [
        found.low <= 2.0 <= found.high
        for found in (measured(of_numbers(2.0, 300, seed), "rmse") for seed in range(60))
    ]
    assert 0.85 <= np.mean(held) <= 1.0
