"""What the box over a list of runs says: words to be found, or an expression of the search language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid
from fettle.tracking import search as language
from fettle.web.asked import Asked

__all__ = [
    "among",
    "field_of",
    "in_experiment",
    "is_number",
    "joined",
    "named",
    "quoted",
    "value_of",
    "where_of",
    "where_or_words",
]

if TYPE_CHECKING:
    from fettle.tracking.records.search import Family, Field

MOST_WORDS = 20
_SIGNS = re.compile(
    r"[<>=!()'\"`]|\b(metrics?|params?|tags?|attributes?)\.|\bis\s+(not\s+)?null\b", re.IGNORECASE
)
_FAMILIES = {"metrics": "metrics", "params": "params", "tags": "tags"}


def where_of(text: str) -> str:
    """The search that a text says: itself where it can be read as one, else that all its words are there.

    Raises:
        Invalid: It is meant to be an expression and cannot be read; the message points at the character.

    Example:
        >>> where_of("trial 3"), where_of("metrics.loss < 0.3")
        ('words "trial" and words "3"', 'metrics.loss < 0.3')
    """
    if not text:
        return ""
    try:
        language.parse(text)
    except Invalid:
        if _SIGNS.search(text):
            raise
        return " and ".join(f"words {quoted(word)}" for word in text.split()[:MOST_WORDS])
    return text


def where_or_words(text: str) -> str:
    """As `where_of`; a text that cannot be read is left as it is."""
    try:
        return where_of(text)
    except Invalid:
        return text


def joined(*parts: str) -> str:
    """Searches of which all are true."""
    said = [part for part in parts if part]
    return said[0] if len(said) == 1 else " and ".join(f"({part})" for part in said)


def quoted(text: str) -> str:
    """A text as the language writes it."""
    return '"' + text.replace('"', '""') + '"'


def among(ids: list[str]) -> str:
    """That a run is one of some."""
    return f"id in ({', '.join(quoted(each) for each in ids)})" if ids else 'id = ""'


def named(family: Family, key: str) -> str:
    """How a field is written: `params.lr`, quoted where its key needs it."""
    return language.spelled(family, key)


def field_of(text: str) -> Field:
    """The field that a text names.

    Raises:
        Invalid: It names none.
    """
    (found,) = language.parse_fields([text])
    return found


def value_of(run: Any, field: Field) -> Any:
    """What a run has there; None where it has nothing, or where more than the run itself is needed."""
    if field.family == "metrics":
        if field.statistic != "last":
            return None
        return run.metrics.get(field.key, run.not_finite.get(field.key))
    if field.family in _FAMILIES:
        return getattr(run, field.family).get(field.key)
    return getattr(run, field.key, None) if field.family == "attribute" else None


def is_number(field: Field) -> bool:
    """Whether a column of it stands to the right."""
    return field.family == "metrics"


def in_experiment(asked: Asked) -> list[str] | None:
    """The experiment that an address names, as acts take it."""
    chosen = asked.text("experiment")
    return [chosen] if chosen else None
