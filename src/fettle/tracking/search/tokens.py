"""What the words of a search look like."""

from __future__ import annotations

import re

from fettle.core.grammar import Language, Token, unquoted

__all__ = ["SEARCH", "Token", "tokens", "unquoted", "wrong"]

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
SEARCH = Language(
    noun="search",
    pattern=_TOKEN,
    keywords=KEYWORDS,
    longest=64 << 10,
    hint="docs/reference/search.md shows what a search may say.",
    values={
        "text": lambda value: ("text", unquoted(value)),
        "quoted": lambda value: ("word", value[1:-1]),
    },
    unseen=re.compile("[\x00\ud800-\udfff]"),
)
tokens, wrong = SEARCH.tokens, SEARCH.wrong
