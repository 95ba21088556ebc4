"""Read a search among models or versions, in the style of searches among runs.

    name like 'fraud%' and (tags.team = 'risk' or alias = 'champion') and not version < 3 and run_id is not null

Words, quotes and the caret under a mistake are those of `tracking.search`.
"""

from __future__ import annotations

from typing import Any, NoReturn, cast

from fettle.registry.records.search import Condition, Group, Op
from fettle.tracking.search.tokens import Token, tokens, wrong

DEEPEST = 60
MOST_TESTS = 100
HINT = "For example: name like 'fraud%' and tags.team = 'risk' and alias = 'champion'"

_SIGNS: dict[str, Op] = {
    "=": "=",
    "==": "=",
    "!=": "!=",
    "<>": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}


def parse(text: str) -> Condition | Group:
    """What the text of a search asks for; an empty one asks for nothing.

    Raises:
        Invalid: It says nothing that can be asked; the message points at the character.
    """
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = self._depth = self._tests = 0

    def whole(self) -> Condition | Group:
        if self._next.kind == "end":
            return Group("and", [])
        made = self._either()
        return made if self._next.kind == "end" else self._fail("the end, 'and' or 'or' is expected")

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _took(self, word: str) -> bool:
        found = self._next.kind in ("keyword", "sign") and self._next.value == word
        self._at += found
        return found

    def _need(self, word: str) -> None:
        if not self._took(word):
            self._fail(f"{word!r} is expected")

    def _fail(self, what: str) -> NoReturn:
        raise wrong(self._text, self._next.at, what, HINT)

    def _either(self) -> Condition | Group:
        parts = [self._both()]
        while self._took("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Group("or", parts)

    def _both(self) -> Condition | Group:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Group("and", parts)

    def _one(self) -> Condition | Group:
        self._depth += 1
        if self._depth > DEEPEST:
            self._fail("this is nested too deeply")
        if self._took("not"):
            made: Condition | Group = Group("not", [self._one()])
        elif self._took("("):
            made = self._either()
            self._need(")")
        else:
            made = self._test()
        self._depth -= 1
        return made

    def _test(self) -> Condition:
        self._tests += 1
        if self._tests > MOST_TESTS:
            self._fail(f"these are more than {MOST_TESTS} conditions")
        if self._next.kind not in ("word", "field"):
            self._fail("a field is expected")
        field = _field(self._take().value)
        if self._next.value in _SIGNS and self._next.kind == "sign":
            return Condition(field, _SIGNS[self._take().value], self._value())
        if self._took("is"):
            op: Op = "is not null" if self._took("not") else "is null"
            self._need("null")
            return Condition(field, op)
        denied = self._took("not")
        if self._took("in"):
            return Condition(field, "not in" if denied else "in", self._values())
        for word in ("like", "ilike"):
            if not denied and self._took(word):
                return Condition(field, cast(Op, word), str(self._value()))
        self._fail("a comparison is expected")

    def _values(self) -> list[str]:
        self._need("(")
        found = [str(self._value())]
        while self._took(","):
            found.append(str(self._value()))
        self._need(")")
        return found

    def _value(self) -> Any:
        token = self._next
        if token.kind not in ("text", "number"):
            self._fail("a value is expected, texts in quotes")
        self._take()
        return token.value


def _field(written: str) -> str:
    head, dot, key = written.partition(".")
    plain = key[1:-1] if len(key) > 1 and key[0] in "'\"`" and key[-1] == key[0] else key
    return f"{head}{dot}{plain}"
