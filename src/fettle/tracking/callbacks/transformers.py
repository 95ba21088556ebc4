"""Hugging Face transformers: what the Trainer logs, its arguments and the model's configuration."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.around import training
from fettle.tracking.callbacks.patches import replace
from fettle.tracking.callbacks.target import add_params, harmless, library, numbers, target
from fettle.tracking.callbacks.torch import described

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_WHAT = "What transformers trains"
_OURS = "_logs_to_fettle"


def callback(run: ActiveRun | None = None, *, prefix: str = "") -> Any:
    """A callback for `transformers.Trainer(…, callbacks=[…])`; it does not end the run.

    Args:
        run: Where to log; None: the active run when the training begins.
        prefix: Before the name of each metric.

    Raises:
        MissingExtra: transformers is not installed.
    """
    base: Any = library("transformers").TrainerCallback

    class Logging(base):
        """Logs to one run, from the first process only."""

        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            if state.is_world_process_zero:
                found = target(run)
                with harmless(_WHAT):
                    _describe(found, args, model)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            metrics = numbers(logs, prefix)
            if metrics and state.is_world_process_zero:
                found = target(run)
                with harmless(_WHAT):
                    found.log(metrics, step=state.global_step)

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero and state.best_model_checkpoint:
                found = target(run)
                with harmless(_WHAT):
                    found.tag(
                        {
                            "checkpoint.best": state.best_model_checkpoint,
                            "checkpoint.score": state.best_metric,
                        }
                    )

    setattr(Logging, _OURS, True)
    return Logging()


def patch(start: Callable[[], ActiveRun]) -> None:
    """Have every `train` and `evaluate` of a Trainer logged."""
    trainer: Any = sys.modules["transformers.trainer"].Trainer
    for name in ("train", "evaluate"):
        replace(trainer, name, functools.partial(_go, start))


def _go(
    start: Callable[[], ActiveRun], go: Callable[..., Any], trainer: Any, *args: Any, **given: Any
) -> Any:
    """Train with our callback beside the others; only the first of many processes logs."""
    if not trainer.is_world_process_zero():
        return go(trainer, *args, **given)
    with training(start, trainer) as run:
        ours: Any = None
        if run is not None:
            with harmless(_WHAT):
                if not any(hasattr(each, _OURS) for each in trainer.callback_handler.callbacks):
                    ours = callback(run)
                    trainer.add_callback(ours)
        try:
            return go(trainer, *args, **given)
        finally:
            if ours is not None:
                with harmless(_WHAT):
                    trainer.remove_callback(ours)


def _describe(run: ActiveRun, args: Any, model: Any) -> None:
    add_params(run, {key: value for key, value in args.to_dict().items() if value is not None})
    config = getattr(model, "config", None)
    if config is not None and callable(getattr(config, "to_dict", None)):
        add_params(run, config.to_dict(), "model.")
    if model is not None:
        described(run, model)
