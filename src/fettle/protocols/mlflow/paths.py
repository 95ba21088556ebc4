"""Paths of artifacts: where a client may put and find files, and nothing besides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor

from fettle.core.errors import Invalid
from fettle.protocols.mlflow.errors import Refused, invalid
from fettle.tracking.names import check_path


class AnyPath(Convertor[str]):
    """The rest of a path in a route, line breaks too: such a path is to be refused, not to be unknown."""

    regex = r"(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any", AnyPath())

_OWNED = re.compile(r"(\d{1,18})/(?:(models|traces)/)?([A-Za-z0-9][\w-]{0,255})/artifacts(?:/(.*))?")
_DECODINGS = 5


@dataclass(frozen=True)
class Place:
    """Where a path leads.

    Attributes:
        owner: `run:ID`, `model:ID`, `trace:ID`, or `path:` for what is none of these.
        path: The file or folder in it; empty for the whole.
    """

    owner: str
    path: str

    @property
    def run(self) -> str | None:
        """The run's id, if a run owns it."""
        kind, _, name = self.owner.partition(":")
        return name if kind == "run" else None


def place_of(path: str, *, folder: bool = False) -> Place:
    """Where a path below the root of all artifacts leads.

    Args:
        path: Decoded once, as the request line gave it.
        folder: It may name a folder, the root too.

    Raises:
        Refused: It is no path of ours, in whatever way it is written.
    """
    path = safe(path, folder=folder)
    owned = _OWNED.fullmatch(path)
    if owned is None:
        return Place("path:", path)
    _, kind, name, rest = owned.groups()
    if not rest and not folder:
        raise _bad()
    if rest:
        _check(rest)
    return Place(f"{(kind or 'runs').removesuffix('s')}:{name}", rest or "")


def safe(path: str, *, folder: bool = False) -> str:
    """Return the path if it and all that further decoding makes of it stays within its root.

    Raises:
        Refused: It climbs, is absolute, has a drive, backslashes, control characters, or becomes such a path when it
            is decoded again.
    """
    if folder:
        path = "/".join(part for part in path.strip("/").split("/") if part != ".")
        if not path:
            return ""
    seen = path
    for _ in range(_DECODINGS):
        _check(seen)
        again = unquote(seen, errors="surrogateescape")
        if again == seen:
            return path
        seen = again
    raise _bad()


def _check(path: str) -> None:
    try:
        check_path(path)
    except Invalid:
        raise _bad() from None
    if "\ufffd" in path:  # bytes that are no UTF-8
        raise _bad()
    if any(part.split(";")[0].strip() in ("", ".", "..") for part in path.split("/")):
        raise _bad()


def _bad() -> Refused:
    return invalid("Invalid path")
