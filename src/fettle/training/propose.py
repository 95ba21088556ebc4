"""What to try next: defaults, then training windows, then Optuna; and when to give a trial up."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from fettle.training.algorithms import Algorithm, Choice, Range
from fettle.training.fitting import RECENT
from fettle.training.records import Trial

ALGORITHM = "algorithm"
PRUNE_AFTER = 2
STARTUP = 5

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Proposal:
    """A recipe to try, and whom to ask whether to go on with it.

    Attributes:
        algorithm: The algorithm's name.
        params: Its hyper-parameters, with `recent` if windows are searched.
    """

    def __init__(self, asked: optuna.Trial, algorithm: str, params: dict[str, Any]) -> None:
        self.asked = asked
        self.algorithm = algorithm
        self.params = params

    def judged(self, rung: int, score: float) -> bool:
        """Note the score on a rung; True when it is worse than the median of earlier trials there."""
        self.asked.report(score, rung)
        return self.asked.should_prune()


class Proposer:
    """Proposes one trial after another. What it proposes depends on the seed and the earlier trials only.

    Args:
        algorithms: What to choose from, in the order in which their defaults are tried.
        recent: Training windows to choose from; the first goes with the defaults.
        maximize: Whether more of the score is better.
        seed: Of the sampler.
        done: Trials of an earlier search with the same arguments.
    """

    def __init__(
        self,
        algorithms: Mapping[str, Algorithm],
        recent: Sequence[float],
        *,
        maximize: bool,
        seed: int,
        done: Sequence[Trial] = (),
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._algorithms = algorithms
        self._recent = tuple(recent) or (1.0,)
        self._maximize = maximize
        self._seed = seed
        self._trials = list(done)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=PRUNE_AFTER)
        self._study = optuna.create_study(direction="maximize" if maximize else "minimize", pruner=pruner)
        for trial in done:
            self._study.add_trial(self._remembered(trial))

    def propose(self) -> Proposal:
        """The next recipe; `settle` must be called with its trial before the next one is proposed."""
        planned = self._planned()
        if planned is not None:
            self._study.enqueue_trial(planned)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = optuna.samplers.TPESampler(
                seed=self._seed + 7919 * len(self._trials),
                multivariate=True,
                group=True,
                n_startup_trials=STARTUP,
            )
            asked = self._study.ask()
            algorithm = str(asked.suggest_categorical(ALGORITHM, list(self._algorithms)))
            params = {
                key: _suggest(asked, f"{algorithm}.{key}", each)
                for key, each in self._space(algorithm).items()
            }
            if len(self._recent) > 1:
                params[RECENT] = asked.suggest_categorical(RECENT, self._recent)
        return Proposal(asked, algorithm, params)

    def settle(self, proposal: Proposal, trial: Trial) -> None:
        """Take note of how the trial of a proposal ended."""
        self._trials.append(trial)
        self._study.tell(proposal.asked, trial.value, state=_STATES[trial.state])

    def _planned(self) -> dict[str, Any] | None:
        """The recipe that is due before any sampling, as Optuna's parameters; None when all have been tried."""
        count, names = len(self._trials), list(self._algorithms)
        if count < len(names):
            algorithm = self._algorithms[names[count]]
            return self._flat(algorithm.name, algorithm.defaults, self._recent[0])
        window = 1 + count - len(names)
        complete = [each for each in self._trials[: len(names)] if each.value is not None]
        if window >= len(self._recent) or not complete:
            return None
        sign = 1.0 if self._maximize else -1.0
        best = max(complete, key=lambda each: (sign * (each.value or 0.0), -each.number))
        return self._flat(best.algorithm, best.params, self._recent[window])

    def _space(self, algorithm: str) -> Mapping[str, Range | Choice]:
        return self._algorithms[algorithm].space

    def _flat(self, algorithm: str, params: Mapping[str, Any], recent: float) -> dict[str, Any]:
        own = {f"{algorithm}.{key}": value for key, value in params.items() if key in self._space(algorithm)}
        window = {RECENT: recent} if len(self._recent) > 1 else {}
        return {ALGORITHM: algorithm} | own | window

    def _remembered(self, trial: Trial) -> optuna.trial.FrozenTrial:
        """A trial of an earlier search as Optuna keeps it; what is not searched any more is left out of it."""
        params: dict[str, Any] = {}
        known: dict[str, BaseDistribution] = {}
        if trial.algorithm in self._algorithms:
            params = self._flat(trial.algorithm, trial.params, trial.params.get(RECENT, self._recent[0]))
            known[ALGORITHM] = CategoricalDistribution(list(self._algorithms))
            known |= {
                f"{trial.algorithm}.{key}": _spread(each)
                for key, each in self._space(trial.algorithm).items()
            }
            if params.get(RECENT) in self._recent:
                known[RECENT] = CategoricalDistribution(self._recent)
        params = {key: value for key, value in params.items() if key in known}
        return optuna.trial.create_trial(
            state=_STATES[trial.state],
            value=trial.value,
            params=params,
            distributions={key: known[key] for key in params},
            intermediate_values=dict(enumerate(trial.steps)),
        )


def _suggest(asked: optuna.Trial, name: str, space: Range | Choice) -> Any:
    if isinstance(space, Choice):
        return asked.suggest_categorical(name, space.values)
    if space.whole:
        return asked.suggest_int(name, int(space.low), int(space.high), log=space.log)
    return asked.suggest_float(name, space.low, space.high, log=space.log)


def _spread(space: Range | Choice) -> BaseDistribution:
    if isinstance(space, Choice):
        return CategoricalDistribution(space.values)
    if space.whole:
        return IntDistribution(int(space.low), int(space.high), log=space.log)
    return FloatDistribution(space.low, space.high, log=space.log)
