"""Log trainings without being asked each time: `watch` for one estimator, `autolog` for all of a library."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid, MissingExtra, nearest
from fettle.tracking.callbacks import (
    boosting,
    keras,
    lightgbm,
    lightning,
    patches,
    torch,
    transformers,
    xgboost,
)
from fettle.tracking.callbacks import sklearn as of_sklearn
from fettle.tracking.callbacks.around import inside

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

    Start = Callable[[], ActiveRun]
    Patch = Callable[[Start], None]

_LIBRARIES: dict[str, dict[str, Patch]] = {
    "sklearn": {"sklearn.base": of_sklearn.patch},
    "xgboost": {"xgboost": functools.partial(boosting.patch, "xgboost", xgboost.callback)},
    "lightgbm": {"lightgbm": functools.partial(boosting.patch, "lightgbm", lightgbm.callback)},
    "keras": {"keras": keras.patch},
    "lightning": {
        package: functools.partial(lightning.patch, package)
        for package in ("lightning.pytorch", "pytorch_lightning")
    },
    "transformers": {"transformers.trainer": transformers.patch},
    "torch": {
        module: functools.partial(torch.patch, module)
        for module in ("torch.utils.tensorboard.writer", "tensorboardX.writer")
    },
}
"""Library → the modules that are waited for, and what is done when each is there."""
LIBRARIES = tuple(_LIBRARIES)


def watch(run: ActiveRun, model: Any, *, prefix: str = "") -> Any:
    """Log the next `fit` of an estimator to a run; the estimator is answered, and is as it was after that fit.

    Args:
        run: Where to log.
        model: Anything with `fit`; XGBoost's, LightGBM's and Keras's log each round or epoch too.
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
        with inside(run, model), _rounds(run, model, given, prefix):
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
            given["callbacks"] = [*(given.get("callbacks") or ()), lightgbm.callback(run, prefix=prefix)]
        if package == "xgboost":
            self._changed = True
            self._callbacks = model.get_params().get("callbacks")
            model.set_params(callbacks=[*(self._callbacks or ()), xgboost.callback(run, prefix=prefix)])

    def __enter__(self) -> None:
        """The callbacks are in place already."""

    def __exit__(self, *_: object) -> None:
        if self._changed:
            self._model.set_params(callbacks=self._callbacks)


def autolog(start: Start, libraries: Iterable[str] = (), *, enabled: bool = True) -> list[str]:
    """Log every training of the libraries in `LIBRARIES`; return which of them are logged.

    A training within a run is logged to it; outside of any, it gets a run of its own. What is trained inside another
    training (folds of a search, steps of a pipeline) is not logged by itself. A library may be imported before or
    after; nothing is imported here.

    Args:
        start: Starts a run where there is none.
        libraries: Some of `LIBRARIES`; empty: all that are installed.
        enabled: False puts everything back.

    Raises:
        Invalid: There is no such library.
        MissingExtra: A library that is named is not installed.
    """
    named = list(dict.fromkeys(libraries))
    for name in named:
        _check(name)
    patches.undo()
    if not enabled:
        return []
    chosen = named or [name for name in LIBRARIES if _installed(name)]
    for name in chosen:
        for module, patch in _LIBRARIES[name].items():
            patches.when_imported(module, functools.partial(patch, start))
    return chosen


def _check(name: str) -> None:
    if name not in LIBRARIES:
        close = nearest(name, LIBRARIES)
        raise Invalid(
            f"{name!r} cannot be logged by itself.",
            found=name,
            hint=f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(LIBRARIES)}.",
        )
    if not _installed(name):
        raise MissingExtra.of(name, name)


def _installed(name: str) -> bool:
    """Whether one of the packages of a library is there, of which the first part of the module names tells."""
    return any(find_spec(module.partition(".")[0]) is not None for module in _LIBRARIES[name])
