"""Search the algorithm and its hyper-parameters: Optuna proposes, trials climb the ladder, the bad ones are given up.

The defaults of every algorithm come first, cheapest first; then the best of them with each other training window
(`recent`), if windows are searched; then what Optuna's tree-structured Parzen estimator proposes (Bergstra et al.,
2011). The proposal for a trial depends on its number, the seed and the trials before it only, so a search that is
resumed from its finished trials goes on as if it had never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.core.errors import FettleError, Invalid
from fettle.training.algorithms import named
from fettle.training.attempt import Bench, attempt
from fettle.training.ladder import Ladder, Rows, blocks, folds, growing
from fettle.training.propose import Proposer
from fettle.training.records import FeaturePlan, SearchResult, Trial
from fettle.training.scores import Score, score_named, usual_score
from fettle.training.targets import truth_of

OnTrial = Callable[[Trial], None]


class SearchFailed(FettleError):
    """No trial of a search could be completed."""


def search(
    train: pl.DataFrame,
    valid: pl.DataFrame | None,
    plan: FeaturePlan,
    *,
    algorithms: Sequence[str] = (),
    trials: int = 12,
    seed: int = 0,
    budget_s: float | None = None,
    trial_limit_s: float | None = None,
    score: str | None = None,
    recent: Sequence[float] = (1.0,),
    on_trial: OnTrial | None = None,
    done: Sequence[Trial] = (),
) -> SearchResult:
    """Find the best algorithm and hyper-parameters for a plan.

    Args:
        train: Rows to learn from, oldest first if time orders them.
        valid: Rows to judge on, later than `train` if time orders them. None: `train` is folded, at random or, if
            the plan has a time column, into successive blocks.
        plan: The features, planned on `train`.
        algorithms: Names to choose from; empty means all for the task.
        trials: How many in all, with those in `done`.
        seed: The same seed and rows give the same trials (but for limits of time).
        budget_s: No trial is begun after this many seconds; at least one is always completed.
        trial_limit_s: A trial is given up when its next rung is expected to end after this many seconds. None: a
            third of the budget, if there is one.
        score: What to compare by; None: `scores.usual_score`.
        recent: Training windows to choose from, as shares of the newest rows; only for rows in time order.
        on_trial: Told of each trial when it ends; what it raises ends the search.
        done: Trials of an earlier search that was stopped, with the same other arguments.

    Raises:
        NotFound: An unknown algorithm or score.
        Invalid: No rows to learn from or to judge on.
        SearchFailed: Not one trial was completed.
    """
    started = time.monotonic()
    chosen = named(plan.task, tuple(algorithms))
    measure = score_named(plan.task, score or usual_score(plan))
    if trial_limit_s is None and budget_s is not None:
        trial_limit_s = budget_s / 3
    bench = _bench(train, valid, plan, measure, seed=seed, limit_s=trial_limit_s)
    finished = list(done)
    proposer = Proposer(chosen, recent, maximize=measure.maximize, seed=seed, done=finished)
    stopped: Literal["trials", "budget"] = "trials"
    while len(finished) < trials:
        complete = any(each.state == "complete" for each in finished)
        if budget_s is not None and complete and time.monotonic() - started > budget_s:
            stopped = "budget"
            break
        proposal = proposer.propose()
        trial = attempt(bench, len(finished), chosen[proposal.algorithm], proposal.params, proposal.judged)
        proposer.settle(proposal, trial)
        finished.append(trial)
        if on_trial is not None:
            on_trial(trial)
    return SearchResult(
        best=_best(finished, measure),
        trials=finished,
        score=measure.name,
        maximize=measure.maximize,
        stopped=stopped,
        seconds=time.monotonic() - started,
    )


def _bench(
    train: pl.DataFrame,
    valid: pl.DataFrame | None,
    plan: FeaturePlan,
    measure: Score,
    *,
    seed: int,
    limit_s: float | None,
) -> Bench:
    wanted = [*plan.columns, plan.target]
    frame = train.select(wanted)
    if valid is not None:
        frame = pl.concat([frame, valid.select(wanted)], how="vertical_relaxed")
    truth = truth_of(plan, frame)
    usable = np.flatnonzero(np.isfinite(truth) if plan.task == "regression" else truth >= 0)
    learn, judge = usable[usable < train.height], usable[usable >= train.height]
    if len(learn) < 10 or (valid is not None and len(judge) == 0):
        raise Invalid(
            "There are too few rows with a known target to search.",
            found=f"{len(learn)} rows to learn from, {len(judge)} to judge on",
        )
    return Bench(plan, frame, truth, _ladder(plan, truth, learn, judge, seed), measure, seed, limit_s)


def _ladder(plan: FeaturePlan, truth: NDArray[Any], learn: Rows, judge: Rows, seed: int) -> Ladder:
    if len(judge):
        return growing(learn, judge)
    if plan.time:
        return blocks(learn)
    return folds(learn, truth[learn], stratify=plan.task != "regression", seed=seed)


def _best(trials: Sequence[Trial], measure: Score) -> Trial:
    complete = [each for each in trials if each.value is not None]
    if complete:
        sign = 1.0 if measure.maximize else -1.0
        return max(complete, key=lambda each: (sign * (each.value or 0.0), -each.number))
    errors = [each.error for each in trials if each.error]
    raise SearchFailed(
        f"None of {len(trials)} trials could be completed.",
        found=errors[-1] if errors else "no trial was allowed",
        hint="Look at the trials' errors; allow more time, or choose other algorithms.",
    )
