"""Callbacks that log a library's training to a run, a module a library, each imported only when it is used.

    fettle.autolog()                                        # every training of every library here is logged
    run.watch(GradientBoostingClassifier()).fit(X, y)       # one estimator
    xgboost.train(…, callbacks=[callbacks.xgboost.Callback(run)])
    lightgbm.train(…, callbacks=[callbacks.lightgbm.callback(run)])
    keras_model.fit(…, callbacks=[callbacks.keras.callback(run)])
    lightning.Trainer(logger=callbacks.lightning.logger(run))
    transformers.Trainer(…, callbacks=[callbacks.transformers.callback(run)])

`run` may be left out: then the active run is logged to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.tracking.callbacks.auto import autolog as autolog
    from fettle.tracking.callbacks.auto import watch as watch

__all__ = ["autolog", "watch"]

__getattr__, __dir__ = lazy_exports(__name__, {"autolog": ".auto", "watch": ".auto"})
