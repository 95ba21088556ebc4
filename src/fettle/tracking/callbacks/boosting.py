"""XGBoost and LightGBM alike: while they train, a callback logs each round."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.around import depth, training
from fettle.tracking.callbacks.patches import replace
from fettle.tracking.callbacks.target import add_params, harmless
from fettle.tracking.context import active_run

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_PLACES = ("", ".training", ".engine", ".sklearn")


def patch(package: str, callback: Callable[..., Any], start: Callable[[], ActiveRun]) -> None:
    """Have every `train` of a package logged, wherever its own modules have taken it over."""
    for place in _PLACES:
        module = sys.modules.get(f"{package}{place}")
        if module is not None and callable(vars(module).get("train")):
            replace(module, "train", functools.partial(_train, package, callback, start))


def _train(
    package: str,
    callback: Callable[..., Any],
    start: Callable[[], ActiveRun],
    train: Callable[..., Any],
    params: Any,
    *args: Any,
    **given: Any,
) -> Any:
    """Train and log; an estimator that is fitted has told its parameters already, and only its rounds are logged."""
    run = active_run()
    if run is not None and depth(run) == 1:
        return train(params, *args, **_with(callback, run, given))
    with training(start, object()) as run:
        if run is not None:
            with harmless(f"A training by {package}"):
                add_params(run, params if isinstance(params, dict) else {})
                run.tag({"estimator": package})
            given = _with(callback, run, given)
        return train(params, *args, **given)


def _with(callback: Callable[..., Any], run: ActiveRun, given: dict[str, Any]) -> dict[str, Any]:
    with harmless("Each round"):
        return {**given, "callbacks": [*(given.get("callbacks") or ()), callback(run)]}
    return given
