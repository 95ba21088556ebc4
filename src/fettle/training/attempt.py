"""One trial: climb the ladder rung by rung, and stop early when it is bad, slow or broken."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fettle.training.algorithms import Algorithm, settled
from fettle.training.features import encode
from fettle.training.fitting import RECENT, Predicted, newest
from fettle.training.ladder import Ladder, Rows, Rung, drawn
from fettle.training.prepare import Form, prepared
from fettle.training.records import FeaturePlan, Trial, TrialState
from fettle.training.scores import Score
from fettle.training.threads import one_thread

Judged = Callable[[int, float], bool]
"""Told of a rung's number and the score so far; True means that the trial is to be given up."""

TRIAL_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What an estimator may raise on hyper-parameters it cannot do; a trial fails of it, the search goes on."""


@dataclass
class Bench:
    """What all trials of a search share; prepared inputs are made once for each form and set of rows.

    Attributes:
        plan: The features.
        frame: All rows, to learn from and to judge on.
        truth: Their target as codes or numbers.
        ladder: What every trial climbs.
        score: How it is judged.
        seed: Of all trials.
        limit_s: The time a trial may take.
    """

    plan: FeaturePlan
    frame: pl.DataFrame
    truth: NDArray[Any]
    ladder: Ladder
    score: Score
    seed: int = 0
    limit_s: float | None = None
    _inputs: pl.DataFrame | None = field(default=None, repr=False)
    _prepared: dict[tuple[Form, int, int], NDArray[Any]] = field(default_factory=dict, repr=False)

    def matrix(self, form: Form, rung: Rung) -> NDArray[Any]:
        """All rows in the estimator's form; medians and scales are those of the rung's rows to learn from."""
        key = (form, len(rung.learn), int(rung.learn.sum()))
        if key not in self._prepared:
            if self._inputs is None:
                self._inputs = encode(self.plan, self.frame)
            ready = prepared(self.plan, form, self._inputs[rung.learn])
            self._prepared[key] = np.ascontiguousarray(ready.transform(self._inputs), dtype=np.float32)
        return self._prepared[key]


def attempt(
    bench: Bench, number: int, algorithm: Algorithm, params: Mapping[str, Any], judged: Judged
) -> Trial:
    """Make one trial. What the estimator raises becomes a failed trial; Ctrl-C is raised."""
    started = time.monotonic()
    steps: list[float] = []
    scores: list[float] = []
    rows, score, error = 0, float("nan"), ""
    state: TrialState = "complete"
    try:
        for place, rung in enumerate(bench.ladder.rungs):
            began = time.monotonic()
            used_up = not bench.ladder.mean and rows == len(rows_of(bench, rung, params))
            if not used_up:  # else the same fit again
                rows, score = climb(bench, rung, algorithm, params)
            scores.append(score)
            steps.append(float(np.mean(scores)) if bench.ladder.mean else score)
            if not np.isfinite(steps[-1]):
                raise ArithmeticError(f"the {bench.score.name} on rung {place + 1} is not a number")
            if place + 1 == len(bench.ladder.rungs):
                break
            if judged(place, steps[-1]):
                state, error = "pruned", f"worse than earlier trials on rung {place + 1}"
                break
            ahead_s = (time.monotonic() - began) * bench.ladder.rungs[place + 1].fraction / rung.fraction
            if bench.limit_s is not None and time.monotonic() - started + ahead_s > bench.limit_s:
                state, error = (
                    "pruned",
                    f"too slow: the next rung would end after the limit of {bench.limit_s:g} s",
                )
                break
    except TRIAL_ERRORS as problem:
        state, error = "failed", f"{type(problem).__name__}: {problem}"[:500]
    return Trial(
        number=number,
        algorithm=algorithm.name,
        params=dict(params),
        state=state,
        value=steps[-1] if state == "complete" else None,
        steps=tuple(each for each in steps if np.isfinite(each)),
        seconds=time.monotonic() - started,
        rows=rows,
        error=error,
    )


def climb(bench: Bench, rung: Rung, algorithm: Algorithm, params: Mapping[str, Any]) -> tuple[int, float]:
    """Fit on one rung and score: the number of rows learned from, and the score."""
    matrix = bench.matrix(algorithm.form, rung)
    rows = rows_of(bench, rung, params)
    truth = bench.truth[rows]
    offset, scale = 0.0, 1.0
    if bench.plan.task == "regression":
        offset, scale = float(truth.mean()), float(truth.std()) or 1.0
        truth = (truth - offset) / scale
    model: Any = algorithm.build(params, len(rows), bench.seed)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix[rows], truth)
    with one_thread():
        found = _predicted(bench.plan, settled(model), matrix[rung.judge], offset, scale)
    return len(rows), bench.score.measure(bench.truth[rung.judge], found.values, found.probabilities)


def rows_of(bench: Bench, rung: Rung, params: Mapping[str, Any]) -> Rows:
    """The rows that a rung learns from: its fraction counts in rows of the whole, so a short window is soon used up."""
    window = newest(rung.learn, params.get(RECENT, 1.0))
    return drawn(window, rung.fraction * len(rung.learn) / max(1, len(window)), bench.seed)


def _predicted(plan: FeaturePlan, model: Any, matrix: NDArray[Any], offset: float, scale: float) -> Predicted:
    if plan.task == "regression":
        return Predicted(model.predict(matrix) * scale + offset, np.empty((len(matrix), 0)))
    probabilities = np.zeros((len(matrix), len(plan.labels)))
    probabilities[:, model.classes_] = model.predict_proba(matrix)
    return Predicted(probabilities.argmax(axis=1), probabilities)
