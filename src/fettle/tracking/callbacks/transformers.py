"""Hugging Face transformers: what the Trainer logs, its arguments and the model's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.target import add_params, library, numbers, target

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun


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
                add_params(found, args.to_dict())
                config = getattr(model, "config", None)
                if config is not None and callable(getattr(config, "to_dict", None)):
                    add_params(found, config.to_dict(), "model.")

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            metrics = numbers(logs, prefix)
            if metrics and state.is_world_process_zero:
                target(run).log(metrics, step=state.global_step)

    return Logging()
