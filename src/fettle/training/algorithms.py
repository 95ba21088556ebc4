"""The algorithms a search may choose from, cheapest first: how to build each, its defaults and its space.

Sizes are modest on purpose: a forest of 50 shallow trees is within a hair of one of 500, and is fitted, converted and
served ten times faster. The smallest leaf grows with the rows, so that a packaged forest stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from fettle.core.errors import NotFound
from fettle.training.prepare import Form
from fettle.training.records import Task

MOST_LEAVES = 2000
JOBS = 2


@dataclass(frozen=True)
class Range:
    """A hyper-parameter that is a number in [low, high]; whole if `whole`, searched by its logarithm if `log`."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Choice:
    """A hyper-parameter that is one of a few values."""

    values: tuple[Any, ...]


Space = Mapping[str, Range | Choice]


@dataclass(frozen=True)
class Algorithm:
    """One way of learning.

    Attributes:
        name: As it is written in configuration and in trials.
        title: As it is shown to people.
        form: What its inputs must look like, see `prepare`.
        build: Makes the estimator from hyper-parameters, number of rows and seed.
        defaults: The hyper-parameters tried first.
        space: Where others are searched.
    """

    name: str
    title: str
    form: Form
    build: Callable[[Mapping[str, Any], int, int], BaseEstimator]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    space: Space = field(default_factory=dict)


def for_task(task: Task) -> dict[str, Algorithm]:
    """The algorithms for a kind of problem by name, cheapest first."""
    return dict(_REGRESSION if task == "regression" else _CLASSIFICATION)


def named(task: Task, names: tuple[str, ...] = ()) -> dict[str, Algorithm]:
    """The algorithms of these names, or all.

    Raises:
        NotFound: A name that the task does not know.
    """
    known = for_task(task)
    for name in names:
        if name not in known:
            raise NotFound.among(f"algorithm for {task}", name, known)
    return {name: known[name] for name in names} if names else known


def settled(model: Any) -> Any:
    """A fitted estimator that predicts on one thread: threads would add up a forest's votes in the order they end."""
    if hasattr(model, "n_jobs"):
        model.n_jobs = 1
    return model


def _leaf(params: Mapping[str, Any], rows: int) -> int:
    return max(int(params["min_samples_leaf"]), ceil(rows / MOST_LEAVES))


def _forest(kind: type[Any]) -> Callable[[Mapping[str, Any], int, int], BaseEstimator]:
    def build(params: Mapping[str, Any], rows: int, seed: int) -> BaseEstimator:
        return kind(
            n_estimators=50,
            max_depth=int(params["max_depth"]),
            min_samples_leaf=_leaf(params, rows),
            max_features=params["max_features"],
            random_state=seed,
            n_jobs=JOBS,
        )

    return build


def _boosting(kind: type[Any]) -> Callable[[Mapping[str, Any], int, int], BaseEstimator]:
    def build(params: Mapping[str, Any], rows: int, seed: int) -> BaseEstimator:
        return kind(
            learning_rate=params["learning_rate"],
            max_iter=int(params["max_iter"]),
            max_leaf_nodes=int(params["max_leaf_nodes"]),
            min_samples_leaf=int(params["min_samples_leaf"]),
            l2_regularization=params["l2_regularization"],
            early_stopping=False,
            random_state=seed,
        )

    return build


def _logistic(params: Mapping[str, Any], rows: int, seed: int) -> BaseEstimator:
    return LogisticRegression(C=params["C"], max_iter=300, random_state=seed)


def _ridge(params: Mapping[str, Any], rows: int, seed: int) -> BaseEstimator:
    return Ridge(alpha=params["alpha"], solver="lsqr", tol=1e-6, random_state=seed)


def _forest_space(share: float) -> tuple[dict[str, Any], Space]:
    defaults = {"max_depth": 14, "min_samples_leaf": 3, "max_features": share}
    space: Space = {
        "max_depth": Range(4, 18, whole=True),
        "min_samples_leaf": Range(1, 40, log=True, whole=True),
        "max_features": Range(0.2, 1.0),
    }
    return defaults, space


_BOOSTING_DEFAULTS = {
    "learning_rate": 0.1,
    "max_iter": 100,
    "max_leaf_nodes": 16,
    "min_samples_leaf": 20,
    "l2_regularization": 1e-3,
}
_BOOSTING_SPACE: Space = {
    "learning_rate": Range(0.02, 0.3, log=True),
    "max_iter": Range(30, 150, whole=True),
    "max_leaf_nodes": Range(4, 48, log=True, whole=True),
    "min_samples_leaf": Range(5, 80, log=True, whole=True),
    "l2_regularization": Range(1e-4, 10.0, log=True),
}
_SOME, _MOST = _forest_space(0.5), _forest_space(0.8)

_CLASSIFICATION = {
    each.name: each
    for each in (
        Algorithm(
            "logistic",
            "logistic regression",
            "scaled",
            _logistic,
            {"C": 1.0},
            {"C": Range(1e-3, 1e2, log=True)},
        ),
        Algorithm(
            "extra_trees", "extremely randomized trees", "filled", _forest(ExtraTreesClassifier), *_SOME
        ),
        Algorithm("random_forest", "random forest", "filled", _forest(RandomForestClassifier), *_SOME),
        Algorithm(
            "hist_gradient_boosting",
            "gradient boosting on histograms",
            "raw",
            _boosting(HistGradientBoostingClassifier),
            _BOOSTING_DEFAULTS,
            _BOOSTING_SPACE,
        ),
    )
}
_REGRESSION = {
    each.name: each
    for each in (
        Algorithm(
            "ridge",
            "ridge regression",
            "scaled",
            _ridge,
            {"alpha": 1.0},
            {"alpha": Range(1e-3, 1e3, log=True)},
        ),
        Algorithm(
            "extra_trees", "extremely randomized trees", "filled", _forest(ExtraTreesRegressor), *_MOST
        ),
        Algorithm("random_forest", "random forest", "filled", _forest(RandomForestRegressor), *_MOST),
        Algorithm(
            "hist_gradient_boosting",
            "gradient boosting on histograms",
            "raw",
            _boosting(HistGradientBoostingRegressor),
            _BOOSTING_DEFAULTS,
            _BOOSTING_SPACE,
        ),
    )
}
