"""A step: a plain function that a pipeline may run, or spare itself running."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, TypeVar, overload

from fettle.core.errors import Invalid
from fettle.core.units import duration_s

P = ParamSpec("P")
R = TypeVar("R")

INJECTED = ("ws", "flow_id")
"""Parameters of these names are given the workspace, and the run's id, by the flow, and are no part of the key."""


GIVEN: Any = ...
"""The default of a step's injected parameters, for type checkers: callers leave them out, the flow gives them."""


class Step(Generic[P, R]):
    """A function with what a pipeline should know about running it; called directly, it is just the function.

    Attributes:
        function: The function.
        name: Its name in the pipeline.
        cache: False: always run.
        retries: How often to try again after an error.
        process: Run in a child process.
        timeout_s: Stop the child process after so many seconds.
        reads: Patterns of files it reads in ways that cannot be seen.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str = "",
        cache: bool = True,
        retries: int = 0,
        process: bool = False,
        timeout_s: float | None = None,
        reads: Iterable[str] = (),
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.cache = cache
        self.retries = retries
        self.process = process
        self.timeout_s = timeout_s
        self.reads = tuple(reads)
        self._signature = inspect.signature(function)
        if process and "ws" in self._signature.parameters:
            raise ValueError(f"step {self.name} takes 'ws', which cannot be given to another process")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __reduce__(self) -> str:
        return self.function.__qualname__

    def bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], ws: Any, flow_id: str = ""
    ) -> inspect.BoundArguments:
        """Match arguments to parameters, defaults included, with what the flow gives where it is asked for.

        Raises:
            Invalid: An argument is missing, unknown or given twice.
        """
        try:
            bound = self._signature.bind_partial(*args, **kwargs)
            for name, value in zip(INJECTED, (ws, flow_id), strict=True):
                if name in self._signature.parameters:
                    bound.arguments.setdefault(name, value)
            bound = self._signature.bind(*bound.args, **bound.kwargs)
        except TypeError as error:
            raise Invalid(
                f"Step {self.name} cannot be run with these arguments.",
                found=str(error),
                hint=f"{self.name}{self._signature}",
                subject=f"step:{self.name}",
            ) from error
        bound.apply_defaults()
        return bound


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...
@overload
def step(
    *,
    name: str = "",
    cache: bool = True,
    retries: int = 0,
    process: bool = False,
    timeout: str | float | None = None,
    reads: Iterable[str] = (),
) -> Callable[[Callable[P, R]], Step[P, R]]: ...
def step(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str = "",
    cache: bool = True,
    retries: int = 0,
    process: bool = False,
    timeout: str | float | None = None,
    reads: Iterable[str] = (),
) -> Any:
    """Make a function a step; without options write just `@step`.

    Its result is used again when nothing it depends on has changed: its code and all code of yours that it reaches,
    argument values, the content of what earlier steps gave it, files it was seen to read, environment variables, and
    versions of libraries. Files are seen when Python opens them, or when an argument or a text in the code names them.

    Args:
        function: The function.
        name: Its name in the pipeline; empty means the function's own.
        cache: False runs it every time, for what must happen anew.
        retries: How often to try again after an error.
        process: Run it in a child process: for code that may hang, leak or crash.
        timeout: Stop the child process after this time, such as `10m`.
        reads: Patterns of files it reads in ways that cannot be seen, such as `data/*.csv` opened by a native reader.
    """

    def make(inner: Callable[P, R]) -> Step[P, R]:
        return Step(
            inner,
            name=name,
            cache=cache,
            retries=retries,
            process=process,
            timeout_s=None if timeout is None else duration_s(timeout),
            reads=reads,
        )

    return make if function is None else make(function)
