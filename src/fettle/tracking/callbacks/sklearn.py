"""scikit-learn and what fits like it: parameters before, score and curves after."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.around import training
from fettle.tracking.callbacks.patches import on_undo, replace
from fettle.tracking.callbacks.target import add_params, harmless, numbers

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_CURVES = {"loss_curve_": "loss", "validation_scores_": "validation/score", "train_score_": "train/score",
           "validation_score_": "validation/score", "oob_improvement_": "oob/improvement"}  # fmt: skip
_CLOCK = time.perf_counter


def logged(
    run: ActiveRun, model: Any, fit: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]
) -> Any:
    """Fit, and log what it was and what came of it; what `fit` raises is passed on as it is."""
    what = f"The fit of {type(model).__name__}"
    with harmless(what):
        _begin(run, model, args)
    began = _CLOCK()
    fitted = fit(*args, **given)
    with harmless(what):
        run.log({"fit/seconds": _CLOCK() - began}, step=0)
        _end(run, model, args, given)
    return fitted


def patch(start: Callable[[], ActiveRun]) -> None:
    """Have every `fit` logged: of the classes that are there, and of those that are imported or written later."""
    from sklearn.base import BaseEstimator

    base: Any = BaseEstimator
    fitting = functools.partial(_fit, start)
    for each in _classes(base):
        if "fit" in vars(each):
            replace(each, "fit", fitting)
    before = vars(base).get("__init_subclass__")

    def made(cls: Any, **given: Any) -> None:
        (super(base, cls).__init_subclass__ if before is None else before.__get__(None, cls))(**given)
        if "fit" in vars(cls):
            replace(cls, "fit", fitting)

    def back() -> None:
        if before is None:
            del base.__init_subclass__
        else:
            base.__init_subclass__ = before

    base.__init_subclass__ = classmethod(made)
    on_undo(back)


def _fit(
    start: Callable[[], ActiveRun], fit: Callable[..., Any], model: Any, *args: Any, **given: Any
) -> Any:
    with training(start, model) as run:
        if run is None:
            return fit(model, *args, **given)
        return logged(run, model, functools.partial(fit, model), args, given)


def _classes(root: type) -> list[type]:
    """A class and all that are derived from it."""
    found = [root]
    for each in found:
        found += [derived for derived in each.__subclasses__() if derived not in found]
    return found


def _begin(run: ActiveRun, model: Any, args: tuple[Any, ...]) -> None:
    run.tag(
        {
            "estimator": type(model).__name__,
            "estimator.class": f"{type(model).__module__}.{type(model).__qualname__}",
        }
    )
    if callable(getattr(model, "get_params", None)):
        add_params(run, model.get_params(deep=True))
    shape = getattr(args[0], "shape", None) if args else None
    if isinstance(shape, tuple) and len(shape) == 2:
        add_params(run, {"fit.rows": int(shape[0]), "fit.columns": int(shape[1])})


def _end(run: ActiveRun, model: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
    for attribute, name in _CURVES.items():
        for step, value in enumerate(_curve(model, attribute)):
            run.log({name: value}, step=step)
    summary = {
        "training/score": _score(model, args, given),
        "best/score": getattr(model, "best_score_", None),
    }
    found = numbers(summary)
    if found:
        run.log(found, step=0)
    if isinstance(getattr(model, "best_params_", None), dict):
        add_params(run, model.best_params_, "best.")
    if isinstance(getattr(model, "cv_results_", None), dict):
        rows = {key: _column(values) for key, values in model.cv_results_.items() if key != "params"}
        run.log_table(rows, "cv_results")


def _curve(model: Any, attribute: str) -> list[Any]:
    values: Any = getattr(model, attribute, None)
    return list(values) if hasattr(values, "__len__") and getattr(values, "ndim", 1) == 1 else []


def _score(model: Any, args: tuple[Any, ...], given: dict[str, Any]) -> float | None:
    """The score on the rows that it was fitted on; None where it has no score or cannot say."""
    X, y = args[0] if args else given.get("X"), args[1] if len(args) > 1 else given.get("y")
    if X is None or y is None or not callable(getattr(model, "score", None)):
        return None
    try:
        return float(model.score(X, y))
    except (TypeError, ValueError, AttributeError, NotImplementedError):
        return None


def _column(values: Any) -> list[Any]:
    """A column of cross-validation results: masked arrays of anything become numbers or texts."""
    filled = values.tolist() if hasattr(values, "tolist") else list(values)
    if all(isinstance(each, int | float | None) and not isinstance(each, bool) for each in filled):
        return [None if each is None else float(each) for each in filled]
    return [None if each is None else str(each) for each in filled]
