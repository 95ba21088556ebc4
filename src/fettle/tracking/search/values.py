"""What a field is compared with: numbers as numbers, texts as texts, times as times."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from fettle.core.errors import nearest
from fettle.tracking.records.search import Field, Op, Term, Value
from fettle.tracking.search.fields import STATUSES, Kind, kind_of
from fettle.tracking.search.times import Span, at_milliseconds, span_of
from fettle.tracking.search.tokens import Token, wrong

_ARTICLES = {
    "text": "a text in quotes",
    "number": "a number",
    "time": "a time",
    "status": "a status in quotes",
}
_TEXTUAL = ("like", "ilike", "contains")
LONGEST_PATTERN = 1000


class Values:
    """Turns the words behind a field into values.

    Args:
        text: The whole search, to point at mistakes.
        now: What `7 days ago` is counted from.
    """

    def __init__(self, text: str, now: datetime) -> None:
        self._text = text
        self._now = now

    def test(self, field: Field, op: Op, given: list[Token], *, denied: bool = False) -> Term:
        """The condition that compares a field with what was given.

        Raises:
            Invalid: The field cannot be compared with that; the message points at it.
        """
        kind = kind_of(field)
        if kind == "flag":
            return Term(field, "=", (self._flag(given[0]),), denied)
        if op in _TEXTUAL:
            return Term(field, op, (self._pattern(field, kind, given[0]),), denied)
        if kind == "time":
            return self._timed(field, op, given, denied)
        values = tuple(self._value(kind, each) for each in given)
        if op != "=" and any(isinstance(each, float) and math.isnan(each) for each in values):
            raise wrong(
                self._text, given[0].at, "nothing is greater or less than nan", "Use = nan or != nan."
            )
        if op == "between" and isinstance(values[0], str) != isinstance(values[1], str):
            raise wrong(self._text, given[1].at, "the two ends are a number and a text")
        return Term(field, op, values, denied)

    def _value(self, kind: Kind, token: Token) -> Value:
        if kind == "status":
            return self._status(token)
        if token.kind == "number" and kind in ("number", "any"):
            return number_of(token.value)
        if token.kind == "text" and kind in ("text", "any"):
            return token.value
        if token.kind == "keyword" and token.value in ("true", "false") and kind == "any":
            return token.value == "true"
        wanted = "a number or a text in quotes" if kind == "any" else _ARTICLES[kind]
        hint = f"Texts stand in quotes: '{token.value}'." if token.kind in ("word", "number", "field") else ""
        raise wrong(self._text, token.at, f"{wanted} is expected, not {shown(token)}", hint)

    def _flag(self, token: Token) -> bool:
        if token.kind == "keyword" and token.value in ("true", "false"):
            return token.value == "true"
        raise wrong(self._text, token.at, "true or false is expected")

    def _status(self, token: Token) -> str:
        status = token.value.lower()
        if token.kind == "text" and status in STATUSES:
            return status
        close = nearest(status, STATUSES)
        hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else f"One of {', '.join(STATUSES)}."
        raise wrong(self._text, token.at, f"there is no status {token.value[:60]!r}", hint)

    def _pattern(self, field: Field, kind: Kind, token: Token) -> str:
        if kind in ("number", "time"):
            raise wrong(
                self._text, token.at, f"{field.key} is {_ARTICLES[kind]} and has no letters to compare"
            )
        if token.kind != "text":
            raise wrong(self._text, token.at, f"a text in quotes is expected, not {shown(token)}")
        if len(token.value) > LONGEST_PATTERN:
            raise wrong(self._text, token.at, f"this text is longer than {LONGEST_PATTERN:,} characters")
        return token.value.lower() if kind == "status" else token.value

    # --- times: a date is the whole day

    def _timed(self, field: Field, op: Op, given: list[Token], denied: bool) -> Term:
        spans = [self._span(each) for each in given]
        if op == "in":
            raise wrong(self._text, given[0].at, "a time cannot be one of a list", "Use between … and …")
        first = spans[0]
        if op == "between":
            return _within(field, first.first, spans[1], denied)
        if op == "=" and first.end > first.first:
            return _within(field, first.first, first, denied)
        if op == "<=" and first.end > first.first:
            return Term(field, "<", (first.end,), denied)
        if op == ">" and first.end > first.first:
            return Term(field, ">=", (first.end,), denied)
        return Term(field, op, (first.first,), denied)

    def _span(self, token: Token) -> Span:
        found = None
        if token.kind == "text":
            found = span_of(token.value, self._now)
        elif token.kind == "number":
            found = at_milliseconds(number_of(token.value))
        if found is None:
            hint = 'Such as "2026-01-31", "2026-01-31T12:00+01:00" or "7 days ago".'
            raise wrong(self._text, token.at, f"a time is expected, not {shown(token)}", hint)
        return found


def _within(field: Field, first: datetime, last: Span, denied: bool) -> Term:
    """From `first` to the end of `last`; `between` includes its upper end, so a day's end is a microsecond before."""
    end = last.end - timedelta(microseconds=1) if last.end > last.first else last.first
    return Term(field, "between", (first, end), denied)


def number_of(text: str) -> float | int:
    """The number a word says."""
    plain = text.replace("_", "")
    digits = plain.lstrip("+-")
    if digits.isdigit() and len(digits) <= 15:
        return int(plain)
    return float(plain)


def shown(token: Token) -> str:
    return "the end" if token.kind == "end" else repr(token.value[:60])
