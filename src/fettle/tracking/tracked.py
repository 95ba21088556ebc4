"""A function whose every call is a run: parameters from its arguments, metrics from what it returns."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from fettle.tracking.entries import number
from fettle.tracking.values import plain

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

F = TypeVar("F", bound=Callable[..., Any])

_LONGEST = 250
_PASSED_OVER = ("self", "cls")


def decorated(
    function: F, start: Callable[..., ActiveRun], *, skip: tuple[str, ...], given: dict[str, Any]
) -> F:
    """The function with a run around each call.

    Args:
        function: Any function, also one that is async.
        start: Starts the run; gets `params` and what is in `given`.
        skip: Arguments that are no parameters.
        given: Passed on to `start`.
    """
    signature = inspect.signature(function)

    @contextmanager
    def around(args: tuple[Any, ...], named: dict[str, Any]) -> Iterator[ActiveRun]:
        """A run with the parameters of this call; the argument `run` gets it, unless it was given."""
        bound = signature.bind_partial(*args, **named)
        bound.apply_defaults()
        params = {
            key: parameter(value) for key, value in bound.arguments.items() if key not in (*skip, "run")
        }
        with start(params=params, **given) as run:
            if "run" in signature.parameters and named.get("run") is None:
                named["run"] = run
            yield run

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaiting(*args: Any, **named: Any) -> Any:
            with around(args, named) as run:
                return log_result(run, await function(*args, **named))

        return awaiting  # type: ignore[return-value] - it takes and returns what `function` does

    @functools.wraps(function)
    def calling(*args: Any, **named: Any) -> Any:
        with around(args, named) as run:
            return log_result(run, function(*args, **named))

    return calling  # type: ignore[return-value] - it takes and returns what `function` does


def parameter(value: Any) -> Any:
    """An argument as a parameter: numbers, texts and small collections as they are; of data its type and shape."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} {'×'.join(map(str, shape))}"
    kept = plain(value)
    text = str(kept)
    return kept if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def log_result(run: ActiveRun, result: Any) -> Any:
    """Log the numbers of a returned dictionary, or a returned number as `result`; return the result."""
    values: Mapping[Any, Any] = result if isinstance(result, Mapping) else {"result": result}
    metrics = {str(key): number(str(key), value) for key, value in values.items() if _is_number(value)}
    if metrics:
        run.log(metrics)
    return result


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | str | bytes | None):
        return False
    if isinstance(value, int | float):
        return True
    return getattr(value, "ndim", None) == 0 and callable(getattr(value, "__float__", None))
