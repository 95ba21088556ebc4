"""Keras: the logs of each epoch, and what the training was set up with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.target import add_params, library, numbers, target

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun


def callback(run: ActiveRun | None = None, *, every: int = 0, prefix: str = "") -> Any:
    """A callback for `model.fit(…, callbacks=[…])`.

    Args:
        run: Where to log; None: the active run when the training begins.
        every: Log every so many batches too, as `batch/…`; 0: epochs only.
        prefix: Before the name of each metric.

    Raises:
        MissingExtra: Keras is not installed.
    """
    base: Any = library("keras").callbacks.Callback

    class Logging(base):
        """Logs to one run."""

        def on_train_begin(self, logs: Any = None) -> None:
            self._run, self._batch = target(run), 0
            add_params(self._run, {f"fit.{key}": value for key, value in (self.params or {}).items()})
            optimizer = getattr(self.model, "optimizer", None)
            if optimizer is not None:
                add_params(self._run, optimizer.get_config(), "optimizer.")
            add_params(
                self._run, {"model.parameters": int(self.model.count_params())} if self.model.built else {}
            )

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metrics = numbers(logs, prefix)
            if metrics:
                self._run.log(metrics, step=epoch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self._batch += 1
            if every and self._batch % every == 0:
                metrics = numbers(logs, f"{prefix}batch/")
                if metrics:
                    self._run.log(metrics, step=self._batch)

    return Logging()
