"""Make up texts that match a regular expression: literals, classes, repetitions, groups and alternatives."""

from __future__ import annotations

import re
from re import _constants as codes  # type: ignore[attr-defined]  # the parser is part of the language's library, untyped
from re import _parser as parser  # type: ignore[attr-defined]  # as above
from typing import Any

import numpy as np

from fettle.core.errors import Invalid

MOST_REPEATS = 8
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CLASSES = {
    codes.CATEGORY_DIGIT: "0123456789",
    codes.CATEGORY_WORD: _LETTERS + _LETTERS.upper() + "0123456789_",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_DIGIT: _LETTERS,
    codes.CATEGORY_NOT_SPACE: _LETTERS + "0123456789",
    codes.CATEGORY_NOT_WORD: " -.,",
}
_ANY = _LETTERS + _LETTERS.upper() + "0123456789 -_.,"


class Maker:
    """Makes texts of a pattern.

    Args:
        pattern: In the syntax that Python and Rust share; whole texts match it.

    Raises:
        Invalid: It is no pattern, or one that texts are not made of here (look-around, back references).
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        try:
            self._tree: Any = parser.parse(pattern)
            self._whole = re.compile(pattern)
        except re.error as error:
            raise Invalid(f"This is no regular expression: {pattern!r}.", found=str(error)) from None
        if not self._whole.fullmatch(self(np.random.default_rng(0))):
            raise self._refused("what was made of it does not match")

    def __call__(self, generator: np.random.Generator) -> str:
        """One text."""
        return "".join(self._made(each, generator) for each in self._tree)

    def _made(self, node: Any, generator: np.random.Generator) -> str:
        kind, given = node
        if kind is codes.LITERAL:
            return chr(given)
        if kind is codes.ANY:
            return _pick(_ANY, generator)
        if kind is codes.NOT_LITERAL:
            return _pick(_ANY.replace(chr(given), ""), generator)
        if kind is codes.IN:
            return _pick(_members(given), generator)
        if kind is codes.AT:
            return ""
        if kind is codes.SUBPATTERN:
            return "".join(self._made(each, generator) for each in given[-1])
        if kind is codes.BRANCH:
            chosen = given[1][int(generator.integers(len(given[1])))]
            return "".join(self._made(each, generator) for each in chosen)
        if kind in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, inner = given
            count = int(generator.integers(least, min(int(most), int(least) + MOST_REPEATS) + 1))
            return "".join(self._made(each, generator) for _ in range(count) for each in inner)
        raise self._refused(str(kind).lower().replace("_", " "))

    def _refused(self, why: str) -> Invalid:
        return Invalid(
            f"No texts can be made of the pattern {self.pattern!r}.",
            found=why,
            hint="Give the column `values`, or a plainer pattern.",
        )


def _pick(letters: str, generator: np.random.Generator) -> str:
    return letters[int(generator.integers(len(letters)))]


def _members(given: list[Any]) -> str:
    """The characters of a class."""
    negated = given[0][0] is codes.NEGATE
    found = ""
    for kind, what in given[negated:]:
        if kind is codes.LITERAL:
            found += chr(what)
        elif kind is codes.RANGE:
            found += "".join(chr(code) for code in range(what[0], min(what[1], what[0] + 500) + 1))
        else:
            found += _CLASSES.get(what, "")
    return "".join(each for each in _ANY if each not in found) if negated else found
