"""Fitted models on the table with everything in it."""

from __future__ import annotations

from functools import lru_cache

from fettle.training.algorithms import for_task
from fettle.training.features import plan
from fettle.training.fitting import Fitted, fit
from fettle.training.records import Trial
from tests.training.tables import mixed, others

HELD_OUT = mixed().tail(200)
ALGORITHMS = {
    "bought": ("logistic", "extra_trees", "random_forest", "hist_gradient_boosting"),
    "grade": ("logistic", "extra_trees", "random_forest", "hist_gradient_boosting"),
    "score": ("ridge", "extra_trees", "random_forest", "hist_gradient_boosting"),
}
EVERY = [(target, name) for target, names in ALGORITHMS.items() for name in names]


@lru_cache(maxsize=16)
def model(target: str, algorithm: str) -> Fitted:
    """Fit an algorithm's defaults for a target on the first 400 rows."""
    made = plan(mixed().head(400), target, exclude=others(target))
    defaults = dict(for_task(made.task)[algorithm].defaults)
    return fit(mixed().head(400), made, Trial(0, algorithm, defaults, "complete"))
