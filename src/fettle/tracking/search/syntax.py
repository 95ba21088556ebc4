"""Parse a search: `not` binds closer than `and`, that closer than `or`.

    search     := [condition]
    condition  := conjunction ('or' conjunction)*
    conjunction:= negation ('and' negation)*
    negation   := 'not' negation | '(' condition ')' | test
    test       := field ('=' | '==' | '!=' | '<>' | '<' | '<=' | '>' | '>=') value
                | field ['not'] 'in' '(' value (',' value)* ')'
                | field ['not'] 'between' value 'and' value
                | field ['not'] ('like' | 'ilike' | 'contains') text
                | field 'is' ['not'] 'null'
                | 'archived' | 'deleted'
                | 'words' text
    field      := attribute | 'dataset' | group '.' key ['.' statistic]
    group      := 'metrics' | 'params' | 'tags' | 'attributes' | 'datasets'
    statistic  := 'last' | 'min' | 'max' | 'mean' | 'count' | 'step'
    value      := text | number | 'true' | 'false'

Texts and keys with unusual characters stand in 'single' or "double" quotes, keys also in `backticks`; words of the
language may be written in capitals.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fettle.core.errors import nearest
from fettle.core.grammar import Reader, Token
from fettle.tracking.records.search import All, Condition, Either, Field, Not, Op, Term
from fettle.tracking.search.fields import field_of, kind_of
from fettle.tracking.search.tokens import SEARCH
from fettle.tracking.search.values import Values

DEEPEST = 12
"""Parentheses within each other; SQLite's parser holds no more than 100 things at a time."""
MOST_TESTS = 100
"""Conditions in one search."""
MOST_LISTED = 5000
"""Values of one `in`."""
SIGNS: dict[str, tuple[Op, bool]] = {
    "=": ("=", False),
    "==": ("=", False),
    "!=": ("=", True),
    "<>": ("=", True),
    "<": ("<", False),
    "<=": ("<=", False),
    ">": (">", False),
    ">=": (">=", False),
}
_APART = {"order": "order_by=['-metrics.loss']", "sort": "order_by=['-metrics.loss']", "limit": "limit=10"}
_WORDED: tuple[Op, ...] = ("in", "between", "like", "ilike", "contains")


def condition_of(text: str, now: datetime) -> Condition:
    """The condition that the text of a search says; an empty one is always true.

    Raises:
        Invalid: It says none; the message points at the character.
    """
    return _Parser(text, now).whole()


class _Parser(Reader):
    def __init__(self, text: str, now: datetime) -> None:
        super().__init__(SEARCH, text, DEEPEST)
        self._values = Values(text, now)
        self._tests = 0

    def whole(self) -> Condition:
        if self.next.kind == "end":
            return All()
        made = self._condition()
        if self.next.kind != "end":
            self.fail("the end, 'and' or 'or' is expected")
        return made

    def hint_at(self, token: Token) -> str:
        word = token.value.lower()
        if token.kind == "word" and word in _APART:
            return f"What runs are sorted by and how many are shown is said apart: {_APART[word]}."
        close = nearest(word, ("and", "or", "not", *_WORDED), most=1) if token.kind == "word" else []
        return f"Did you mean {close[0]!r}?" if close else ""

    # --- conditions

    def _condition(self) -> Condition:
        parts = self._several("or", self._conjunction)
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _conjunction(self) -> Condition:
        parts = self._several("and", self._negation)
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _several(self, word: str, part: Callable[[], Condition]) -> list[Condition]:
        parts = [part()]
        while self.took(word):
            parts.append(part())
        return parts

    def _negation(self) -> Condition:
        denied = False
        while self.took("not"):
            denied = not denied
        made = self._affirmation()
        if not denied:
            return made
        return made.part if isinstance(made, Not) else Not(made)

    def _affirmation(self) -> Condition:
        if token := self.took("("):
            made = self.deeper(token.at, self._condition)
            self.need(")")
            return made
        return self._test()

    # --- one test

    def _test(self) -> Condition:
        token = self.next
        if token.kind not in ("word", "field"):
            hint = "Such as metrics.loss < 0.3 and params.model = 'tree'." if token.kind != "end" else ""
            self.fail("a field, 'not' or '(' is expected", hint)
        self._tests += 1
        if self._tests > MOST_TESTS:
            raise self.wrong(token.at, f"there are more than {MOST_TESTS} conditions")
        self.take()
        if token.value.lower() == "words" and self.next.kind == "text":
            return Term(Field("words", ""), "contains", (self.take().value,))
        field = field_of(self.text, token)
        if kind_of(field) == "flag" and not self.has("is", *SIGNS):
            return Term(field, "=", (True,))
        return self._compared(field)

    def _compared(self, field: Field) -> Term:
        if sign := self.took(*SIGNS):
            op, denied = SIGNS[sign.value]
            if kind_of(field) == "flag" and op != "=":
                raise self.wrong(sign.at, f"{field.key} is true or false")
            return self._values.test(field, op, [self._operand()], denied=denied)
        if self.took("is"):
            return self._null(field)
        denied = self.took("not") is not None
        op: Op | None = next((each for each in _WORDED if self.took(each)), None)
        if op is None:
            self.fail(
                "a comparison is expected", "=, !=, <, <=, >, >=, in, between, like, ilike, contains, is null"
            )
        return self._values.test(field, op, self._operands(op), denied=denied)

    def _null(self, field: Field) -> Term:
        denied = self.took("not") is not None
        self.need("null")
        return Term(field, "null", (), denied)

    def _operands(self, op: Op) -> list[Token]:
        if op == "in":
            return self._listed()
        if op == "between":
            low = self._operand()
            self.need("and")
            return [low, self._operand()]
        return [self._operand()]

    def _operand(self) -> Token:
        if self.next.kind in ("sign", "end"):
            self.fail("a value is expected")
        return self.take()

    def _listed(self) -> list[Token]:
        opened = self.took("(", "[") or self.fail("a list such as ('a', 'b') is expected")
        found = self.listed(self._operand, ")" if opened.value == "(" else "]")
        if len(found) > MOST_LISTED:
            raise self.wrong(found[MOST_LISTED].at, f"there are more than {MOST_LISTED:,} values in the list")
        return found
