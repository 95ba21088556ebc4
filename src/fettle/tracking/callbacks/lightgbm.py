"""LightGBM: one point of each evaluation metric after each round."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.target import harmless, target

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_BEFORE_EARLY_STOPPING = 20
"""LightGBM calls callbacks in their order; early stopping has 30 and ends the round."""


def callback(run: ActiveRun | None = None, *, prefix: str = "") -> Callable[[Any], None]:
    """A callback for `lightgbm.train(…, callbacks=[…])` and `LGBMClassifier().fit(…, callbacks=[…])`.

    Args:
        run: Where to log; None: the active run when the training begins.
        prefix: Before the name of each metric, which is `DATA/METRIC`, such as `valid_0/l2`.
    """

    def log(env: Any) -> None:
        found = target(run)
        metrics = {
            f"{prefix}{data}/{name}": value for data, name, value, *_ in env.evaluation_result_list or ()
        }
        if metrics:
            with harmless("A round of LightGBM"):
                found.log(metrics, step=env.iteration)

    log.order = _BEFORE_EARLY_STOPPING  # type: ignore[attr-defined] - LightGBM sorts by it
    log.before_iteration = False  # type: ignore[attr-defined] - as it tells these from others
    return log
