"""Read a search among models or versions, in the style of searches among runs.

    name like 'fraud%' and (tags.team = 'risk' or alias = 'champion') and not version < 3 and run_id is not null

Words and quotes are those of `tracking.search`.
"""

from __future__ import annotations

from typing import Any, cast

from fettle.core.grammar import Reader, Token
from fettle.registry.records.search import Condition, Group, Op
from fettle.tracking.search.tokens import SEARCH

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


class _Parser(Reader):
    def __init__(self, text: str) -> None:
        super().__init__(SEARCH, text, DEEPEST)
        self._tests = 0

    def hint_at(self, token: Token) -> str:
        return HINT

    def whole(self) -> Condition | Group:
        if self.next.kind == "end":
            return Group("and", [])
        made = self._either()
        return made if self.next.kind == "end" else self.fail("the end, 'and' or 'or' is expected")

    def _either(self) -> Condition | Group:
        parts = [self._both()]
        while self.took("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Group("or", parts)

    def _both(self) -> Condition | Group:
        parts = [self._one()]
        while self.took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Group("and", parts)

    def _one(self) -> Condition | Group:
        return self.deeper(self.next.at, self._alone)

    def _alone(self) -> Condition | Group:
        if self.took("not"):
            return Group("not", [self._one()])
        if self.took("("):
            made = self._either()
            self.need(")")
            return made
        return self._test()

    def _test(self) -> Condition:
        self._tests += 1
        if self._tests > MOST_TESTS:
            raise self.wrong(self.next.at, f"these are more than {MOST_TESTS} conditions", HINT)
        if self.next.kind not in ("word", "field"):
            self.fail("a field is expected")
        field = _field(self.take().value)
        if self.next.value in _SIGNS and self.next.kind == "sign":
            return Condition(field, _SIGNS[self.take().value], self._value())
        if self.took("is"):
            op: Op = "is not null" if self.took("not") else "is null"
            self.need("null")
            return Condition(field, op)
        denied = self.took("not")
        if self.took("in"):
            return Condition(field, "not in" if denied else "in", self._values())
        for word in ("like", "ilike"):
            if not denied and self.took(word):
                return Condition(field, cast(Op, word), str(self._value()))
        self.fail("a comparison is expected")

    def _values(self) -> list[str]:
        self.need("(")
        found = [str(self._value())]
        while self.took(","):
            found.append(str(self._value()))
        self.need(")")
        return found

    def _value(self) -> Any:
        token = self.next
        if token.kind not in ("text", "number"):
            self.fail("a value is expected, texts in quotes")
        self.take()
        return token.value


def _field(written: str) -> str:
    head, dot, key = written.partition(".")
    plain = key[1:-1] if len(key) > 1 and key[0] in "'\"`" and key[-1] == key[0] else key
    return f"{head}{dot}{plain}"
