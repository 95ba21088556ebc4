"""Keras: the logs of each epoch, what the training was set up with, and what the model looks like."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.around import training
from fettle.tracking.callbacks.patches import owner_of, replace
from fettle.tracking.callbacks.target import add_params, harmless, library, numbers, target

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_WHAT = "What Keras trains"
_OURS = "_logs_to_fettle"


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
            with harmless(_WHAT):
                _describe(self._run, self.model, self.params or {})

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metrics = numbers(logs, prefix)
            if metrics:
                with harmless(_WHAT):
                    self._run.log(metrics, step=epoch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self._batch += 1
            if every and self._batch % every == 0:
                metrics = numbers(logs, f"{prefix}batch/")
                if metrics:
                    with harmless(_WHAT):
                        self._run.log(metrics, step=self._batch)

    setattr(Logging, _OURS, True)
    return Logging()


def patch(start: Callable[[], ActiveRun]) -> None:
    """Have every `fit` of a Keras model logged."""
    replace(owner_of(library("keras").Model, "fit"), "fit", functools.partial(_fit, start))


def _fit(
    start: Callable[[], ActiveRun], fit: Callable[..., Any], model: Any, *args: Any, **given: Any
) -> Any:
    with training(start, model) as run:
        if run is not None:
            with harmless(_WHAT):
                args, given = _with(callback(run), fit, model, args, given)
                run.tag(
                    {
                        "estimator": type(model).__name__,
                        "estimator.class": f"{type(model).__module__}.{type(model).__qualname__}",
                    }
                )
        return fit(model, *args, **given)


def _with(
    ours: Any, fit: Callable[..., Any], model: Any, args: tuple[Any, ...], given: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a fit with our callback among them, unless the user gave one."""
    bound = inspect.signature(fit).bind(model, *args, **given)
    known = bound.arguments.get("callbacks")
    callbacks = list(known) if isinstance(known, list | tuple) else [known] if known is not None else []
    if hasattr(known, "callbacks"):  # a list that the user made ready for the model, which the fit does not
        return args, given
    if not any(hasattr(each, _OURS) for each in callbacks):
        bound.arguments["callbacks"] = [*callbacks, ours]
    return bound.args[1:], bound.kwargs


def _describe(run: ActiveRun, model: Any, params: dict[str, Any]) -> None:
    """What is trained, and how."""
    found: dict[str, Any] = {f"fit.{key}": value for key, value in params.items()}
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        config = optimizer.get_config()
        found |= {f"optimizer.{key}": value for key, value in config.items() if value is not None}
    loss = getattr(model, "loss", None)
    if loss is not None:
        found["loss"] = loss if isinstance(loss, str) else getattr(loss, "name", type(loss).__name__)
    if model.built:
        found["model.parameters"] = int(model.count_params())
        lines: list[str] = []
        model.summary(print_fn=lambda line, *_, **__: lines.append(line))
        run.log_text("\n".join(lines), "model/summary.txt")
    add_params(run, found)
