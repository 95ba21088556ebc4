"""Every error fettle raises, as one tree; catch a kind, show the message.

    FettleError                 exit  HTTP
    ├── Invalid                    2   422   the request itself is wrong
    ├── NotFound                   3   404   a name or id that does not exist
    ├── Denied                     4   403   the actor may not do this
    ├── Conflict                   6   409   the world changed, or two wanted the same thing
    │   └── GateFailed             5   409   a gate, check or parity test said no
    ├── Unavailable                7   503   a disk, database, port or server cannot be used now
    └── MissingExtra               8   501   an optional package is not installed

Rooms subclass a kind (`ParityFailed(GateFailed)`). An error says what was asked (`message`), what was
found (`found`) and what to do (`hint`); the command line and the HTTP server print just these three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Self

_MOST_SHOWN = 200
"""Characters of a name that an error repeats."""


class FettleError(Exception):
    """The root of all errors that fettle raises on purpose.

    Args:
        message: What was asked and why it cannot be, in one sentence.
        found: What was found instead, with values.
        hint: What to do next; a command to paste where there is one.
        subject: The thing spoken of, such as `dataset:churn`.
    """

    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, found: str = "", hint: str = "", subject: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.found = found
        self.hint = hint
        self.subject = subject

    @property
    def code(self) -> str:
        """The class as a slug, `not-found`: stable, for programs."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()

    def __str__(self) -> str:
        parts = [self.message]
        if self.found:
            parts.append(f"Found: {self.found}")
        if self.hint:
            parts.append(f"Hint: {self.hint}")
        return "\n".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """The error as JSON-able fields, the same on every surface."""
        fields = {"code": self.code, "message": self.message, "found": self.found, "hint": self.hint}
        return fields | ({"subject": self.subject} if self.subject else {})


class Invalid(FettleError):
    """The request is malformed: wrong type, value, argument or file."""

    exit_code = 2
    status = 422


class NotFound(FettleError):
    """A name or id that does not exist here."""

    exit_code = 3
    status = 404

    @classmethod
    def among(cls, kind: str, name: str, names: Iterable[str], *, hint: str = "") -> Self:
        """Build the error for an unknown `name`, offering the nearest of `names`."""
        known = list(names)
        name = name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…"
        close = nearest(name, known)
        advice = f"Did you mean {_either(close)}?" if close else hint
        found = f"{len(known)} known: {_some(known)}" if known else f"no {kind} exists yet"
        return cls(
            f"There is no {kind} {name!r}.", found=found, hint=advice or hint, subject=f"{kind}:{name}"
        )


class Denied(FettleError):
    """The actor is known, but may not do this."""

    exit_code = 4
    status = 403


class Conflict(FettleError):
    """The state changed in between, or the thing exists already; look again and retry."""

    exit_code = 6
    status = 409


class GateFailed(Conflict):
    """A gate, a check or a parity test refused; nothing was changed."""

    exit_code = 5


class Unavailable(FettleError):
    """Something fettle needs (disk, database, port, server) cannot be used right now."""

    exit_code = 7
    status = 503


class MissingExtra(FettleError):
    """An optional package is needed and not installed."""

    exit_code = 8
    status = 501

    @classmethod
    def of(cls, package: str, extra: str) -> Self:
        """Name the package and the command that installs the extra."""
        return cls(
            f"This needs the package {package!r}, which is not installed.",
            found=f"no module {package!r} in this environment",
            hint=f"pip install 'fettle-ml[{extra}]'",
        )


def nearest(name: str, names: Iterable[str], *, most: int = 3) -> list[str]:
    """Return up to `most` of `names` that look like `name`, best first; letter case does not count."""
    by_folded = {each.casefold(): each for each in names}
    import difflib

    found = difflib.get_close_matches(name.casefold(), by_folded, n=most, cutoff=0.55)
    return [by_folded[each] for each in found]


def status_of(error: BaseException) -> int:
    """The HTTP status of any error; 500 for one that is not ours."""
    return error.status if isinstance(error, FettleError) else 500


def exit_code_of(error: BaseException) -> int:
    """The process exit code of any error; 130 for Ctrl-C, 1 for one that is not ours."""
    if isinstance(error, FettleError):
        return error.exit_code
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def from_dict(fields: dict[str, Any], *, status: int = 500) -> FettleError:
    """Rebuild the error that a server sent; an unknown code becomes the kind that fits `status`."""
    slug = str(fields.get("code", ""))
    kind = _by_slug().get(slug) or next(
        (
            each
            for each in (Invalid, NotFound, Denied, Conflict, Unavailable, MissingExtra)
            if each.status == status
        ),
        FettleError,
    )
    texts = {key: str(fields.get(key) or "") for key in ("found", "hint", "subject")}
    return kind(str(fields.get("message") or "The server answered with an error."), **texts)


def _by_slug() -> dict[str, type[FettleError]]:
    found: dict[str, type[FettleError]] = {}
    waiting: list[type[FettleError]] = [FettleError]
    while waiting:
        kind = waiting.pop()
        found[re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", kind.__name__).lower()] = kind
        waiting.extend(kind.__subclasses__())
    return found


def _either(names: list[str]) -> str:
    return " or ".join(repr(each) for each in names)


def _some(names: list[str], most: int = 6) -> str:
    shown = ", ".join(sorted(names)[:most])
    return shown + (", …" if len(names) > most else "")
