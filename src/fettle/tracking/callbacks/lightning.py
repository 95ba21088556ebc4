"""PyTorch Lightning: a logger, which gets what modules log, and their hyperparameters."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.around import training
from fettle.tracking.callbacks.patches import replace
from fettle.tracking.callbacks.target import add_params, harmless, library, numbers, target
from fettle.tracking.callbacks.torch import described, optimizers

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_WHAT = "What Lightning trains"
_OURS = "_logs_to_fettle"
_OLD, _NEW = "pytorch_lightning", "lightning.pytorch"
_SETTINGS = ("max_epochs", "max_steps", "precision", "num_devices", "num_nodes", "accumulate_grad_batches",
             "gradient_clip_val", "log_every_n_steps")  # fmt: skip


def logger(run: ActiveRun | None = None, *, prefix: str = "", package: str = "") -> Any:
    """A logger for `lightning.Trainer(logger=…)`; it does not end the run.

    Args:
        run: Where to log; None: the active run at the first value.
        prefix: Before the name of each metric.
        package: `lightning.pytorch` or `pytorch_lightning`; empty: the one that is installed, the first of both.

    Raises:
        MissingExtra: Neither `lightning` nor `pytorch_lightning` is installed.
    """
    base, zero_only = _lightning(package)

    class FettleLogger(base):
        """Logs to one run, from the first process only."""

        def __init__(self) -> None:
            super().__init__()
            self._run: ActiveRun | None = run

        @property
        def experiment(self) -> ActiveRun:
            """The run."""
            self._run = target(self._run)
            return self._run

        @property
        def name(self) -> str:
            """What the run is about."""
            return self.experiment.record.experiment

        @property
        def version(self) -> str:
            """The run's id."""
            return self.experiment.id

        @zero_only
        def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
            """Record hyperparameters."""
            found = params if isinstance(params, Mapping) else vars(params) if params is not None else {}
            to = self.experiment
            with harmless(_WHAT):
                add_params(to, found)

        @zero_only
        def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
            """Log metrics; the epoch is one of them."""
            found = numbers(metrics, prefix)
            if found:
                to = self.experiment
                with harmless(_WHAT):
                    to.log(found, step=step)

        @zero_only
        def finalize(self, status: str) -> None:
            """Note how the training ended."""
            if self._run is not None and not self._run.ended:
                with harmless(_WHAT):
                    self._run.tag({"lightning.status": status})

        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return functools.partial(logger, prefix=prefix, package=package), (self._run,)

    setattr(FettleLogger, _OURS, True)
    return FettleLogger()


def patch(package: str, start: Callable[[], ActiveRun]) -> None:
    """Have every `fit`, `validate` and `test` of a trainer logged."""
    trainer: Any = sys.modules[package].Trainer
    for name in ("fit", "validate", "test"):
        replace(trainer, name, functools.partial(_go, package, start))


def _go(
    package: str,
    start: Callable[[], ActiveRun],
    go: Callable[..., Any],
    trainer: Any,
    *args: Any,
    **given: Any,
) -> Any:
    """Train with our logger beside the trainer's own; only the first of many processes logs, and no trial run does."""
    if not trainer.is_global_zero or trainer.fast_dev_run:
        return go(trainer, *args, **given)
    with training(start, trainer) as run:
        ours: Any = None
        if run is not None:
            with harmless(_WHAT):
                _describe(run, trainer, args[0] if args else given.get("model"))
                if not any(hasattr(each, _OURS) for each in trainer.loggers):
                    ours = _beside(run, trainer, package)
        try:
            return go(trainer, *args, **given)
        finally:
            if run is not None:
                with harmless(_WHAT):
                    _outcome(run, trainer)
                    trainer.loggers = [each for each in trainer.loggers if each is not ours]


def _beside(run: ActiveRun, trainer: Any, package: str) -> Any:
    """Our logger, added to the others; where it is the only one, checkpoints lie where they would without it."""
    ours = logger(run, package=package)
    if not trainer.loggers:
        kind: Any = type(ours)
        kind.name = kind.version = property(lambda _: "")
    trainer.loggers = [*trainer.loggers, ours]
    return ours


def _describe(run: ActiveRun, trainer: Any, model: Any) -> None:
    params = {f"trainer.{key}": getattr(trainer, key, None) for key in _SETTINGS}
    params["trainer.accelerator"] = type(trainer.accelerator).__name__
    params["trainer.strategy"] = type(trainer.strategy).__name__
    stopping = trainer.early_stopping_callback
    if stopping is not None:
        params |= {f"early_stopping.{key}": getattr(stopping, key) for key in ("monitor", "patience", "mode")}
    add_params(run, {key: value for key, value in params.items() if value is not None})
    if model is not None:
        described(run, model)


def _outcome(run: ActiveRun, trainer: Any) -> None:
    """What is known in the end: optimizers, the best checkpoint, where it was stopped."""
    optimizers(run, trainer.optimizers)
    tags: dict[str, Any] = {}
    checkpoint = trainer.checkpoint_callback
    if checkpoint is not None and getattr(checkpoint, "best_model_path", ""):
        tags["checkpoint.best"] = checkpoint.best_model_path
        if checkpoint.best_model_score is not None:
            tags["checkpoint.score"] = float(checkpoint.best_model_score)
    stopping = trainer.early_stopping_callback
    if stopping is not None and stopping.stopped_epoch:
        tags["early_stopping.epoch"] = stopping.stopped_epoch
    run.tag(tags)


def _lightning(package: str) -> tuple[Any, Any]:
    """The base class of loggers and the decorator for the first process, of either package."""
    if not package:
        package = _OLD if find_spec("lightning") is None and find_spec(_OLD) is not None else _NEW
    loggers = library(f"{package}.loggers.logger", "lightning")
    return loggers.Logger, library(f"{package}.utilities", "lightning").rank_zero_only
