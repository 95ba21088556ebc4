"""Cut the text of a search into words, and point at the place where something is wrong."""

from __future__ import annotations

import re
from typing import NamedTuple

from fettle.core.errors import Invalid

LONGEST = 64 << 10
"""Characters of an expression."""
KEYWORDS = frozenset(
    ("and", "or", "not", "in", "between", "is", "null", "none", "like", "ilike", "contains", "true", "false")
)
_BARE = r"""[^\s=<>!(),'"`]+"""
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<number>[-+]?(?:(?:\d[\d_]*+(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?\d++)?+|inf(?:inity)?\b|nan\b)(?![\w.]))
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<field>(?:[^\W\d]\w*|`[^`]*`)\.(?:"[^"]*"|'[^']*'|`[^`]*`|{_BARE})(?:\.\w+)?)
    | (?P<quoted>`[^`]*`)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign><=|>=|<>|!=|==|[=<>(),\[\]])
    )""",
    re.VERBOSE | re.IGNORECASE,
)


_UNSEEN = re.compile("[\x00\ud800-\udfff]")


class Token(NamedTuple):
    """A word of a search: its kind, its value and where it begins."""

    kind: str
    value: str
    at: int


def tokens(text: str) -> list[Token]:
    """The words of a search, an `end` last.

    Raises:
        Invalid: A sign that has no meaning, or a quote that does not end; the message points at it.
    """
    if len(text) > LONGEST:
        raise Invalid(
            "The search is too long.", found=f"{len(text):,} characters", hint=f"At most {LONGEST:,}."
        )
    if unseen := _UNSEEN.search(text):
        raise wrong(text, unseen.start(), "this is a control character or half of one")
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            place = at + len(text[at:]) - len(text[at:].lstrip())
            quote = text[place] in "'\"`"
            raise wrong(text, place, "this quote does not end" if quote else "this sign has no meaning here")
        kind = match.lastgroup or ""
        found.append(_token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, Token("end", "", end)]


def _token(kind: str, value: str, at: int) -> Token:
    if kind == "text":
        return Token(kind, unquoted(value), at)
    if kind == "quoted":
        return Token("word", value[1:-1], at)
    if kind == "word" and value.lower() in KEYWORDS:
        return Token("keyword", "null" if value.lower() == "none" else value.lower(), at)
    return Token(kind, value, at)


def unquoted(text: str) -> str:
    """A text without its quotes; a doubled quote within stands for one."""
    return text[1:-1].replace(text[0] * 2, text[0])


def wrong(text: str, at: int, what: str, hint: str = "") -> Invalid:
    """The error that shows the search with a caret under the place."""
    shown = "".join(each if each.isprintable() else " " for each in text[max(0, at - 60) : at + 40])
    start = max(0, at - 60)
    line = ("…" if start else "") + shown + ("…" if len(text) > at + 40 else "")
    caret = " " * (at - start + (1 if start else 0)) + "^"
    return Invalid(
        f"The search has a mistake at character {at + 1}: {what}.",
        found=f"\n    {line}\n    {caret}",
        hint=hint or "docs/reference/search.md shows what a search may say.",
    )
