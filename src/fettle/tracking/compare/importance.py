"""Which parameters explain a metric: a random forest that is asked about runs it has not seen."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from fettle.core.errors import Invalid
from fettle.tracking.records.comparisons import Importance, Importances

LEAST = 10
"""Runs below which nothing can be said."""
_FOLDS, _TREES, _REPEATS = 5, 100, 5


def importance(
    metric: str, params: Sequence[Mapping[str, Any]], values: Sequence[float], *, seed: int = 0
) -> Importances:
    """Rank parameters by how much worse a forest predicts the metric of unseen runs when one of them is shuffled.

    Permutation importance (Breiman 2001, "Random forests", section 10) measured on the held-out fold of five, so that
    a parameter that says nothing gets about 0. Texts count as categories, missing values as one of their own.

    Args:
        metric: Its name.
        params: For each run its parameters.
        values: For each run its finite value of the metric.
        seed: Of forest, folds and shuffling.

    Raises:
        Invalid: There are fewer than ten runs, or none of the parameters varies.
    """
    names = sorted({key for each in params for key in each})
    columns = {name: [each.get(name) for each in params] for name in names}
    varied = [name for name in names if len(set(map(str, columns[name]))) > 1]
    if len(values) < LEAST or not varied:
        raise Invalid(
            f"What {metric!r} depends on cannot be told.",
            found=f"{len(values)} runs with a finite value, {len(varied)} parameters that vary",
            hint=f"At least {LEAST} runs and one parameter are needed.",
        )
    matrix = np.column_stack([_encoded(columns[name]) for name in varied])
    target = np.asarray(values, dtype=np.float64)
    drops, score = _drops(matrix, target, seed)
    ranks = [_spearman(columns[name], target) for name in varied]
    found = [
        Importance(
            param=name,
            importance=float(drops[place].mean()),
            std=float(drops[place].std(ddof=1)),
            spearman=ranks[place][0],
            p=ranks[place][1],
            distinct=len(set(map(str, columns[name]))),
        )
        for place, name in enumerate(varied)
    ]
    found.sort(key=lambda each: -each.importance)
    return Importances(metric, len(values), score, found)


def _drops(
    matrix: NDArray[np.float64], target: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.float64], float]:
    """For each column its importances over folds and repetitions, and R² over all folds."""
    drops, predicted = [], np.empty_like(target)
    for train, test in KFold(_FOLDS, shuffle=True, random_state=seed).split(matrix):
        forest = RandomForestRegressor(_TREES, random_state=seed, n_jobs=1).fit(matrix[train], target[train])
        predicted[test] = forest.predict(matrix[test])
        found = permutation_importance(
            forest,
            matrix[test],
            target[test],
            n_repeats=_REPEATS,
            random_state=seed,
            scoring="neg_mean_squared_error",
        )
        drops.append(np.asarray(found["importances"]))
    variance = float(target.var()) or 1.0
    score = 1.0 - float(((target - predicted) ** 2).mean()) / variance
    return np.concatenate(drops, axis=1) / variance, score


def _encoded(values: Sequence[Any]) -> NDArray[np.float64]:
    """Numbers as they are, texts as numbers of their order; what is missing is NaN, which a forest takes."""
    numbers = [_number(each) for each in values]
    if all(number is not None or each is None for number, each in zip(numbers, values, strict=True)):
        return np.array([math.nan if each is None else each for each in numbers])
    codes = {text: float(place) for place, text in enumerate(sorted({str(each) for each in values}))}
    return np.array([codes[str(each)] for each in values])


def _number(value: Any) -> float | None:
    if isinstance(value, int | float | str):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) and abs(number) < 1e30 else None
    return None


def _spearman(values: Sequence[Any], target: NDArray[np.float64]) -> tuple[float | None, float | None]:
    numbers = [_number(each) for each in values]
    if any(number is None and each is not None for number, each in zip(numbers, values, strict=True)):
        return None, None
    known = [place for place, each in enumerate(numbers) if each is not None]
    if len(known) < 3 or len({numbers[place] for place in known}) == 1:
        return None, None
    with warnings.catch_warnings():  # a constant metric gives nan, which is told as None
        warnings.simplefilter("ignore")
        found: Any = spearmanr([numbers[place] for place in known], target[known])
    rho, p = float(found.statistic), float(found.pvalue)
    return (rho, p) if math.isfinite(rho) else (None, None)
