"""The metrics of an outcome, plain and with intervals."""

from __future__ import annotations

import numpy as np

from fettle.evaluation.intervals import CONFIDENCE, RESAMPLES, bootstrap, wilson
from fettle.evaluation.outcomes import Outcome
from fettle.evaluation.records import Interval
from fettle.training.records import Task
from fettle.training.scores import SCORES, score_named

MOST_RESAMPLED_ROWS = 5000


def main_metric(task: Task) -> str:
    """The metric a model of this task is spoken of by: accuracy, or root mean squared error."""
    return "rmse" if task == "regression" else "accuracy"


def evaluate(seen: Outcome) -> dict[str, float]:
    """All metrics of an outcome by name; one that these rows do not define is left out.

    Classes: accuracy, balanced_accuracy, f1 (macro), roc_auc, average_precision, log_loss, brier. Numbers: rmse, mae,
    r2. The definitions are those of `training.scores`, checked there against scikit-learn.
    """
    found = {
        name: score.measure(seen.truth, seen.predicted, seen.probabilities)
        for name, score in SCORES.items()
        if seen.task in score.tasks
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def measured(
    seen: Outcome, metric: str, *, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """One metric with its interval: Wilson's for accuracy, else a bootstrap on 5,000 rows at most.

    From more rows, resamples of 5,000 are drawn and the interval is narrowed by the square root of the ratio.

    Raises:
        NotFound: The task has no such metric.
    """
    score = score_named(seen.task, metric)
    if metric == "accuracy":
        return wilson(int(seen.right.sum()), len(seen), confidence=confidence)
    value = score.measure(seen.truth, seen.predicted, seen.probabilities)
    few = seen
    if len(seen) > MOST_RESAMPLED_ROWS:
        places = np.random.default_rng(seed).choice(len(seen), MOST_RESAMPLED_ROWS, replace=False)
        few = seen.take(np.sort(places))
    found = bootstrap(
        lambda places: score.measure(few.truth[places], few.predicted[places], few.probabilities[places]),
        len(few),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    narrowing = (len(few) / len(seen)) ** 0.5
    low, high = ((each - found.value) * narrowing + value for each in (found.low, found.high))
    return Interval(value, low, high, len(seen), confidence, "bootstrap")


def with_intervals(seen: Outcome, metrics: tuple[str, ...] = (), *, seed: int = 0) -> dict[str, Interval]:
    """Metrics with their intervals; none named means the main one only."""
    return {name: measured(seen, name, seed=seed) for name in metrics or (main_metric(seen.task),)}
