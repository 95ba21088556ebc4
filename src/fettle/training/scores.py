"""The scores a search can compare trials by. More is better where `maximize` says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from fettle.core.errors import NotFound
from fettle.training.records import FeaturePlan, Task

PROBABILITY_FLOOR = 1e-7


@dataclass(frozen=True)
class Score:
    """A number for how well values, or probabilities, meet the truth.

    Attributes:
        name: Its name in trials, metrics and gates.
        maximize: Whether more is better.
        tasks: The kinds of problem it is for.
        measure: (truth, predicted, probabilities) → the score. Classes are codes 0 … k-1; probabilities have one
            column per class.
    """

    name: str
    maximize: bool
    tasks: tuple[Task, ...]
    measure: Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], float]


def score_named(task: Task, name: str) -> Score:
    """Find a score by name.

    Raises:
        NotFound: The task has no score of that name.
    """
    known = {each.name: each for each in SCORES.values() if task in each.tasks}
    if name not in known:
        raise NotFound.among(f"score for {task}", name, known)
    return known[name]


def usual_score(plan: FeaturePlan) -> str:
    """The score to search by when none is asked for.

    Accuracy; for two classes of which one is rare the average precision, which a model that always says "no" does not
    win; for several classes of which one is rare the balanced accuracy; for a regression the root mean squared error.
    """
    if plan.task == "regression":
        return "rmse"
    if not plan.imbalanced:
        return "accuracy"
    return "average_precision" if plan.task == "binary" else "balanced_accuracy"


def accuracy(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """The share of rows whose class is right."""
    return float(np.mean(truth == predicted))


def balanced_accuracy(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """The mean over the classes present of the share found of each (Brodersen et al., 2010)."""
    present = np.unique(truth)
    return float(np.mean([np.mean(predicted[truth == each] == each) for each in present]))


def f1(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """F1, the mean over the classes ("macro")."""
    quiet: dict[str, Any] = {"average": "macro", "zero_division": 0.0}
    return float(metrics.f1_score(truth, predicted, **quiet))


def roc_auc(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Area under the ROC curve; several classes: one against the rest, mean; NaN unless two classes are present."""
    return _over_classes(metrics.roc_auc_score, truth, probabilities)


def average_precision(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Average precision of the rarer class present (of two), or the mean over the classes."""
    return _over_classes(metrics.average_precision_score, truth, probabilities, rarer=True)


def log_loss(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Mean negative logarithm of the probability given to the true class."""
    own = probabilities[np.arange(len(truth)), truth]
    return float(-np.mean(np.log(np.clip(own, PROBABILITY_FLOOR, 1.0))))


def brier(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Mean squared distance of the probabilities from the truth; two classes: of the second one (Brier, 1950)."""
    if probabilities.shape[1] == 2:
        return float(np.mean((probabilities[:, 1] - truth) ** 2))
    return float(np.mean(np.sum((probabilities - np.eye(probabilities.shape[1])[truth]) ** 2, axis=1)))


def rmse(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((truth - predicted) ** 2)))


def mae(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(truth - predicted)))


def r2(truth: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Share of the variance explained; NaN where the truth does not vary."""
    spread = float(np.sum((truth - np.mean(truth)) ** 2))
    return 1.0 - float(np.sum((truth - predicted) ** 2)) / spread if spread > 0 else float("nan")


def _over_classes(
    measure: Callable[..., float], truth: NDArray[Any], probabilities: NDArray[Any], *, rarer: bool = False
) -> float:
    present, counts = np.unique(truth, return_counts=True)
    if len(present) < 2:
        return float("nan")
    if probabilities.shape[1] == 2:
        positive = int(present[np.argmin(counts)]) if rarer and counts[0] < counts[1] else 1
        return float(measure(truth == positive, probabilities[:, positive]))
    return float(np.mean([measure(truth == each, probabilities[:, each]) for each in present]))


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
SCORES: Mapping[str, Score] = {
    each.name: each
    for each in (
        Score("accuracy", True, _CLASSES, accuracy),
        Score("balanced_accuracy", True, _CLASSES, balanced_accuracy),
        Score("f1", True, _CLASSES, f1),
        Score("roc_auc", True, _CLASSES, roc_auc),
        Score("average_precision", True, _CLASSES, average_precision),
        Score("log_loss", False, _CLASSES, log_loss),
        Score("brier", False, _CLASSES, brier),
        Score("rmse", False, ("regression",), rmse),
        Score("mae", False, ("regression",), mae),
        Score("r2", True, ("regression",), r2),
    )
}
