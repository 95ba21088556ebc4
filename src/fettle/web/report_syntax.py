"""The lines of a fenced block of a report: `key: value`, each key known, each mistake with its line.

```chart
title: How the loss fell
where: params.model = "tree" and metrics.loss < 0.5
metrics: loss, accuracy
order_by: -metrics.accuracy
smoothing: 0.6
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from fettle.core.errors import FettleError, Invalid, NotFound

KINDS = ("chart", "runs", "compare")
COMMON = ("title", "where", "experiment", "order_by", "limit")
KEYS: Mapping[str, tuple[str, ...]] = {
    "chart": (*COMMON, "metrics", "x", "smoothing", "scale"),
    "runs": (*COMMON, "columns"),
    "compare": (*COMMON, "runs", "show", "all"),
}
LISTS = ("metrics", "columns", "order_by", "experiment", "runs", "show")
"""Keys that hold several values, divided by commas or given on several lines."""

_LINE = re.compile(r"\s*([A-Za-z_]+)\s*:(.*)")
_PIECES = re.compile(r"(?:`[^`]*`|\"[^\"]*\"|[^,`\"]|[`\"])+")


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with a block.

    Attributes:
        line: Which line of the block, from 1; 0 where no single line is to blame.
        text: What it says.
        message: What is wrong.
        found: What was found, with a caret under the place where there is one.
        hint: What to do.
    """

    line: int
    text: str
    message: str
    found: str
    hint: str


class WrongBlock(Exception):
    """Carries a mistake from where it is found to where the block would stand."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


@dataclass(frozen=True)
class Line:
    """One line of a block: its place from 1, the whole of it, and what stands behind the colon."""

    number: int
    text: str
    value: str


class Said:
    """What a block says, by key."""

    def __init__(self, kind: str, text: str) -> None:
        self._lines: dict[str, list[Line]] = {}
        for number, written in enumerate(text.splitlines(), 1):
            if written.strip() and not written.lstrip().startswith("#"):
                key, line = _read(kind, number, written)
                if key in self._lines and key not in LISTS:
                    with told(line):
                        raise Invalid(f"{key} is said twice.", hint="Take one of the lines out.")
                self._lines.setdefault(key, []).append(line)

    def line(self, key: str) -> Line | None:
        """The first line of a key."""
        return self._lines.get(key, [None])[0]

    def text(self, key: str, default: str = "") -> str:
        """The value of a key."""
        line = self.line(key)
        return line.value if line is not None else default

    def every(self, key: str) -> list[str]:
        """The values of a key that holds several; one that has commas of its own stands in backticks or quotes."""
        found = [each.strip() for line in self._lines.get(key, []) for each in _PIECES.findall(line.value)]
        return list(dict.fromkeys(each for each in found if each))

    def names(self, key: str) -> list[str]:
        """As `every`, without the backticks or quotes around a whole value."""
        return [_bare(each) for each in self.every(key)]

    def whole(self, key: str, default: int, most: int) -> int:
        """A whole number from 1 to `most`."""
        text = self.text(key)
        if not text:
            return default
        with told(self.line(key)):
            if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= most or len(text) > 9:
                raise Invalid(f"{key} is a whole number from 1 to {most}.", found=repr(text[:40]))
        return int(text)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of some words; the first where nothing is said."""
        value = self.text(key) or choices[0]
        with told(self.line(key)):
            if value not in choices:
                raise NotFound.among(key, value, choices)
        return value


@contextmanager
def told(line: Line | None) -> Iterator[None]:
    """Give an error the line that led to it.

    Raises:
        WrongBlock: Something in it was refused.
    """
    try:
        yield
    except FettleError as error:
        number, text = (line.number, line.text.strip()) if line is not None else (0, "")
        found = error.found.strip("\n")
        raise WrongBlock(Mistake(number, text[:300], error.message, found, error.hint)) from error


def _read(kind: str, number: int, written: str) -> tuple[str, Line]:
    match = _LINE.fullmatch(written)
    with told(Line(number, written, "")):
        if match is None:
            raise Invalid(
                "This line says nothing that is known.",
                found="no `key: value`",
                hint=f"Keys of a block {kind!r} are {', '.join(KEYS[kind])}.",
            )
        key = {"metric": "metrics", "column": "columns", "run": "runs", "experiments": "experiment"}.get(
            match[1].lower(), match[1].lower()
        )
        if key not in KEYS[kind]:
            raise NotFound.among(
                f"key of a block {kind!r}", match[1], KEYS[kind], hint=f"Keys are {', '.join(KEYS[kind])}."
            )
    return key, Line(number, written, match[2].strip())


def _bare(text: str) -> str:
    quoted = len(text) > 1 and text[0] in '`"' and text[-1] == text[0]
    return text[1:-1] if quoted else text
