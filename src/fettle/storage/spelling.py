"""Expressions that each database spells in its own way."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_PLACE = re.compile(r"\{(\d)\}")


def spelled(kind: type[FunctionElement[Any]], usual: str, **dialects: str) -> None:
    """Say how an expression is written.

    Args:
        kind: The expression.
        usual: Its SQL, with `{0}`, `{1}` … for its parts; a part that it does not name is left out.
        **dialects: The SQL of databases that want other words, by the name of their dialect.
    """
    compiles(kind)(_writer(usual))
    for dialect, text in dialects.items():
        compiles(kind, dialect)(_writer(text))


def _writer(text: str) -> Any:
    first, *rest = _PLACE.split(text)
    pairs = [(int(place), words) for place, words in zip(rest[::2], rest[1::2], strict=True)]

    def write(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
        parts = list(element.clauses)
        written = {place: compiler.process(parts[place], **options) for place in dict(pairs)}
        return first + "".join(written[place] + words for place, words in pairs)

    return write
