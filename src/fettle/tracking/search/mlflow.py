"""MLflow's own filter and order clauses, no more and no less, with complaints in its words.

Its grammar is `comparison (AND comparison)*`, compared only as MLflow does: metrics and times with numbers, all else
with texts in quotes, lists for the run's id and for datasets alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NoReturn

from fettle.core.errors import Invalid
from fettle.core.grammar import Reader, Token, unquoted
from fettle.tracking.records.search import All, Condition, Field, Op, Order, Term, Value
from fettle.tracking.search.fields import ALIASES, FAMILIES, OF_DATASET, split
from fettle.tracking.search.syntax import MOST_LISTED, MOST_TESTS, SIGNS
from fettle.tracking.search.times import at_milliseconds
from fettle.tracking.search.tokens import SEARCH, tokens
from fettle.tracking.search.values import number_of

TEXTS = ("run_id", "run_name", "status", "user_id", "artifact_uri")
TIMES = ("start_time", "end_time")
_OTHER = {"created": "start_time", "Created": "start_time"} | dict.fromkeys(
    ("run name", "Run name", "Run Name"), "run_name"
)
_NUMERIC = ("=", "!=", "<", "<=", ">", ">=")
_TEXTUAL = ("=", "!=", "LIKE", "ILIKE")
_COMPARATORS = {
    "metrics": _NUMERIC,
    "params": (*_TEXTUAL, "IS NULL", "IS NOT NULL"),
    "tags": (*_TEXTUAL, "IS NULL", "IS NOT NULL"),
    "dataset": (*_TEXTUAL, "IN", "NOT IN"),
    "attribute": (*_TEXTUAL, "IN", "NOT IN"),
    "time": _NUMERIC,
}
_ENTITIES = "['metric', 'parameter', 'tag', 'attribute', 'dataset']"


def condition_of(text: str) -> Condition:
    """The condition of a filter string.

    Raises:
        Invalid: It is not one that MLflow takes.
    """
    return _Parser(text).whole()


class _Parser(Reader):
    def __init__(self, text: str) -> None:
        try:
            super().__init__(SEARCH, text)
        except Invalid as error:
            raise Invalid(f"Error on parsing filter '{text[:500]}'", found=error.found) from error

    def whole(self) -> Condition:
        parts: list[Condition] = []
        while self.next.kind != "end":
            if parts and not self.took("and"):
                self._refuse(f"Invalid clause(s) in filter string: '{self.next.value[:100]}'")
            parts.append(self._comparison())
            if len(parts) > MOST_TESTS:
                self._refuse(f"Invalid filter: more than {MOST_TESTS} comparisons")
        return All(tuple(parts))

    def _refuse(self, message: str) -> NoReturn:
        raise Invalid(message, found=self.text[:200], hint="docs/reference/search.md shows MLflow's grammar.")

    def _comparison(self) -> Term:
        token = self.take()
        if token.kind not in ("field", "word"):
            self._refuse(f"Invalid clause(s) in filter string: '{token.value[:100] or self.text[:100]}'")
        field, name = field_of(token)
        comparator = self._comparator()
        group = "time" if field.family == "attribute" and name in TIMES else field.family
        if comparator in ("IS NULL", "IS NOT NULL") and field.family not in ("params", "tags"):
            self._refuse(
                f"IS NULL / IS NOT NULL is only supported for tags and params, not for '{group}' '{name}'"
            )
        if comparator not in _COMPARATORS[group]:
            self._refuse(f"Invalid comparator '{comparator}' not one of '{set(_COMPARATORS[group])}'")
        if comparator.startswith("IS"):
            return Term(field, "null", (), comparator == "IS NOT NULL")
        return self._test(field, name, group, comparator)

    def _comparator(self) -> str:
        if sign := self.took("=", "!=", "<", "<=", ">", ">="):
            return sign.value
        if self.took("is"):
            words = "IS NOT NULL" if self.took("not") else "IS NULL"
            if not self.took("null"):
                self._refuse("Invalid comparison clause. Expected NULL after IS")
            return words
        denied = "NOT " if self.took("not") else ""
        word = self.took("like", "ilike", "in")
        if word is None or (denied and word.value != "in"):
            found = self.next.value[:100]
            self._refuse(f"Invalid comparison clause. Expected comparison found '{found}'")
        return denied + word.value.upper()

    def _test(self, field: Field, name: str, group: str, comparator: str) -> Term:
        if comparator in ("IN", "NOT IN"):
            return Term(field, "in", self._listed(field, name), comparator == "NOT IN")
        token = self.take()
        value: Value
        if group == "metrics":
            value = self._number(token, f"Expected numeric value type for metric. Found {token.value}")
        elif group == "time":
            value = self._time(token, name)
        else:
            value = self._quoted(token, group)
        if field.key == "status" and isinstance(value, str):
            value = value.lower()
        op, denied = SIGNS.get(comparator, (None, False))
        chosen: Op = op or ("like" if comparator == "LIKE" else "ilike")
        return Term(field, chosen, (value,), denied)

    def _number(self, token: Token, complaint: str) -> float | int:
        if token.kind != "number" or token.value.lower().lstrip("+-")[:1] in ("i", "n"):
            self._refuse(complaint)
        return number_of(token.value)

    def _time(self, token: Token, name: str) -> datetime:
        complaint = f"Expected numeric value type for numeric attribute: {name}. Found {token.value}"
        span = at_milliseconds(self._number(token, complaint))
        at = datetime.max.replace(tzinfo=UTC) if token.value[:1] != "-" else datetime.min.replace(tzinfo=UTC)
        return span.first if span else at

    def _quoted(self, token: Token, group: str) -> str:
        if token.kind == "text":
            return token.value
        if group in ("params", "tags"):
            kind = "parameter" if group == "params" else "tag"
            self._refuse(
                f"Expected a quoted string value for {kind} (e.g. 'my-value'). Got value {token.value[:200]}"
            )
        what = "attributes" if group == "attribute" else "dataset attributes"
        self._refuse(f"Expected a quoted string value for {what}. Got value {token.value[:200]}")

    def _listed(self, field: Field, name: str) -> tuple[str, ...]:
        if field.family == "attribute" and name != "run_id":
            self._refuse("Only ['run_id'] attributes support comparison with a list of quoted string values.")
        found: list[str] = []
        opened = self.took("(")
        while opened and self.next.kind == "text" and len(found) <= MOST_LISTED:
            found.append(self.take().value)
            if not self.took(","):
                break
        if not found or not self.took(")"):
            self._refuse("While parsing a list in the query, expected a non-empty list of string values")
        return tuple(found)


def field_of(token: Token) -> tuple[Field, str]:
    """The field a word names, and MLflow's name of it.

    Raises:
        Invalid: MLflow knows no such field.
    """
    if token.kind == "word":
        return _attribute(token.value)
    named = split(token.value)
    family = FAMILIES.get(named.family)
    if family is None:
        raise Invalid(f"Invalid entity type '{named.family[:100]}'. Valid values are {_ENTITIES}")
    key = f"{named.key}.{named.statistic}" if named.statistic else named.key
    if family == "attribute":
        return _attribute(key)
    if family == "dataset" and key not in OF_DATASET[1:]:
        raise Invalid(f"Invalid dataset key '{key[:100]}' specified. Valid keys are {set(OF_DATASET[1:])}")
    return Field(family, key), key


def _attribute(key: str) -> tuple[Field, str]:
    name = _OTHER.get(key, key)
    if name == "artifact_uri":
        raise Invalid(
            "The attribute 'artifact_uri' cannot be searched by here",
            found="an address that is made of the experiment's location and the run's id, and kept nowhere",
            hint="Search by attributes.run_id, which it ends with.",
        )
    if name not in (*TEXTS, *TIMES):
        raise Invalid(
            f"Invalid attribute key '{key[:100]}' specified. Valid keys are {set((*TEXTS, *TIMES))}"
        )
    return Field("attribute", ALIASES.get(name, name)), name


_ORDER = re.compile(r"\s*(?P<field>.+?)(?:\s+(?P<way>asc|desc))?\s*", re.IGNORECASE | re.DOTALL)


def order_of(text: str) -> Order:
    """The order of one `order_by` clause, such as `metrics.loss DESC`.

    Raises:
        Invalid: It is not one that MLflow takes.
    """
    match = None if len(text) > 1000 else _ORDER.fullmatch(text.strip())
    if match is None:
        raise Invalid(f"Invalid order_by clause '{text[:200]}'. Could not be parsed.")
    try:
        words = [each for each in tokens(match["field"]) if each.kind != "end"]
    except Invalid as error:
        raise Invalid(f"Error on parsing order_by clause '{text[:200]}'") from error
    if len(words) == 1 and words[0].kind == "text" and text.lstrip()[:1] in ('"', "'"):
        words = [Token("word", unquoted(match["field"]), 0)]
    if len(words) != 1 or words[0].kind not in ("word", "field"):
        raise Invalid(f"Invalid order_by clause '{text[:200]}'. Could not be parsed.")
    field, _name = field_of(words[0])
    if field.family == "dataset":
        raise Invalid(f"Invalid order_by entity type '{field.family}'")
    return Order(field, (match["way"] or "").lower() == "desc", as_text=True)
