"""Parse an expression: comparison binds closer than `not`, that closer than `and`, that than `or`.

    condition  := choice ['if' choice 'else' condition]
    choice     := conjunction ('or' conjunction)*
    conjunction:= negation ('and' negation)*
    negation   := 'not' negation | comparison
    comparison := sum (('=' | '==' | '!=' | '<>' | '<' | '<=' | '>' | '>=') sum)*
                | sum ['not'] 'in' '(' sum (',' sum)* [','] ')'
                | sum ['not'] 'between' sum 'and' sum
                | sum ['not'] ('matches' | 'like') text
                | sum 'is' ['not'] ('null' | 'none')
    sum        := product (('+' | '-') product)*
    product    := factor (('*' | '/' | '//' | '%') factor)*
    factor     := ('-' | '+') factor | single ['**' factor]
    single     := number | text | 'true' | 'false' | 'null' | column | name '(' [condition, …] ')' | '(' condition ')'

Texts stand in 'single' quotes. What stands in "double" quotes is the column of that name if there is one, else a text.
A list may stand in `[ ]` too; small and capital letters of a word mean the same.
"""

from __future__ import annotations

from typing import NamedTuple

from fettle.core.errors import Invalid
from fettle.core.grammar import Reader, Token
from fettle.data.expressions.tokens import EXPRESSION

DEEPEST = 60
"""Parentheses, signs and choices within each other."""
LONGEST_CHAIN = 150
"""What is computed from what is computed … : `a + b + c` is two."""
_COMPARISONS = {"=": "==", "==": "==", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_OR, _AND, _NOT, _COMPARED, _SUM, _PRODUCT = 1, 2, 3, 4, 5, 6
_BINDS = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys((*_COMPARISONS, "not", "in", "between", "matches", "like", "is"), _COMPARED),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "//", "%"), _PRODUCT),
}


class Part(NamedTuple):
    """A part of an expression, as written.

    `kind` is `number`, `text`, `quoted`, `boolean`, `null`, `column`, `call` or an operation (`and`, `==`, `in` …);
    `value` is the literal, the column or the function; `at` is where it begins in the text. `chain` is `a < b <= c`,
    its signs in `value`.
    """

    kind: str
    at: int
    value: str = ""
    parts: tuple[Part, ...] = ()
    depth: int = 0


def parse(text: str) -> Part:
    """The parts of an expression.

    Raises:
        Invalid: It is not one; the message points at the character.
    """
    return _Reader(text).whole()


def is_expression(text: str) -> bool:
    """Whether the text can be parsed."""
    try:
        parse(text)
    except Invalid:
        return False
    return True


class _Reader(Reader):
    def __init__(self, text: str) -> None:
        super().__init__(EXPRESSION, text, DEEPEST)

    def hint_at(self, token: Token) -> str:
        if token.kind != "keyword":
            return ""
        return f'{token.value!r} is a word of the language; a column of that name is "{token.value}".'

    def whole(self) -> Part:
        made = self._condition()
        if self.next.kind != "end":
            self.fail("the end, or 'and' or 'or', is expected")
        return made

    def _part(self, kind: str, at: int, *parts: Part, value: str = "") -> Part:
        depth = 1 + max((each.depth for each in parts), default=0)
        if depth > LONGEST_CHAIN:
            raise self.wrong(at, "too deeply nested: too much in a row")
        return Part(kind, at, value, parts, depth)

    def _condition(self) -> Part:
        return self.deeper(self.next.at, self._chosen)

    def _chosen(self) -> Part:
        made = self._from(_OR)
        if token := self.took("if"):
            test = self._from(_OR)
            self.need("else")
            return self._part("if", token.at, test, made, self._condition())
        return made

    def _from(self, level: int) -> Part:
        """All that binds at least as closely as `level`."""
        made = self._begun(level)
        while self._binding() >= level:
            if self._binding() == _COMPARED:
                return self._more(self._compared(made), level)
            made = self._more_of(made)
        return made

    def _more(self, made: Part, level: int) -> Part:
        """What may follow a comparison: `and`, `or`."""
        while level <= self._binding() < _NOT:
            made = self._more_of(made)
        return made

    def _binding(self) -> int:
        token = self.next
        return _BINDS.get(token.value, 0) if token.kind in ("keyword", "sign") else 0

    def _more_of(self, left: Part) -> Part:
        binding, token = self._binding(), self.take()
        right = self._from(binding + 1)
        if token.value in ("and", "or") and left.kind == token.value:
            return self._part(token.value, left.at, *left.parts, right)
        return self._part(token.value, token.at, left, right)

    def _begun(self, level: int) -> Part:
        if level <= _NOT and (token := self.took("not")):
            return self._part("not", token.at, self.deeper(token.at, lambda: self._from(_NOT)))
        return self._factor()

    def _compared(self, left: Part) -> Part:
        if self.has(*_COMPARISONS):
            return self._chained(left)
        denied = self.took("not")
        token = self.took("in", "between", "matches", "like")
        if token is not None:
            made = self._worded(left, token)
            return self._part("not", denied.at, made) if denied else made
        if denied:
            self.fail("'in', 'between', 'matches' or 'like' is expected")
        token = self.need("is")
        denied = self.took("not")
        self.need("null")
        made = self._part("missing", token.at, left)
        return self._part("not", denied.at, made) if denied else made

    def _chained(self, left: Part) -> Part:
        """`a < b`, or `0 < a <= 10`, which means both."""
        signs, sides = [], [left]
        while token := self.took(*_COMPARISONS):
            signs.append(token)
            sides.append(self._from(_SUM))
        words = [_COMPARISONS[each.value] for each in signs]
        if len(words) == 1:
            return self._part(words[0], signs[0].at, *sides)
        return self._part("chain", signs[0].at, *sides, value=" ".join(words))

    def _worded(self, left: Part, token: Token) -> Part:
        if token.value == "between":
            low = self._from(_SUM)
            self.need("and")
            return self._part("chain", token.at, low, left, self._from(_SUM), value="<= <=")
        if token.value in ("matches", "like"):
            if self.next.kind not in ("text", "quoted"):
                self.fail("a text in quotes is expected")
            given = self.take()
            return self._part(token.value, token.at, left, Part("text", given.at, given.value))
        opened = self.took("(", "[") or self.fail("a list such as ('a', 'b') is expected")
        close = ")" if opened.value == "(" else "]"
        return self._part("in", token.at, left, *self.listed(lambda: self._from(_SUM), close))

    def _factor(self) -> Part:
        if token := self.took("-", "+"):
            made = self.deeper(token.at, self._factor)
            return self._part("minus" if token.value == "-" else "plus", token.at, made)
        made = self._single()
        if token := self.took("**"):
            return self._part("**", token.at, made, self.deeper(token.at, self._factor))
        return made

    def _single(self) -> Part:
        if self.took("("):
            made = self._condition()
            self.need(")")
            return made
        token = self.next
        if token.kind in ("number", "text", "quoted"):
            return Part(token.kind, token.at, self.take().value)
        if self.has("true", "false"):
            return Part("boolean", token.at, self.take().value)
        if self.took("null"):
            return Part("null", token.at)
        if token.kind != "column" and not (self.has("matches", "between") and self._called()):
            self.fail("a column, a value or '(' is expected")
        self.take()
        if not self.took("("):
            return Part("column", token.at, token.value)
        arguments = () if self.took(")") else self.listed(self._condition, ")")
        return self._part("call", token.at, *arguments, value=token.value)

    def _called(self) -> bool:
        return self.after.kind == "sign" and self.after.value == "("
