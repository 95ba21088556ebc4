"""Patterns that mean the same to Python's `re` on a row and to polars on a frame."""

from __future__ import annotations

import re
import warnings

from fettle.core.errors import Invalid

_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
_UNEQUAL = re.compile(r"\(\?(?:<?[=!]|[>(#])|\(\?P=|\\[0-9ZNGKzpPQEu]|[*+?}]\+")
"""What only one of the two knows: look-around, conditions, back references, `\\Z` and the like."""
_UNEQUAL_IN_CLASS = re.compile(r"\[|&&|--|~~|\\[0-9ZNpPQEu]")


def check_on_rows(pattern: str) -> str:
    """The pattern itself, if it can be searched for on a row and on a frame alike.

    Raises:
        Invalid: It is none, or only one of the two knows what it says.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a class within a class, which is refused below
            re.compile(python_pattern(pattern))
    except re.error as error:
        raise Invalid(f"The pattern {pattern!r} cannot be used.", found=str(error)) from None
    for piece in _PIECE.findall(pattern):
        if piece.startswith("[") and _UNEQUAL_IN_CLASS.search(piece, 1):
            raise _only_one(pattern, piece)
    rest = _PIECE.sub(lambda found: found[0] if found[0].startswith("\\") else "$", pattern)
    if found := _UNEQUAL.search(rest.replace(r"\\", "")):
        raise _only_one(pattern, found[0])
    return pattern


def python_pattern(pattern: str) -> str:
    r"""The pattern as Python's `re` reads it the way polars does: `$` is the very end, not before a last newline."""
    if re.search(r"\(\?[a-z]*m", pattern):
        return pattern
    return _PIECE.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern)


def like(pattern: str) -> str:
    """An SQL pattern as a regular expression: `%` is any text, `_` any character."""
    parts = (".*" if each == "%" else "." if each == "_" else re.escape(each) for each in pattern)
    return f"(?s:{''.join(parts)})"


def _only_one(pattern: str, piece: str) -> Invalid:
    return Invalid(
        f"The pattern {pattern!r} cannot be used.",
        found=f"{piece!r}: look-around, back references and classes within classes cannot be computed alike everywhere",
    )
