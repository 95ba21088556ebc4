"""MLflow's small filter language over records that fit into memory: experiments, logged models, registered models.

    attribute.name LIKE 'fraud%' AND tags.`team` = 'risk' AND creation_time > 1700000000000

Conditions joined by AND. A key may be quoted by backticks or double quotes, a text by single or double quotes. Runs are
searched in the database by `fettle.tracking.search`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fettle.protocols.mlflow.errors import invalid

T = TypeVar("T")
Values = Mapping[tuple[str, str], Any]
"""What a record is searched by: family and key → value; what is missing is not there."""
Families = Mapping[str, Mapping[str, type] | None]
"""Family → its keys and their types; None: any key, and texts."""

MOST_CHARACTERS = 20_000
_ALIASES = {
    "attributes": "attribute",
    "attr": "attribute",
    "tags": "tag",
    "params": "param",
    "metrics": "metric",
}
_NUMBERS = ("=", "!=", ">", ">=", "<", "<=")
_TEXTS = ("=", "!=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL")
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<op>!=|<>|>=|<=|=|>|<)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<quoted>`[^`]*`)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<word>[A-Za-z_][\w-]*)
    | (?P<mark>[.(),])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Comparison:
    """One condition."""

    family: str
    key: str
    op: str
    value: Any

    def holds(self, values: Values) -> bool:
        """Whether it is true; false for a record that lacks the value, but for IS NULL."""
        found = values.get((self.family, self.key))
        if self.op in ("IS NULL", "IS NOT NULL"):
            return (found is None) == (self.op == "IS NULL")
        return found is not None and _TESTS[self.op](found, self.value)


def parse(text: str, families: Families) -> Callable[[Values], bool]:
    """A filter as a function of a record's values.

    Args:
        text: The filter; empty lets everything through.
        families: What may be asked for.

    Raises:
        Refused: It is not understood; the message says at which place.
    """
    conditions = comparisons(text, families)
    return lambda values: all(each.holds(values) for each in conditions)


def comparisons(text: str, families: Families) -> list[Comparison]:
    """The conditions of a filter, in order; errors as `parse`."""
    if len(text) > MOST_CHARACTERS:
        raise invalid(f"The filter is too long: at most {MOST_CHARACTERS:,} characters.")
    reader = _Reader(text, families)
    found = []
    while not reader.done():
        if found:
            reader.take_word("AND")
        found.append(reader.comparison())
    return found


def ordered(
    found: Sequence[T], orders: Sequence[str], values: Callable[[T], Values], keys: Sequence[str]
) -> list[T]:
    """Records sorted by MLflow's `order_by`, such as `["name DESC"]`; those without the value come last.

    Raises:
        Refused: Something else is named than one of the attributes `keys`.
    """
    result = list(found)
    for order in reversed(orders):
        match = re.fullmatch(
            r"\s*(?:attributes?\.)?[`\"]?(\w+)[`\"]?(?:\s+(asc|desc))?\s*", order, re.IGNORECASE
        )
        if match is None or match.group(1) not in keys:
            raise invalid(f"Invalid order by key '{order[:100]}': use one of {', '.join(keys)}.")
        key, descending = ("attribute", match.group(1)), (match.group(2) or "").lower() == "desc"
        present = [each for each in result if values(each).get(key) is not None]
        lacking = [each for each in result if values(each).get(key) is None]
        result = sorted(present, key=lambda each: values(each)[key], reverse=descending) + lacking
    return result


def like(text: str, pattern: str) -> bool:
    """SQL's LIKE: `%` is any characters, `_` one; in time proportional to both lengths at most."""
    at, place, star, mark = 0, 0, -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "%":
            star, mark, place = place, at, place + 1
        elif place < len(pattern) and pattern[place] in ("_", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            mark += 1
            at, place = mark, star + 1
        else:
            return False
    return all(each == "%" for each in pattern[place:])


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda found, value: found == value,
    "!=": lambda found, value: found != value,
    ">": lambda found, value: found > value,
    ">=": lambda found, value: found >= value,
    "<": lambda found, value: found < value,
    "<=": lambda found, value: found <= value,
    "LIKE": lambda found, value: like(str(found), value),
    "ILIKE": lambda found, value: like(str(found).lower(), value.lower()),
    "IN": lambda found, value: str(found) in value,
    "NOT IN": lambda found, value: str(found) not in value,
}


class _Reader:
    """Reads a filter from the left."""

    def __init__(self, text: str, families: Families) -> None:
        self._text = text
        self._families = families
        self._tokens = list(self._cut(text))
        self._next = 0

    def _cut(self, text: str) -> Any:
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error(at)
            yield match.lastgroup, match.group(match.lastgroup or 0), match.start(match.lastgroup or 0)
            at = match.end()

    def _error(self, at: int) -> Exception:
        shown = self._text if len(self._text) <= 300 else self._text[:300] + "…"
        return invalid(f"Invalid clause(s) in filter string: '{shown}', at character {at + 1}.")

    def done(self) -> bool:
        return self._next >= len(self._tokens)

    def _peek(self) -> tuple[str, str, int]:
        return ("end", "", len(self._text)) if self.done() else self._tokens[self._next]

    def _take(self, *kinds: str) -> tuple[str, str]:
        kind, text, at = self._peek()
        if kind not in kinds:
            raise self._error(at)
        self._next += 1
        return kind, text

    def take_word(self, word: str) -> None:
        kind, text, at = self._peek()
        if kind != "word" or text.upper() != word:
            raise self._error(at)
        self._next += 1

    def comparison(self) -> Comparison:
        family, key = self._field()
        op = self._operator()
        keys = self._families[family]
        numeric = keys is not None and keys.get(key) in (int, float)
        numeric = numeric or family == "metric"
        if op not in (_NUMBERS if numeric else _TEXTS):
            raise invalid(f"Invalid comparator '{op}' for {family} '{key[:80]}'.")
        return Comparison(family, key, op, self._value(op, numeric))

    def _field(self) -> tuple[str, str]:
        first = self._name()
        if self._peek()[:2] != ("mark", "."):
            return self._checked("attribute", first)
        self._take("mark")
        parts = [self._name()]
        while self._peek()[:2] == ("mark", "."):
            self._take("mark")
            parts.append(self._name())
        return self._checked(_ALIASES.get(first.lower(), first.lower()), ".".join(parts))

    def _name(self) -> str:
        kind, text = self._take("word", "quoted", "text", "number")
        return text[1:-1] if kind in ("quoted", "text") else text

    def _checked(self, family: str, key: str) -> tuple[str, str]:
        if family not in self._families:
            raise invalid(f"Invalid entity type '{family[:80]}'. Valid values are {sorted(self._families)}.")
        keys = self._families[family]
        if keys is not None and key not in keys:
            raise invalid(f"Invalid attribute key '{key[:80]}' specified. Valid keys are {sorted(keys)}.")
        return family, key

    def _operator(self) -> str:
        kind, text = self._take("op", "word")
        if kind == "op":
            return "!=" if text == "<>" else text
        word = text.upper()
        if word == "NOT":
            self.take_word("IN")
            return "NOT IN"
        if word == "IS":
            denied = self._peek()[1].upper() == "NOT"
            if denied:
                self.take_word("NOT")
            self.take_word("NULL")
            return "IS NOT NULL" if denied else "IS NULL"
        if word not in ("LIKE", "ILIKE", "IN"):
            raise self._error(self._tokens[self._next - 1][2])
        return word

    def _value(self, op: str, numeric: bool) -> Any:
        if op in ("IS NULL", "IS NOT NULL"):
            return None
        if op in ("IN", "NOT IN"):
            return self._list()
        if numeric:
            return float(self._take("number")[1])
        return self._text_value()

    def _text_value(self) -> str:
        kind, text, at = self._peek()
        if kind != "text":
            raise invalid(
                f"Expected a quoted string value at character {at + 1} of the filter. Got value {text[:80]}"
            )
        self._next += 1
        return re.sub(r"\\(.)", r"\1", text[1:-1])

    def _list(self) -> list[str]:
        self._mark("(")
        found = [self._text_value()]
        while self._peek()[:2] == ("mark", ","):
            self._take("mark")
            found.append(self._text_value())
        self._mark(")")
        return found

    def _mark(self, mark: str) -> None:
        if self._peek()[:2] != ("mark", mark):
            raise self._error(self._peek()[2])
        self._next += 1
