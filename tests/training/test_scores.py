"""Scores held against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from fettle.core.errors import NotFound
from fettle.training.records import Feature, FeaturePlan, Task
from fettle.training.scores import SCORES, score_named, usual_score

RANDOM = np.random.default_rng(5)
TRUTH = RANDOM.integers(0, 2, 400)
HEAT = np.clip(0.6 * TRUTH + RANDOM.normal(0.2, 0.3, 400), 0.01, 0.99)
TWO = np.column_stack([1 - HEAT, HEAT])
SAID = TWO.argmax(axis=1)
THREE_TRUTH = RANDOM.integers(0, 3, 400)
THREE = RANDOM.dirichlet([1, 1, 1], 400)
THREE_SAID = THREE.argmax(axis=1)
NUMBERS = RANDOM.normal(50, 10, 400)
GUESS = NUMBERS + RANDOM.normal(0, 3, 400)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", metrics.accuracy_score(TRUTH, SAID)),
        ("balanced_accuracy", metrics.balanced_accuracy_score(TRUTH, SAID)),
        ("f1", metrics.f1_score(TRUTH, SAID, average="macro")),
        ("roc_auc", metrics.roc_auc_score(TRUTH, HEAT)),
        ("log_loss", metrics.log_loss(TRUTH, TWO)),
        ("brier", metrics.brier_score_loss(TRUTH, HEAT)),
    ],
)
def test_two_classes(name: str, expected: float) -> None:
    assert SCORES[name].measure(TRUTH, SAID, TWO) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", metrics.accuracy_score(THREE_TRUTH, THREE_SAID)),
        ("balanced_accuracy", metrics.balanced_accuracy_score(THREE_TRUTH, THREE_SAID)),
        ("f1", metrics.f1_score(THREE_TRUTH, THREE_SAID, average="macro")),
        ("roc_auc", metrics.roc_auc_score(THREE_TRUTH, THREE, multi_class="ovr")),
        ("average_precision", metrics.average_precision_score(np.eye(3)[THREE_TRUTH], THREE)),
        ("log_loss", metrics.log_loss(THREE_TRUTH, THREE)),
    ],
)
def test_three_classes(name: str, expected: float) -> None:
    assert SCORES[name].measure(THREE_TRUTH, THREE_SAID, THREE) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmse", metrics.root_mean_squared_error(NUMBERS, GUESS)),
        ("mae", metrics.mean_absolute_error(NUMBERS, GUESS)),
        ("r2", metrics.r2_score(NUMBERS, GUESS)),
    ],
)
def test_numbers(name: str, expected: float) -> None:
    assert SCORES[name].measure(NUMBERS, GUESS, np.empty((400, 0))) == pytest.approx(expected)


def test_average_precision_of_two_classes_is_that_of_the_rarer_one() -> None:
    rare = (RANDOM.random(400) < 0.1).astype(int)
    heat = np.clip(0.5 * rare + RANDOM.random(400) * 0.5, 0, 1)
    usual = SCORES["average_precision"].measure(rare, heat > 0.5, np.column_stack([1 - heat, heat]))
    turned = SCORES["average_precision"].measure(1 - rare, heat <= 0.5, np.column_stack([heat, 1 - heat]))
    assert usual == turned == pytest.approx(metrics.average_precision_score(rare, heat))


def test_one_class_only_is_not_a_number_for_rankings() -> None:
    assert np.isnan(SCORES["roc_auc"].measure(np.ones(5, int), np.ones(5, int), np.full((5, 2), 0.5)))


def test_the_usual_score_minds_rare_classes() -> None:
    def of(task: Task, *shares: float) -> str:
        return usual_score(FeaturePlan(task, "y", (Feature("x", "number"),), shares=shares))

    assert of("binary", 0.5, 0.5) == "accuracy"
    assert of("binary", 0.9, 0.1) == "average_precision"
    assert of("multiclass", 0.6, 0.35, 0.05) == "balanced_accuracy"
    assert of("regression") == "rmse"


def test_a_score_of_another_task_is_not_found() -> None:
    with pytest.raises(NotFound, match="accuracy"):
        score_named("regression", "accuracy")
