"""Truths beside predictions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fettle.core.errors import Invalid
from fettle.evaluation.outcomes import outcome, outcome_of_answers, trivial
from fettle.training.fitting import Predicted
from fettle.training.records import Feature, FeaturePlan

PLAN = FeaturePlan("binary", "y", (Feature("x", "number"),), labels=("DOWN", "UP"), shares=(0.5, 0.5))
NUMBERS = FeaturePlan("regression", "y", (Feature("x", "number"),))


def test_rows_without_truth_and_with_new_classes_are_left_out() -> None:
    frame = pl.DataFrame({"y": ["UP", None, "DOWN", "SIDEWAYS"]})
    seen = outcome(PLAN, frame, Predicted(np.array([1, 1, 1, 1]), np.full((4, 2), 0.5)))
    assert seen.rows.tolist() == [0, 2]
    assert seen.right.tolist() == [True, False]


def test_nothing_to_judge_by_is_refused() -> None:
    with pytest.raises(Invalid, match="nothing to judge"):
        outcome(
            NUMBERS,
            pl.DataFrame({"y": [None]}, schema={"y": pl.Float64}),
            Predicted(np.zeros(1), np.empty((1, 0))),
        )


@pytest.mark.parametrize("labels", [("DOWN", "UP"), (1, 2), (False, True)])
def test_answers_and_their_labels_make_the_same_outcome(labels: tuple[str | int | bool, ...]) -> None:
    keys = [str(each).lower() if isinstance(each, bool) else str(each) for each in labels]
    answers = [{"prediction": labels[0], "probabilities": {keys[0]: 0.7, keys[1]: 0.3}}] * 3
    seen = outcome_of_answers("binary", labels, [labels[0], labels[1], None], answers)
    assert seen.right.tolist() == [True, False]
    assert seen.probabilities.tolist() == [[0.7, 0.3]] * 2


def test_answers_of_a_regression() -> None:
    seen = outcome_of_answers(
        "regression", (), [1.5, None, 3], [{"prediction": each} for each in (1.0, 2.0, 3.0)]
    )
    assert (seen.truth.tolist(), seen.predicted.tolist()) == ([1.5, 3.0], [1.0, 3.0])


def test_the_trivial_answer_is_the_commonest_class_of_the_training_rows() -> None:
    seen = trivial(PLAN, pl.DataFrame({"y": ["UP", "UP", "DOWN"]}), pl.DataFrame({"y": ["DOWN", "UP"]}))
    assert seen.predicted.tolist() == [1, 1]
    assert seen.probabilities[0].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_the_trivial_number_is_the_mean() -> None:
    seen = trivial(NUMBERS, pl.DataFrame({"y": [1.0, 3.0]}), pl.DataFrame({"y": [5.0]}))
    assert seen.predicted.tolist() == [2.0]
