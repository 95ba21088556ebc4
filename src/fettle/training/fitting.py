"""Fit one model by a plan and a trial, and predict with it in the words of the plan."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from fettle.core.errors import Invalid
from fettle.training.algorithms import named, settled
from fettle.training.features import encode
from fettle.training.prepare import prepared
from fettle.training.records import FeaturePlan, Label, Trial
from fettle.training.targets import label_text, truth_of
from fettle.training.threads import one_thread

RECENT = "recent"
"""The hyper-parameter that is not the algorithm's: the share of the newest rows to train on."""


@dataclass(frozen=True)
class Predicted:
    """Predictions for some rows.

    Attributes:
        values: Class codes (the place among the plan's labels), or numbers; one per row.
        probabilities: One row per row and one column per label; no columns for a regression.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64]

    def labels(self, plan: FeaturePlan) -> list[Label] | list[float]:
        """The predictions as classes in the target's own type, or as numbers."""
        return [plan.labels[code] for code in self.values] if plan.labels else self.values.tolist()


@dataclass(frozen=True)
class Fitted:
    """A model that has learned.

    Attributes:
        plan: What goes in and what comes out.
        algorithm: The algorithm's name.
        params: Its hyper-parameters.
        pipeline: scikit-learn's pipeline of two steps, `prepare` and `model`, on the inputs that `encode` gives. A
            classifier's classes are the texts of the plan's labels, in their order.
        offset: Regression: what is added to the pipeline's answer after multiplying by `scale`. 0 and 1 otherwise.
        scale: See `offset`; the model learns a target of mean 0 and deviation 1.
        rows: How many rows it learned from.
    """

    plan: FeaturePlan
    algorithm: str
    params: Mapping[str, Any]
    pipeline: Pipeline
    offset: float = 0.0
    scale: float = 1.0
    rows: int = 0

    def predict(self, frame: pl.DataFrame) -> Predicted:
        """Predict rows that have the plan's columns; errors as `features.encode`."""
        inputs = encode(self.plan, frame)
        with one_thread():
            if self.plan.task == "regression":
                values = (
                    np.asarray(self.pipeline.predict(inputs), dtype=np.float64) * self.scale + self.offset
                )
                return Predicted(values, np.empty((len(values), 0)))
            probabilities = np.asarray(self.pipeline.predict_proba(inputs), dtype=np.float64)
        return Predicted(probabilities.argmax(axis=1), probabilities)


def fit(frame: pl.DataFrame, plan: FeaturePlan, recipe: Trial, *, seed: int = 0) -> Fitted:
    """Fit the recipe of a trial on rows; the same rows, recipe and seed give the same model.

    Args:
        frame: Training rows; oldest first if the recipe has `recent`. Rows without a known target are left out.
        plan: The features.
        recipe: Algorithm and hyper-parameters, such as `SearchResult.best`.
        seed: Of everything random in the algorithm.

    Raises:
        NotFound: The algorithm does not exist for this task.
        Invalid: Fewer than two classes are left in the rows.
    """
    algorithm = named(plan.task, (recipe.algorithm,))[recipe.algorithm]
    truth = truth_of(plan, frame)
    usable = np.isfinite(truth) if plan.task == "regression" else truth >= 0
    rows = newest(np.flatnonzero(usable), recipe.params.get(RECENT, 1.0))
    inputs, truth = encode(plan, frame[rows]), truth[rows]
    goal, offset, scale = _goal(plan, truth)
    estimator: Any = algorithm.build(recipe.params, len(rows), seed)
    ready = prepared(plan, algorithm.form, inputs)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(np.asarray(ready.transform(inputs), dtype=np.float32), goal)
    pipeline = Pipeline([("prepare", ready), ("model", settled(estimator))])
    return Fitted(plan, recipe.algorithm, dict(recipe.params), pipeline, offset, scale, len(rows))


def newest(rows: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """The last `share` of rows, but no fewer than 50 while there are."""
    keep = max(min(50, len(rows)), round(len(rows) * share))
    return rows[len(rows) - keep :]


def _goal(plan: FeaturePlan, truth: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    if plan.task != "regression":
        if len(np.unique(truth)) < len(plan.labels):
            absent = [
                label_text(plan.labels[each]) for each in set(range(len(plan.labels))) - set(truth.tolist())
            ]
            raise Invalid(
                f"Some classes of {plan.target!r} have no row to learn from.",
                found=f"no row of {', '.join(sorted(absent))} among {len(truth)} training rows",
                hint="Use more rows, or plan the features on these rows only.",
            )
        return np.array([label_text(each) for each in plan.labels])[truth], 0.0, 1.0
    offset, scale = float(np.mean(truth)), float(np.std(truth)) or 1.0
    return (truth - offset) / scale, offset, scale
