"""Fitting one model and predicting with it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.training.algorithms import for_task
from fettle.training.features import plan
from fettle.training.fitting import fit, newest
from fettle.training.records import Task, Trial
from tests.training.tables import mixed, others


def recipe(task: Task, algorithm: str, **params: object) -> Trial:
    defaults = for_task(task)[algorithm].defaults
    return Trial(0, algorithm, {**defaults, **params}, "complete")


@pytest.mark.parametrize("target", ["bought", "grade", "score"])
@pytest.mark.parametrize("place", range(4))
def test_every_algorithm_beats_the_trivial_answer(target: str, place: int) -> None:
    made = plan(mixed(), target, exclude=others(target))
    algorithm = list(for_task(made.task))[place]
    fitted = fit(mixed().head(400), made, recipe(made.task, algorithm))
    test = mixed().tail(200)
    predicted = fitted.predict(test).labels(made)
    if made.task == "regression":
        truth = test[target].to_numpy()
        assert np.mean((truth - predicted) ** 2) < 0.8 * truth.var()
    else:
        right = np.mean([a == b for a, b in zip(predicted, test[target].to_list(), strict=True)])
        assert right > max(made.shares) + 0.05


def test_probabilities_have_the_order_of_the_labels() -> None:
    made = plan(mixed(), "grade", exclude=others("grade"))
    predicted = fit(mixed(), made, recipe("multiclass", "extra_trees")).predict(mixed())
    assert predicted.probabilities.shape == (600, 3)
    assert np.allclose(predicted.probabilities.sum(axis=1), 1)
    top = predicted.probabilities[:, made.labels.index("top")]
    assert top[(mixed()["grade"] == "top").to_numpy()].mean() > 0.5


def test_the_same_rows_recipe_and_seed_give_the_same_model() -> None:
    made = plan(mixed(), "score", exclude=others("score"))
    one, two = (
        fit(mixed(), made, recipe("regression", "random_forest"), seed=3).predict(mixed()) for _ in range(2)
    )
    assert np.array_equal(one.values, two.values)


def test_rows_without_a_target_are_left_out() -> None:
    holed = mixed().with_columns(
        pl.when(pl.int_range(pl.len()) < 100).then(None).otherwise(pl.col("bought")).alias("bought")
    )
    made = plan(holed, "bought", exclude=others("bought"))
    assert fit(holed, made, recipe("binary", "logistic")).rows == 500


def test_recent_takes_the_newest_rows() -> None:
    made = plan(mixed(), "bought", exclude=others("bought"))
    assert fit(mixed(), made, recipe("binary", "logistic", recent=0.25)).rows == 150
    assert newest(np.arange(1000), 0.1).tolist() == list(range(900, 1000))
    assert len(newest(np.arange(1000), 0.001)) == 50


def test_an_absent_class_is_named() -> None:
    made = plan(mixed(), "grade", exclude=others("grade"))
    with pytest.raises(Invalid, match="no row to learn from") as caught:
        fit(mixed().filter(pl.col("grade") != "top"), made, recipe("multiclass", "logistic"))
    assert "top" in caught.value.found


def test_an_unknown_algorithm_is_not_found() -> None:
    made = plan(mixed(), "bought", exclude=others("bought"))
    with pytest.raises(NotFound, match="logistik") as caught:
        fit(mixed(), made, Trial(0, "logistik", {}, "complete"))
    assert "'logistic'" in caught.value.hint
