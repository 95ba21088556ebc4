"""What people hand to a run, looked at before anything is kept: a wrong kind of thing is said where it was given."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fettle.core.errors import Invalid

_EXAMPLES = {
    "metric": "run.log(loss=0.3) or run.log({'valid/loss': 0.4})",
    "parameter": "run.log_params(lr=0.1) or run.log_params({'model.depth': 3})",
    "tag": "run.tag(stage='trial') or run.tag({'team.name': 'blue'})",
}


def named(kind: str, values: Any) -> Mapping[Any, Any]:
    """Values with their names, as they are; None is none.

    Raises:
        Invalid: It is no mapping.
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise Invalid(
            f"A {kind} has a name and a value.", found=_shown(values), hint=f"Say {_EXAMPLES[kind]}."
        )
    return values


def text(what: str, value: Any, *, most: int = 0) -> str:
    """A text as it is.

    Args:
        what: What it is, to begin a sentence with: `A note`.
        value: What was given.
        most: Characters; 0: any number.

    Raises:
        Invalid: It is no text, or too long.
    """
    if not isinstance(value, str):
        raise Invalid(f"{what} is a text.", found=_shown(value), hint="Use str(…) if that is meant.")
    if most and len(value) > most:
        raise Invalid(
            f"{what} is too long.",
            found=f"{len(value):,} characters",
            hint=f"At most {most:,}; longer texts are kept as files: run.log_text(…).",
        )
    return value


def path(what: str, value: Any) -> Path:
    """Where a file or folder is.

    Raises:
        Invalid: It is neither a text nor a path.
    """
    if isinstance(value, str | os.PathLike):
        found = os.fspath(value)
        if isinstance(found, str) and "\0" not in found:
            return Path(found)
    raise Invalid(f"{what} is given by where it is, a text or a path.", found=_shown(value))


def whole(what: str, value: Any) -> int:
    """A whole number of at least 0.

    Raises:
        Invalid: It is another thing.
    """
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError):
        found = -1
    if found < 0 or found != value or found >= 1 << 63:
        raise Invalid(f"{what} is a whole number from 0 to 2^63 - 1.", found=_shown(value))
    return found


def run_id(value: Any) -> str | None:
    """The id of a run that is given as such or by itself; None and empty texts stay."""
    if value is None:
        return None
    return text("A run's parent, given by its id,", getattr(value, "id", value))


def texts(what: str, values: Any) -> list[str]:
    """Several texts; one alone is a list of it.

    Raises:
        Invalid: Something else is among them.
    """
    if isinstance(values, str):
        return [values]
    if not isinstance(values, Iterable):
        raise Invalid(f"{what} is a list of texts.", found=_shown(values))
    return [text(f"Each of {what[:1].lower()}{what[1:]}", each) for each in values]


def _shown(value: Any) -> str:
    try:
        return f"{type(value).__name__} {value!r}"[:80]
    except Exception:  # an object of which even the name fails
        return type(value).__name__
