"""Which run a callback logs to, and what of a library's values it can log."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fettle.core.errors import FettleError, Invalid, MissingExtra
from fettle.tracking.context import active_run

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_LONGEST = 500
_MOST_PARAMS = 500


def target(run: ActiveRun | None) -> ActiveRun:
    """The run that was given, else the active one.

    Raises:
        Invalid: There is none.
    """
    found = run or active_run()
    if found is None:
        raise Invalid(
            "There is no run to log to.",
            hint='Train inside `with fettle.run("churn") as run:`, or give the run to the callback.',
        )
    return found


def numbers(values: Mapping[Any, Any] | None, prefix: str = "") -> dict[str, float]:
    """Those of the values that are single numbers."""
    found: dict[str, float] = {}
    for key, value in (values or {}).items():
        if isinstance(value, bool | str | bytes | None):
            continue
        try:
            found[f"{prefix}{key}"] = float(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):  # torch: a tensor of many values
            continue
    return found


def add_params(run: ActiveRun, params: Mapping[str, Any], prefix: str = "") -> None:
    """Record parameters that are new; a second training with other ones is told apart by its tags only.

    A parameter of a run never changes: what differs from before goes into a tag of the same name instead of an error
    that would stop the training.
    """
    new: dict[str, Any] = {}
    other: dict[str, str] = {}
    for key, value in list(params.items())[:_MOST_PARAMS]:
        name, text = f"{prefix}{key}"[:250], _short(value)
        if name not in run.config:
            new[name] = text
        elif run.config[name] != text:
            other[f"again.{name}"[:250]] = str(text)
    run.log_params(new)
    run.tag(other)


@contextmanager
def harmless(what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside the block into a warning: a training is never broken by what watches it.

    Args:
        what: What is not logged then, to begin the sentence with.
    """
    try:
        yield
    except Exception as error:  # whatever it is, a full disk too: said, and the training goes on
        said = error.args[0] if isinstance(error, FettleError) else f"{type(error).__name__}: {error}"
        warnings.warn(f"{what} was not logged: {said}", stacklevel=4)


def library(module: str, extra: str = "") -> Any:
    """A module of a library that users bring along; fettle itself does without.

    Args:
        module: Its full name.
        extra: The extra of fettle that installs it; empty: called like the package.

    Raises:
        MissingExtra: It is not installed, or something that it needs is not.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or package).partition(".")[0]
        if missing != package:  # it is there, and wants something else: Keras a backend
            raise MissingExtra(
                f"{package} cannot be imported.", found=str(error), hint=f"pip install {missing}"
            ) from error
        raise MissingExtra.of(package, extra or package) from error


def _short(value: Any) -> Any:
    if isinstance(value, bool | int | float | None):
        return value if not isinstance(value, float) or value == value else "nan"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
