"""PyTorch Lightning: a logger, which gets what modules log, and their hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.target import add_params, library, numbers, target

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun


def logger(run: ActiveRun | None = None, *, prefix: str = "") -> Any:
    """A logger for `lightning.Trainer(logger=…)`; it does not end the run.

    Args:
        run: Where to log; None: the active run at the first value.
        prefix: Before the name of each metric.

    Raises:
        MissingExtra: Neither `lightning` nor `pytorch_lightning` is installed.
    """
    base, zero_only = _lightning()

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
            add_params(self.experiment, found)

        @zero_only
        def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
            """Log metrics; the epoch is one of them."""
            found = numbers(metrics, prefix)
            if found:
                self.experiment.log(found, step=step)

        @zero_only
        def finalize(self, status: str) -> None:
            """Note how the training ended."""
            if self._run is not None and not self._run.ended:
                self._run.tag({"lightning.status": status})

    return FettleLogger()


def _lightning() -> tuple[Any, Any]:
    """The base class of loggers and the decorator for the first process, of either package."""
    old = "pytorch_lightning"
    package = old if find_spec("lightning") is None and find_spec(old) is not None else "lightning.pytorch"
    loggers, utilities = library(f"{package}.loggers.logger"), library(f"{package}.utilities")
    return loggers.Logger, utilities.rank_zero_only
