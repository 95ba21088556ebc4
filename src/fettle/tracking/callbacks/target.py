"""Which run a callback logs to, and what of a library's values it can log."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid, MissingExtra
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


def library(module: str) -> Any:
    """A module of a library that users bring along; fettle itself does without.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtra(
            f"This callback needs {package}, which is not installed.",
            found=str(error),
            hint=f"pip install {package}",
        ) from error


def _short(value: Any) -> Any:
    if isinstance(value, bool | int | float | None):
        return value if not isinstance(value, float) or value == value else "nan"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
