"""What is masked in what a run records by itself: forms of secrets, and the secrets that this process was given."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fettle.core.urls import HIDDEN
from fettle.tracking.capture.arguments import told
from fettle.tracking.capture.relay import Masker
from fettle.tracking.capture.secrets import masked

LEAST = 8
"""Characters of a value of the environment that is looked for; shorter ones are in every other text."""

_MOST_BYTES = 12 << 10
"""Of all values: what a pipe takes at once on every system."""
_LONGEST_BYTES = 4 << 10
_SECRET = re.compile(
    r"(?i)(secret|token|password|passwd|passphrase|pwd|apikey|accesskey|privatekey)s?$|^(?:pass|key|pat)s?$"
)
_PLACE = re.compile(
    r"(?i)(?:_|^)(?:PATH|FILE|DIR|FOLDER|SOCK|URL|URI|HOST|PORT|TTL|NAME|TYPE|ISSUER|PARALLELISM)$"
)


@dataclass(frozen=True)
class Mask:
    """What is masked.

    Attributes:
        on: Whether anything is.
        values: Secrets to be masked wherever they are.
    """

    on: bool
    values: tuple[str, ...] = ()

    @classmethod
    def of_process(cls, on: bool = True) -> Mask:
        """The mask for this process: with the secrets of its environment and its command line as they are now."""
        if not on:
            return cls(False)
        line = told(getattr(sys, "orig_argv", None) or sys.argv)[1]
        return cls(
            True, tuple(_fitting([*named(os.environ), *(each for each in line if len(each) >= LEAST)]))
        )

    def text(self, text: str) -> str:
        """A text that is kept, without forms and values."""
        return self.plain(masked(text)) if self.on else text

    def plain(self, text: str) -> str:
        """A text without the values."""
        for value in self.values:
            if value in text:
                text = text.replace(value, HIDDEN)
        return text

    def command(self, arguments: Sequence[str]) -> list[str]:
        """A command line."""
        return [self.plain(each) for each in told(arguments)[0]] if self.on else list(arguments)

    def stream(self) -> Masker | None:
        """A masker for a stream of bytes; None where nothing is masked."""
        return Masker([_bytes(each) for each in self.values]) if self.on else None

    def as_bytes(self) -> bytes:
        """What the program `relay` reads."""
        return b"1" + b"\0".join(_bytes(each) for each in self.values) if self.on else b"0"


def named(environment: Mapping[str, str]) -> list[str]:
    """The values of variables whose name says secret, token, password or key; where a file lies is none."""
    return [
        line
        for name, value in environment.items()
        if tells(name) and not os.path.exists(value)
        for line in _lines(value)
    ]


def tells(name: str) -> bool:
    """Whether a variable of that name holds a secret: one of the words of the name says so, and the last no place."""
    return not _PLACE.search(name) and any(_SECRET.search(word) for word in re.split(r"[_.\-]", name))


def _lines(value: str) -> Iterator[str]:
    """The lines of a value, each also as an address would have it."""
    for line in map(str.strip, value.splitlines()):
        if len(line) >= LEAST and not line.startswith("-----"):
            yield line
            if (quoted := quote(line, safe="")) != line:
                yield quoted


def _fitting(values: Sequence[str]) -> list[str]:
    """The values, the longest first, as many as can be handed to another process."""
    kept, left = [], _MOST_BYTES
    for value in sorted(dict.fromkeys(values), key=len, reverse=True):
        size_bytes = len(_bytes(value)) + 1
        if size_bytes <= min(left, _LONGEST_BYTES) and "\0" not in value:
            kept.append(value)
            left -= size_bytes
    return kept


def _bytes(value: str) -> bytes:
    return value.encode(errors="surrogateescape")
