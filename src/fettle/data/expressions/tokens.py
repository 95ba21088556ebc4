"""Cut the text of an expression into words, and point at the place where something is wrong."""

from __future__ import annotations

import re
from typing import NamedTuple, TypeVar

from fettle.core.errors import FettleError, Invalid

KEYWORDS = frozenset(
    (
        "and",
        "or",
        "not",
        "in",
        "between",
        "is",
        "null",
        "none",
        "true",
        "false",
        "matches",
        "like",
        "if",
        "else",
    )
)
LONGEST = 10_000
Kind = TypeVar("Kind", bound=FettleError)
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>\*\*|//|<=|>=|<>|!=|==|[-+*/%<>=(),\[\]])
    )""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A word of an expression: its kind, its value and where it begins."""

    kind: str
    value: str
    at: int


def tokens(text: str) -> list[Token]:
    """The words of an expression, an `end` last.

    Raises:
        Invalid: A sign that has no meaning, or a quote that does not end; the message points at it.
    """
    if len(text) > LONGEST:
        raise Invalid(
            "The expression is too long.", found=f"{len(text):,} characters", hint=f"At most {LONGEST:,}."
        )
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.end() > end:
            place = at + len(text[at:]) - len(text[at:].lstrip())
            quote = text[place] in "'\"`"
            raise wrong(text, place, "this quote does not end" if quote else "this sign has no meaning here")
        kind = match.lastgroup or ""
        found.append(_token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, Token("end", "", end)]


def _token(kind: str, value: str, at: int) -> Token:
    if kind == "text":
        return Token("text", value[1:-1].replace("''", "'"), at)
    if kind == "quoted":
        return Token("quoted" if value[0] == '"' else "column", value[1:-1].replace('""', '"'), at)
    if kind == "word" and value.lower() in KEYWORDS:
        return Token("keyword", "null" if value.lower() == "none" else value.lower(), at)
    return Token({"word": "column"}.get(kind, kind), value, at)


def wrong(text: str, at: int, what: str, hint: str = "") -> Invalid:
    """The error that shows the expression with a caret under the place."""
    return pointing(Invalid, text, at, what, hint)


def pointing(kind: type[Kind], text: str, at: int, what: str, hint: str = "") -> Kind:
    """The same as another kind of error."""
    shown = text.replace("\n", " ").replace("\t", " ")
    start = max(0, at - 60)
    line = ("…" if start else "") + shown[start : at + 40] + ("…" if len(shown) > at + 40 else "")
    caret = " " * (at - start + (1 if start else 0)) + "^"
    return kind(
        f"The expression has a mistake at character {at + 1}: {what}.",
        found=f"\n    {line}\n    {caret}",
        hint=hint or "docs/how-to/checks.md lists what an expression may say.",
    )
