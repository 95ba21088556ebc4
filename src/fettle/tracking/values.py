"""Values as runs keep them: parameters as JSON, texts of tags."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALLEST, _GREATEST = -(1 << 63), (1 << 64) - 1
_DEEPEST = 20


def plain(value: Any, depth: int = 0) -> Any:
    """A parameter as JSON can write it: numbers, texts, lists and tables stay, the rest becomes its text."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        return int(value) if _SMALLEST <= value <= _GREATEST else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {text(str(key)): plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple) and depth < _DEEPEST:
        return [plain(each, depth + 1) for each in value]
    scalar = getattr(value, "item", None)  # numpy's and torch's numbers
    if callable(scalar) and getattr(value, "ndim", None) == 0:
        return plain(scalar(), depth + 1) if depth < _DEEPEST else _said(value)
    return _said(value)


def _said(value: Any) -> str:
    """What a thing says of itself."""
    try:
        return text(str(value))
    except RecursionError:  # lists within lists without end
        return f"a {type(value).__name__}, nested too deeply to be written"


def plains(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON can write them."""
    return {str(key): plain(value) for key, value in values.items()}


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Tags as text."""
    return {str(key): text(str(value)) for key, value in values.items()}


def text(value: str) -> str:
    r"""A text as every database can keep it: `\x00` for NUL, `\udc80` for half of a surrogate pair."""
    if value.isascii() and "\0" not in value:
        return value
    return value.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def sayable(value: Any) -> Any:
    """Arguments of an act with all their texts as `text` makes them; what is no text, list or table stays as it is."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {sayable(key): sayable(each) for key, each in value.items()}
    return [sayable(each) for each in value] if isinstance(value, list | tuple) else value


def changed(run: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the given parameters that are new.

    Raises:
        Conflict: One of them has another value already.
    """
    for key, value in given.items():
        if key in known and known[key] != value:
            raise Conflict(
                f"Parameter {key!r} of run {run} is set already.",
                found=f"{known[key]!r}, not {value!r}",
                hint="A parameter never changes; use a tag, or start a new run.",
                subject=f"run:{run}",
            )
    return {key: value for key, value in given.items() if key not in known}


class Config(MutableMapping[str, Any]):
    """The parameters of a run as a dictionary: `run.config["lr"] = 0.1`, `run.config.lr`.

    What is set is recorded; a parameter never changes, and cannot be taken back.

    Args:
        values: The parameters known now.
        record: Is called with new ones.
    """

    def __init__(self, values: dict[str, Any], record: Callable[[Mapping[str, Any]], None]) -> None:
        self.__dict__["_values"] = values
        self.__dict__["_record"] = record

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._record({key: value})

    def __delitem__(self, key: str) -> None:
        raise Conflict(f"Parameter {key!r} cannot be taken back.", hint="Start a new run without it.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            raise AttributeError(f"the run has no parameter {key!r}") from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __repr__(self) -> str:
        return repr(self._values)
