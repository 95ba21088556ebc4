"""What the words of an expression look like."""

from __future__ import annotations

import re

from fettle.core.grammar import Language, unquoted

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


def _quoted(value: str) -> tuple[str, str]:
    if value[0] == "`":
        return "column", value[1:-1].replace('""', '"')
    return "quoted", unquoted(value)


EXPRESSION = Language(
    noun="expression",
    pattern=_TOKEN,
    keywords=KEYWORDS,
    longest=10_000,
    hint="docs/how-to/checks.md lists what an expression may say.",
    values={
        "text": lambda value: ("text", unquoted(value)),
        "quoted": _quoted,
        "word": lambda value: ("column", value),
    },
)
wrong, pointing = EXPRESSION.wrong, EXPRESSION.pointing
