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
from typing import NoReturn

from fettle.tracking.records.search import All, Condition, Either, Field, Not, Op, Term
from fettle.tracking.search.fields import field_of, kind_of
from fettle.tracking.search.tokens import Token, tokens, wrong
from fettle.tracking.search.values import Reader, shown

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
_WORDED: tuple[Op, ...] = ("in", "between", "like", "ilike", "contains")


def condition_of(text: str, now: datetime) -> Condition:
    """The condition that the text of a search says; an empty one is always true.

    Raises:
        Invalid: It says none; the message points at the character.
    """
    return _Parser(text, now).whole()


class _Parser:
    def __init__(self, text: str, now: datetime) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._values = Reader(text, now)
        self._at = 0
        self._depth = 0
        self._tests = 0

    def whole(self) -> Condition:
        if self._next.kind == "end":
            return All()
        made = self._condition()
        if self._next.kind != "end":
            self._fail("the end, 'and' or 'or' is expected")
        return made

    # --- words

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _has(self, *words: str) -> bool:
        return self._next.kind in ("keyword", "sign") and self._next.value in words

    def _took(self, *words: str) -> Token | None:
        return self._take() if self._has(*words) else None

    def _need(self, word: str) -> Token:
        return self._took(word) or self._fail(f"{word!r} is expected")

    def _fail(self, what: str, hint: str = "") -> NoReturn:
        token = self._next
        found = f"instead of {shown(token)}" if token.kind != "end" else "but the search ends"
        raise wrong(self._text, token.at, f"{what}, {found}", hint)

    # --- conditions

    def _condition(self) -> Condition:
        parts = self._several("or", self._conjunction)
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _conjunction(self) -> Condition:
        parts = self._several("and", self._negation)
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _several(self, word: str, part: Callable[[], Condition]) -> list[Condition]:
        parts = [part()]
        while self._took(word):
            parts.append(part())
        return parts

    def _negation(self) -> Condition:
        denied = False
        while self._took("not"):
            denied = not denied
        made = self._affirmation()
        if not denied:
            return made
        return made.part if isinstance(made, Not) else Not(made)

    def _affirmation(self) -> Condition:
        if token := self._took("("):
            made = self._deeper(token, self._condition)
            self._need(")")
            return made
        return self._test()

    def _deeper(self, token: Token, part: Callable[[], Condition]) -> Condition:
        self._depth += 1
        if self._depth > DEEPEST:
            raise wrong(self._text, token.at, f"nested deeper than {DEEPEST}")
        made = part()
        self._depth -= 1
        return made

    # --- one test

    def _test(self) -> Condition:
        token = self._next
        if token.kind not in ("word", "field"):
            hint = "Such as metrics.loss < 0.3 and params.model = 'tree'." if token.kind != "end" else ""
            self._fail("a field, 'not' or '(' is expected", hint)
        self._tests += 1
        if self._tests > MOST_TESTS:
            raise wrong(self._text, token.at, f"there are more than {MOST_TESTS} conditions")
        self._take()
        if token.value.lower() == "words" and self._next.kind == "text":
            return Term(Field("words", ""), "contains", (self._take().value,))
        field = field_of(self._text, token)
        if kind_of(field) == "flag" and not self._has("is", *SIGNS):
            return Term(field, "=", (True,))
        return self._compared(field)

    def _compared(self, field: Field) -> Term:
        if sign := self._took(*SIGNS):
            op, denied = SIGNS[sign.value]
            if kind_of(field) == "flag" and op != "=":
                raise wrong(self._text, sign.at, f"{field.key} is true or false")
            return self._values.test(field, op, [self._operand()], denied=denied)
        if self._took("is"):
            return self._null(field)
        denied = self._took("not") is not None
        op: Op | None = next((each for each in _WORDED if self._took(each)), None)
        if op is None:
            self._fail(
                "a comparison is expected", "=, !=, <, <=, >, >=, in, between, like, ilike, contains, is null"
            )
        return self._values.test(field, op, self._operands(op), denied=denied)

    def _null(self, field: Field) -> Term:
        denied = self._took("not") is not None
        self._need("null")
        return Term(field, "null", (), denied)

    def _operands(self, op: Op) -> list[Token]:
        if op == "in":
            return self._listed()
        if op == "between":
            low = self._operand()
            self._need("and")
            return [low, self._operand()]
        return [self._operand()]

    def _operand(self) -> Token:
        if self._next.kind in ("sign", "end"):
            self._fail("a value is expected")
        return self._take()

    def _listed(self) -> list[Token]:
        opened = self._took("(", "[") or self._fail("a list such as ('a', 'b') is expected")
        close = ")" if opened.value == "(" else "]"
        found = [self._operand()]
        while self._took(","):
            if self._has(close):
                break
            found.append(self._operand())
            if len(found) > MOST_LISTED:
                raise wrong(
                    self._text, found[-1].at, f"there are more than {MOST_LISTED:,} values in the list"
                )
        self._need(close)
        return found
