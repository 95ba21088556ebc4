"""Comparing texts the same way in every database: by code points, with indexes on their beginning."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.functions import FunctionElement

from fettle.storage.spelling import spelled

HEAD = 100
"""Characters of a text that are indexed; PostgreSQL takes at most 2,700 bytes."""
_WILD = "%_\\"


class plain(FunctionElement[str]):
    """A text sorted and compared by code points, whatever the database's language is."""

    type = sa.Text()
    inherit_cache = True


class head(FunctionElement[str]):
    """The first characters of a text, compared by code points; what indexes hold."""

    type = sa.Text()
    inherit_cache = True


class unindexed(FunctionElement[Any]):
    """A column by which SQLite, which keeps no statistics here, shall not begin to look."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


class alone(FunctionElement[bool]):
    """A condition that PostgreSQL holds each row to, instead of joining all rows that meet it.

    It underrates how many these are, as it does not know how keys and values go together.
    """

    type = sa.Boolean()
    inherit_cache = True


class _alike(FunctionElement[bool]):
    """`(text, pattern of LIKE, pattern of GLOB)`: matches with letter case."""

    type = sa.Boolean()
    inherit_cache = True


class _alike_any_case(FunctionElement[bool]):
    """`(text, pattern of LIKE)`: matches without letter case (SQLite: of ASCII letters)."""

    type = sa.Boolean()
    inherit_cache = True


spelled(alone, "{0}", postgresql="(({0}) IS TRUE)")
spelled(unindexed, "{0}", sqlite="+{0}")
spelled(plain, "{0}", postgresql='({0} COLLATE "C")')
spelled(head, f"substr({{0}}, 1, {HEAD})", postgresql=f'(substr({{0}}, 1, {HEAD}) COLLATE "C")')
spelled(_alike, "({0} LIKE {1} ESCAPE '\\')", sqlite="({0} GLOB {2})")
spelled(_alike_any_case, "({0} LIKE {1} ESCAPE '\\')", postgresql="({0} ILIKE {1} ESCAPE '\\')")


def like(text: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    """Whether the text matches `%` and `_`; a backslash before one of these makes it itself."""
    parts = _pieces(pattern)
    globbed = "".join(
        {"%": "*", "_": "?"}[each] if wild else f"[{each}]" if each in "*?[" else each for each, wild in parts
    )
    return _alike(text, sa.literal(_written(parts), sa.Text), sa.literal(globbed, sa.Text))


def ilike(text: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    """The same without letter case."""
    return _alike_any_case(text, sa.literal(_written(_pieces(pattern)), sa.Text))


def contains(text: sa.ColumnElement[str], part: str) -> sa.ColumnElement[bool]:
    """Whether the part stands somewhere in the text, without letter case."""
    pieces = [("%", True), *((each, False) for each in part), ("%", True)]
    return _alike_any_case(text, sa.literal(_written(pieces), sa.Text))


def beginning(pattern: str) -> str:
    """The characters with which all texts begin that match a pattern of `like`."""
    found = ""
    for each, wild in _pieces(pattern):
        if wild:
            break
        found += each
    return found[:HEAD]


def is_beginning(pattern: str) -> bool:
    """Whether a pattern of `like` asks for nothing but its `beginning`, such as `ab%`."""
    pieces = _pieces(pattern)
    first = next((place for place, (_, wild) in enumerate(pieces) if wild), len(pieces))
    return first <= HEAD and first < len(pieces) and all(each == ("%", True) for each in pieces[first:])


def after(text: str) -> str | None:
    """The least text that is greater than all that begin with `text`; None if there is none."""
    while text and ord(text[-1]) >= 0x10FFFF:
        text = text[:-1]
    if not text:
        return None
    following = ord(text[-1]) + 1
    return text[:-1] + chr(0xE000 if following == 0xD800 else following)


def _pieces(pattern: str) -> list[tuple[str, bool]]:
    """The pattern's characters, each with whether it stands for others."""
    found: list[tuple[str, bool]] = []
    at = 0
    while at < len(pattern):
        escaped = pattern[at] == "\\" and pattern[at + 1 : at + 2] in ("%", "_", "\\")
        at += escaped
        found.append((pattern[at], not escaped and pattern[at] in "%_"))
        at += 1
    return found


def _written(pieces: list[tuple[str, bool]]) -> str:
    return "".join("\\" + each if not wild and each in _WILD else each for each, wild in pieces)
