"""Truths and predictions side by side: what every judgement starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.core.errors import Invalid
from fettle.training.fitting import Predicted
from fettle.training.records import FeaturePlan, Label, Task
from fettle.training.targets import codes_of, label_text, plain_label, truth_of


@dataclass(frozen=True)
class Outcome:
    """Judged rows: only those whose truth is known.

    Attributes:
        task: The kind of problem.
        labels: The classes; empty for a regression.
        rows: Which rows of the frame these are.
        truth: Class codes, or numbers.
        predicted: Class codes, or numbers.
        probabilities: One column per class; no columns for a regression.
    """

    task: Task
    labels: tuple[Label, ...]
    rows: NDArray[np.int64]
    truth: NDArray[Any]
    predicted: NDArray[Any]
    probabilities: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Classification: which rows are right."""
        return self.truth == self.predicted

    def take(self, places: NDArray[Any]) -> Outcome:
        """The outcome of some of the rows, by place or by mask."""
        return Outcome(
            self.task,
            self.labels,
            self.rows[places],
            self.truth[places],
            self.predicted[places],
            self.probabilities[places],
        )


def outcome(plan: FeaturePlan, frame: pl.DataFrame, predicted: Predicted) -> Outcome:
    """Put predictions for a frame beside its target; rows with an unknown target or a new class are left out.

    Raises:
        Invalid: No row has a known target.
    """
    return _known(plan.task, plan.labels, truth_of(plan, frame), predicted.values, predicted.probabilities)


def outcome_of_answers(
    task: Task, labels: tuple[Label, ...], truth: Sequence[Any], answers: Sequence[Mapping[str, Any]]
) -> Outcome:
    """The same from a predictor's answers and the labels that came for them.

    Args:
        task: The kind of problem.
        labels: The classes, as in the bundle's schema.
        truth: One label per answer; None where it is not known.
        answers: As `packaging.Predictor.predict` gives them.

    Raises:
        Invalid: No label is known.
    """
    if task == "regression":
        numbers = np.array([np.nan if each is None else each for each in truth], dtype=np.float64)
        values = np.array([each["prediction"] for each in answers], dtype=np.float64)
        return _known(task, (), numbers, values, np.empty((len(values), 0)))
    texts = [label_text(each) for each in labels]
    told = pl.Series(
        "truth", [None if each is None else label_text(plain_label(each)) for each in truth], dtype=pl.String
    )
    probabilities = np.array([[each["probabilities"][text] for text in texts] for each in answers])
    return _known(task, labels, codes_of(told, tuple(texts)), probabilities.argmax(axis=1), probabilities)


def trivial(plan: FeaturePlan, train: pl.DataFrame, frame: pl.DataFrame) -> Outcome:
    """The outcome of not learning anything: always the commonest class of the training rows, or their mean."""
    truth = truth_of(plan, train)
    if plan.task == "regression":
        values = np.full(frame.height, np.nanmean(truth))
        return outcome(plan, frame, Predicted(values, np.empty((frame.height, 0))))
    shares = np.bincount(truth[truth >= 0], minlength=len(plan.labels)) / max(1, np.sum(truth >= 0))
    values = np.full(frame.height, int(shares.argmax()))
    return outcome(plan, frame, Predicted(values, np.tile(shares, (frame.height, 1))))


def _known(
    task: Task,
    labels: tuple[Label, ...],
    truth: NDArray[Any],
    predicted: NDArray[Any],
    probabilities: NDArray[np.float64],
) -> Outcome:
    known = np.isfinite(truth) if task == "regression" else truth >= 0
    rows = np.flatnonzero(known)
    if len(rows) == 0:
        raise Invalid(
            "There is nothing to judge by: no row has a known target.",
            found=f"{len(truth)} rows",
            hint="Judge on rows whose target is known and of a class that was in training.",
        )
    return Outcome(task, labels, rows, truth[rows], predicted[rows], probabilities[rows])
