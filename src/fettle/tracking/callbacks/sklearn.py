"""scikit-learn and what fits like it: parameters before, score and curves after."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.target import add_params, numbers

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_CURVES = {"loss_curve_": "loss", "validation_scores_": "validation/score", "train_score_": "train/score",
           "validation_score_": "validation/score", "oob_improvement_": "oob/improvement"}  # fmt: skip
_CLOCK = time.perf_counter

_guard = threading.Lock()
_fitting: dict[str, list[Any]] = {}


def depth(run: ActiveRun) -> int:
    """How many models are being fitted for this run, one inside the other."""
    return len(_fitting.get(run.id, ()))


@contextmanager
def inside(run: ActiveRun, model: Any) -> Iterator[bool]:
    """Note that a model is being fitted; the value says whether that is a part of another fit.

    Folds, steps of a pipeline and what a class asks of the class that it is derived from are parts.
    """
    with _guard:
        around = _fitting.setdefault(run.id, [])
        part = bool(around)
        again = any(each is model for each in around)
        if not again:
            around.append(model)
    try:
        yield part
    finally:
        with _guard:
            if not again:
                around[:] = [each for each in around if each is not model]
            if not around:
                _fitting.pop(run.id, None)


def logged(
    run: ActiveRun, model: Any, fit: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]
) -> Any:
    """Fit, and log what it was and what came of it; what `fit` raises is passed on as it is."""
    _begin(run, model, args)
    began = _CLOCK()
    fitted = fit(*args, **given)
    run.log({"fit/seconds": _CLOCK() - began}, step=0)
    _end(run, model, args, given)
    return fitted


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
        run.log_table("cv_results", rows)


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
