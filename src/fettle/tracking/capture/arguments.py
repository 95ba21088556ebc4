"""A command line without its secrets, and the secrets that it held."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fettle.core.urls import HIDDEN
from fettle.tracking.capture.secrets import masked

_WORD = (
    r"(?:(?<![a-z])pass|passphrase|passw(?:or)?d|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credentials?|auth|authorization|bearer|(?<![a-z])pat)"
)
_NAMED = re.compile(rf"(?i)^[\w.-]{{0,60}}?{_WORD}s?(?:[_.-][\w.-]{{0,60}})?$")
_KEY = re.compile(r"(?:[A-Z0-9]+_)*KEYS?|--?key")
_OTHER = re.compile(
    r"(?i)^(?:max|min|num|n|no|pad|bos|eos|unk|sep|cls|mask|next|special)[_-]"
    r"|[_-](?:length|type|count|ids?|size|file|path|dir|url|name|ttl)$"
)
_JOINED = re.compile(r"-p(?=[^\s=]*[\d!@#$%^&*+~])(?=[^\s=]*[A-Za-z])([^\s=,:/]{6,})$")
_HARMLESS = re.compile(r"-?[\d.,:]{1,11}|(?i:none|null|true|false|no:\w+)|•+")


def told(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """A command line without secrets, and these.

    Hidden are the values of `--password X`, `--token=X`, `-p X`, `-pX`, `KEY=X` and the like by the name, also within
    one argument that is a command line itself, and what `secrets.masked` finds.

    Returns:
        The arguments as they may be shown, and the values that were taken out because of a name.
    """
    safe: list[str] = []
    values: list[str] = []
    hide = False
    for each in arguments:
        name, equals, value = each.partition("=")
        named = bool(re.fullmatch(r"-{0,2}[A-Za-z][\w.-]*", name)) and _says(name)
        joined = _JOINED.match(each)
        if hide and (not each.startswith("-") or _is_password(each)) and not _HARMLESS.fullmatch(each):
            safe.append(HIDDEN)
            values.append(each)
        elif equals and named and value and not _HARMLESS.fullmatch(value):
            safe.append(f"{name}={HIDDEN}")
            values.append(value)
        elif joined:
            safe.append(f"-p{HIDDEN}")
            values.append(joined[1])
        else:
            safe.append(_inner(each))
        hide = not equals and (each == "-p" or (each.startswith("-") and named))
    return safe, values


def _says(name: str) -> bool:
    plain = name.lstrip("-")
    return bool(_KEY.fullmatch(name) or (_NAMED.search(plain) and not _OTHER.search(plain)))


def _is_password(argument: str) -> bool:
    """Whether something that begins like an option is none."""
    return not re.fullmatch(r"--?(?:[A-Za-z][A-Za-z-]*(?:=.*)?)?", argument)


def _inner(argument: str) -> str:
    """An argument with spaces may be a command line too: `bash -c "TOKEN=x train --password y"`."""
    safe = masked(argument)
    if " " not in safe:
        return safe
    parts = re.split(r"(\s+)", safe)
    parts[::2] = told(parts[::2])[0]
    return "".join(parts)
