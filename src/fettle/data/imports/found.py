"""What was taken over from another tool, and what was not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from fettle.data.expressions.tokens import KEYWORDS
from fettle.data.records.checks import Check


class Unmapped(msgspec.Struct, frozen=True):
    """Something that has no counterpart here: its name, where it stands, and why."""

    name: str
    about: str
    reason: str


class Imported(msgspec.Struct, frozen=True):
    """The checks that were made, and what could not be taken over. Nothing is dropped without being listed."""

    source: str
    checks: list[Check]
    unmapped: list[Unmapped]

    def lines(self) -> list[str]:
        """A line a check, then what is left."""
        made = [f"{self.source}: {len(self.checks)} taken over, {len(self.unmapped)} not", ""]
        made += [f"✓ {each.id}: {each.text}" for each in self.checks]
        made += [f"✗ {each.name} ({each.about}): {each.reason}" for each in self.unmapped]
        return made


class NotMapped(Exception):
    """Raised within an import where a part has no counterpart; its text is the reason."""


def column(name: Any) -> str:
    """A column as an expression writes it."""
    text = str(name)
    plain = text.isidentifier() and text.isascii() and text.lower() not in KEYWORDS
    return text if plain else '"' + text.replace('"', '""') + '"'


def value(given: Any) -> str:
    """A literal as an expression writes it.

    Raises:
        NotMapped: An expression cannot say it.
    """
    if isinstance(given, bool):
        return "true" if given else "false"
    if given is None:
        return "null"
    if isinstance(given, int | float):
        return repr(given)
    if isinstance(given, str):
        return "'" + given.replace("'", "''") + "'"
    raise NotMapped(f"the value {given!r} cannot be written as an expression")


def listed(given: Iterable[Any]) -> str:
    """Values in parentheses, without nulls, which no list contains."""
    values = [value(each) for each in given if each is not None]
    if not values:
        raise NotMapped("the list of values is empty")
    return f"({', '.join(values)})"


def bounds(what: str, low: Any, high: Any, *, strict_low: bool = False, strict_high: bool = False) -> str:
    """`what` within bounds, of which either may be missing.

    Raises:
        NotMapped: There is no bound.
    """
    parts = []
    if low is not None:
        parts.append(f"{what} {'>' if strict_low else '>='} {value(low)}")
    if high is not None:
        parts.append(f"{what} {'<' if strict_high else '<='} {value(high)}")
    if not parts:
        raise NotMapped("it has no bounds")
    return " and ".join(parts)


def named(wanted: str, taken: set[str]) -> str:
    """A name that is not taken yet."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    taken.add(name)
    return name


_KINDS = (
    ("datetime", ("datetime", "timestamp")),
    ("date", ("date",)),
    ("boolean", ("bool",)),
    ("integer", ("int",)),
    ("number", ("float", "double", "decimal", "numeric", "real", "number")),
    ("string", ("str", "char", "text", "categor", "utf8")),
)


def kind_named(name: str) -> str:
    """The type of ours that a type of pandas, Spark, polars or a database means.

    Raises:
        NotMapped: It is none of the six.
    """
    for kind, words in _KINDS:
        if any(word in name.lower() for word in words):
            return kind
    raise NotMapped(f"the type {name!r} is none of fettle's six")
