"""PyTorch itself: what a model and its optimizers are, and what is written for TensorBoard.

A training loop of one's own says nothing by itself; what it tells a `SummaryWriter` goes to the active run too.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fettle.tracking.callbacks.around import depth
from fettle.tracking.callbacks.patches import replace
from fettle.tracking.callbacks.target import add_params, harmless, numbers
from fettle.tracking.context import active_run

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_WHAT = "What was written for TensorBoard"


def patch(module: str, _: Callable[[], ActiveRun]) -> None:
    """Have what a `SummaryWriter` is given logged to the active run, if there is one.

    A writer has no end that a run could end with: it starts none. While a library's own training is logged, what its
    TensorBoard logger writes would be there twice: it is left out.
    """
    writer: Any = sys.modules[module].SummaryWriter
    for name, reads in (("add_scalar", _scalar), ("add_scalars", _scalars), ("add_hparams", _hparams)):
        replace(writer, name, functools.partial(_written, reads))


def described(run: ActiveRun, model: Any) -> None:
    """Record the class of a module, how many parameters it has and trains, and its layers as `model/summary.txt`."""
    run.tag(
        {
            "estimator": type(model).__name__,
            "estimator.class": f"{type(model).__module__}.{type(model).__qualname__}",
        }
    )
    if not callable(getattr(model, "parameters", None)):
        return
    sizes = [(_size(each), bool(each.requires_grad)) for each in model.parameters()]
    add_params(
        run,
        {
            "model.parameters": sum(size for size, _ in sizes),
            "model.trainable": sum(size for size, trained in sizes if trained),
        },
    )
    run.log_text(str(model), "model/summary.txt")


def optimizers(run: ActiveRun, found: Iterable[Any]) -> None:
    """Record the class of each optimizer and what it was made with: `optimizer.…`, `optimizer1.…` and so on."""
    for place, each in enumerate(found):
        name = f"optimizer{place or ''}."
        given = {key: value for key, value in each.defaults.items() if isinstance(value, int | float | tuple)}
        add_params(run, {"name": type(each).__name__, **given}, name)


def _size(parameter: Any) -> int:
    """The number of values; 0 of a lazy parameter, which has no shape yet."""
    try:
        return int(parameter.numel())
    except (RuntimeError, ValueError):
        return 0


def _written(
    reads: Callable[..., None], write: Callable[..., Any], writer: Any, *args: Any, **given: Any
) -> Any:
    answer = write(writer, *args, **given)
    run = active_run()
    if run is not None and not depth(run):
        with harmless(_WHAT):
            reads(run, *args, **given)
    return answer


def _scalar(run: ActiveRun, tag: str, scalar_value: Any, global_step: Any = None, *_: Any, **__: Any) -> None:
    _log(run, {tag: scalar_value}, global_step)


def _scalars(
    run: ActiveRun,
    main_tag: str,
    tag_scalar_dict: Mapping[str, Any],
    global_step: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    _log(run, {f"{main_tag}/{key}": value for key, value in tag_scalar_dict.items()}, global_step)


def _hparams(run: ActiveRun, hparam_dict: Mapping[str, Any], *_: Any, **__: Any) -> None:
    """Its metrics are written as scalars, which are logged already."""
    add_params(run, hparam_dict)


def _log(run: ActiveRun, values: Mapping[str, Any], step: Any) -> None:
    found = numbers(values)
    if found:
        run.log(found, step=None if step is None else int(step))
