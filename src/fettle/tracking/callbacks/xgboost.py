"""XGBoost: one point of each evaluation metric after each round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.target import harmless, library, numbers, target

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun


_WHAT = "A round of XGBoost"


def callback(run: ActiveRun | None = None, *, prefix: str = "") -> Any:
    """A callback for `xgboost.train(…, callbacks=[…])` and for `XGBClassifier(callbacks=[…])`.

    Args:
        run: Where to log; None: the active run when the training begins.
        prefix: Before the name of each metric, which is `DATA/METRIC`, such as `validation_0/logloss`.

    Raises:
        MissingExtra: XGBoost is not installed.
    """
    base: Any = library("xgboost").callback.TrainingCallback

    class Logging(base):
        """Logs to one run."""

        def before_training(self, model: Any) -> Any:
            self._run = target(run)
            return model

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            metrics = {
                f"{prefix}{data}/{name}": values[-1]
                for data, found in evals_log.items()
                for name, values in found.items()
            }
            last = {key: value[0] if isinstance(value, tuple) else value for key, value in metrics.items()}
            if last:  # of cross-validation: the mean, its deviation stays out
                with harmless(_WHAT):
                    self._run.log(last, step=epoch)
            return False

        def after_training(self, model: Any) -> Any:
            best = (
                numbers(
                    {name: getattr(model, name, None) for name in ("best_iteration", "best_score")}, prefix
                )
                if (hasattr(model, "attr") and model.attr("best_score"))
                else {}
            )
            if best:
                with harmless(_WHAT):
                    self._run.log(best, step=0)
            return model

    return Logging()
