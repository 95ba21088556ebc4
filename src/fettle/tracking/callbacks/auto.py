"""Log fits without being asked each time: `watch` for one estimator, `autolog` for all of a library."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid
from fettle.tracking.callbacks import lightgbm as of_lightgbm
from fettle.tracking.callbacks import sklearn as of_sklearn
from fettle.tracking.callbacks import xgboost as of_xgboost
from fettle.tracking.callbacks.target import add_params, library
from fettle.tracking.context import active_run

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

LIBRARIES = ("sklearn", "xgboost", "lightgbm")

_undo: list[Callable[[], None]] = []


def watch(run: ActiveRun, model: Any, *, prefix: str = "") -> Any:
    """Log the next `fit` of an estimator to a run; the estimator is answered, and is as it was after that fit.

    Args:
        run: Where to log.
        model: Anything with `fit`; XGBoost's and LightGBM's log each round too.
        prefix: Before the name of each metric of a round.

    Raises:
        Invalid: It has no `fit`.
    """
    if not callable(getattr(model, "fit", None)):
        raise Invalid(
            f"A {type(model).__name__} cannot be watched.",
            found="no method fit",
            hint="Use the callback of its library: fettle.tracking.callbacks.",
        )
    vars(model).pop("fit", None)  # watched before
    fit = model.fit

    @functools.wraps(fit)
    def fitting(*args: Any, **given: Any) -> Any:
        vars(model).pop("fit", None)
        with of_sklearn.inside(run, model), _rounds(run, model, given, prefix):
            return of_sklearn.logged(run, model, fit, args, given)

    model.fit = fitting
    return model


class _rounds:
    """While an estimator of a boosting library is fitted, its rounds are logged."""

    def __init__(self, run: ActiveRun, model: Any, given: dict[str, Any], prefix: str) -> None:
        self._model = model
        self._callbacks: Any = None
        self._changed = False
        package = type(model).__module__.partition(".")[0]
        if package == "lightgbm":
            given["callbacks"] = [*(given.get("callbacks") or ()), of_lightgbm.callback(run, prefix=prefix)]
        if package == "xgboost":
            self._changed = True
            self._callbacks = model.get_params().get("callbacks")
            model.set_params(callbacks=[*(self._callbacks or ()), of_xgboost.callback(run, prefix=prefix)])

    def __enter__(self) -> None:
        """The callbacks are in place already."""

    def __exit__(self, *_: object) -> None:
        if self._changed:
            self._model.set_params(callbacks=self._callbacks)


def autolog(
    start: Callable[[], ActiveRun], libraries: Iterable[str] = (), *, enabled: bool = True
) -> list[str]:
    """Log every training of scikit-learn, XGBoost and LightGBM; return the libraries that are logged.

    A training within a run is logged to it; outside of any, it gets a run of its own. What is fitted inside another
    fit (folds of a search, steps of a pipeline) is not logged by itself.

    Args:
        start: Starts a run where there is none.
        libraries: Some of `LIBRARIES`; empty: those that are imported already, and scikit-learn.
        enabled: False puts everything back.
    """
    while _undo:
        _undo.pop()()
    if not enabled:
        return []
    asked = list(libraries) or [each for each in LIBRARIES if each in sys.modules or each == "sklearn"]
    for name in asked:
        if name not in LIBRARIES:
            raise Invalid(f"{name!r} cannot be logged by itself.", hint=f"There are: {', '.join(LIBRARIES)}.")
        library(name)
        _PATCH[name](start)
    return asked


def _patch_sklearn(start: Callable[[], ActiveRun]) -> None:
    from sklearn.base import BaseEstimator

    for each in _classes(BaseEstimator):
        if "fit" in vars(each):
            _replace(each, "fit", functools.partial(_fit, start))


def _fit(
    start: Callable[[], ActiveRun], fit: Callable[..., Any], model: Any, *args: Any, **given: Any
) -> Any:
    run = active_run()
    if run is None:
        with start() as run, of_sklearn.inside(run, model):
            return of_sklearn.logged(run, model, functools.partial(fit, model), args, given)
    with of_sklearn.inside(run, model) as part:
        if part:
            return fit(model, *args, **given)
        return of_sklearn.logged(run, model, functools.partial(fit, model), args, given)


def _patch_boosting(
    name: str, places: tuple[str, ...], callback: Callable[..., Any], start: Callable[[], ActiveRun]
) -> None:
    for place in places:
        module = sys.modules.get(place)
        if module is not None and callable(getattr(module, "train", None)):
            _replace(module, "train", functools.partial(_train, name, callback, start))


def _train(
    name: str,
    callback: Callable[..., Any],
    start: Callable[[], ActiveRun],
    train: Callable[..., Any],
    params: Any,
    *args: Any,
    **given: Any,
) -> Any:
    run = active_run()
    if run is None:
        with start():
            return _train(name, callback, start, train, params, *args, **given)
    if of_sklearn.depth(run) > 1:
        return train(params, *args, **given)
    if not of_sklearn.depth(run):
        add_params(run, params if isinstance(params, dict) else {})
        run.tag({"estimator": name})
    given["callbacks"] = [*(given.get("callbacks") or ()), callback(run)]
    return train(params, *args, **given)


def _replace(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Put a function in the place of another that it gets as its first argument, until `autolog` is switched off."""
    original = vars(owner)[name]

    @functools.wraps(original)
    def calling(*args: Any, **given: Any) -> Any:
        return wrapper(original, *args, **given)

    if not callable(original) or hasattr(original, "__wrapped_by_fettle__"):
        return
    setattr(calling, "__wrapped_by_fettle__", True)  # noqa: B010 - functions have no such attribute for a type checker
    setattr(owner, name, calling)
    _undo.append(lambda: setattr(owner, name, original))


def _classes(root: type) -> list[type]:
    """A class and all that are derived from it."""
    found = [root]
    for each in found:
        found += [derived for derived in each.__subclasses__() if derived not in found]
    return found


_PATCH: dict[str, Callable[[Callable[[], ActiveRun]], None]] = {
    "sklearn": _patch_sklearn,
    "xgboost": functools.partial(
        _patch_boosting,
        "xgboost",
        ("xgboost", "xgboost.training", "xgboost.sklearn"),
        of_xgboost.callback,
    ),
    "lightgbm": functools.partial(
        _patch_boosting,
        "lightgbm",
        ("lightgbm", "lightgbm.engine", "lightgbm.sklearn"),
        of_lightgbm.callback,
    ),
}
