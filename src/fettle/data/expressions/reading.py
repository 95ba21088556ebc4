"""Read the text of an expression into a tree in which everything has a type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from fettle.core.errors import Invalid, NotFound, nearest
from fettle.data.expressions import rows
from fettle.data.expressions.patterns import check_on_rows, like
from fettle.data.expressions.syntax import Part, parse
from fettle.data.expressions.tokens import pointing, wrong
from fettle.data.expressions.words import (
    ANY,
    FUNCTIONS,
    GIVEN,
    MORE,
    NULL,
    NUMBERS,
    OF_ROW,
    SCHEMA,
    TIMES,
    Column,
    Constant,
    Function,
    Node,
    Op,
    meeting,
)
from fettle.data.records.versions import Type

KINDS: dict[Type, str] = {
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "string": "text",
    "date": "time",
    "datetime": "time",
}
_ARTICLES = {"number": "a number", "text": "a text", "boolean": "a condition", "time": "a date or time"}
_DECIMALS = 15


class Scope(NamedTuple):
    """What an expression may say: of a `table` as a whole too, and which patterns."""

    table: bool
    check_pattern: Callable[[str], object]


ROW = Scope(False, check_on_rows)


def tree_of(text: str, columns: Mapping[str, Type], scope: Scope = ROW) -> tuple[Node, list[str]]:
    """The tree of an expression, and the columns it looks at in order of appearance.

    Args:
        text: See the package's table.
        columns: The columns there are, with their types.
        scope: What it may say.

    Raises:
        Invalid: It is no expression, or puts together what does not fit; the place is pointed at.
        NotFound: A column or function is not known; the nearest names are offered.
    """
    reader = _Reader(text, columns, scope)
    return reader.value(parse(text)), list(reader.used)


def condition_of(text: str, columns: Mapping[str, Type], scope: Scope = ROW) -> Node:
    """The tree of an expression that is true or false; else the same."""
    return _Reader(text, columns, scope).wanted(parse(text), "boolean")


@dataclass
class _Reader:
    text: str
    columns: Mapping[str, Type]
    scope: Scope
    used: dict[str, None] = field(default_factory=dict)

    def read(self, part: Part) -> Node:
        made = _READ[part.kind](self, part)
        if isinstance(made, Op) and made.parts and all(isinstance(each, Constant) for each in made.parts):
            return self._known(made)
        return made

    def _known(self, made: Op) -> Node:
        """What needs no row is computed at once."""
        whole = made.word in FUNCTIONS and FUNCTIONS[made.word].looks != "row"
        return made if whole else Constant(rows.compiled(made)({}), made.type)

    def value(self, part: Part) -> Node:
        """What is not just `null`."""
        made = self.read(part)
        if made is NULL:
            raise self._wrong(part, "a value is expected, not null", "Whether one is missing: x is null.")
        return made

    def wanted(self, part: Part, kind: str) -> Node:
        made = self._time(part) if kind == "time" else self.value(part)
        return self._held(part, made, kind)

    def _held(self, part: Part, made: Node, kind: str) -> Node:
        if KINDS[made.type] != kind and not (kind == "number" and made.type == "boolean"):
            what = f"{_ARTICLES[kind]} is expected, not {_ARTICLES[KINDS[made.type]]}"
            raise self._wrong(part, what, self._named_by([part]))
        return made

    def _wrong(self, part: Part, what: str, hint: str = "") -> Invalid:
        return wrong(self.text, part.at, what, hint)

    def number(self, part: Part) -> Node:
        digits = part.value.replace("_", "")
        if digits.isdigit() and len(digits) < 19:
            return Constant(int(digits), "integer")
        return Constant(float(digits), "number")

    def written(self, part: Part) -> Node:
        return Constant(part.value, "string")

    def quoted(self, part: Part) -> Node:
        return self.column(part) if part.value in self.columns else self.written(part)

    def boolean(self, part: Part) -> Node:
        return Constant(part.value == "true", "boolean")

    def null(self, _part: Part) -> Node:
        return NULL

    def column(self, part: Part) -> Node:
        name = part.value
        if name not in self.columns:
            known = f"Columns: {', '.join(list(self.columns)[:12])}. Texts stand in 'single quotes'."
            raise self._unknown("column", part, self.columns, known)
        self.used[name] = None
        return Column(name, self.columns[name])

    def _unknown(self, kind: str, part: Part, names: Mapping[str, object], known: str) -> NotFound:
        close = nearest(part.value, names)
        hint = f"Did you mean {close[0]!r}?" if close else known
        return pointing(NotFound, self.text, part.at, f"there is no {kind} {part.value!r}", hint)

    def logic(self, part: Part) -> Node:
        return Op(part.kind, tuple(self.wanted(each, "boolean") for each in part.parts), "boolean")

    def compared(self, part: Part) -> Node:
        return Op(part.kind, self._alike(part, part.parts), "boolean", tuple(part.value.split()))

    def missing(self, part: Part) -> Node:
        return Op("missing", (self.value(part.parts[0]),), "boolean")

    def matched(self, part: Part) -> Node:
        value, given = part.parts
        pattern = like(given.value) if part.kind == "like" else given.value
        text = self.wanted(value, "text")
        return Op("matches", (text,), "boolean", (f"^(?:{self._pattern(given, pattern)})$",))

    def _pattern(self, part: Part, pattern: str) -> str:
        try:
            self.scope.check_pattern(pattern)
        except Invalid as error:
            raise self._wrong(
                part, "this pattern cannot be used", f"{error.found} {error.hint}".strip()
            ) from error
        return pattern

    def chosen(self, part: Part) -> Node:
        test = self.wanted(part.parts[0], "boolean")
        branches = self._alike(part, part.parts[1:], null=True)
        return Op("if", (test, *branches), _common(branches))

    def arithmetic(self, part: Part) -> Node:
        sides = tuple(self.value(each) for each in part.parts)
        if part.kind == "+" and all(each.type == "string" for each in sides):
            return Op("join", sides, "string")
        pairs = zip(part.parts, sides, strict=True)
        return Op(part.kind, tuple(self._held(each, side, "number") for each, side in pairs), "number")

    def signed(self, part: Part) -> Node:
        value = self.wanted(part.parts[0], "number")
        if isinstance(value, Constant) and isinstance(value.value, int | float):
            return Constant(-value.value if part.kind == "minus" else +value.value, _number_type(value))
        return Op("negative", (value,), "number") if part.kind == "minus" else value

    def call(self, part: Part) -> Node:
        name = part.value.lower()
        if name == "col" or name in SCHEMA:
            return self._of_schema(name, part)
        if name in OF_ROW and len(part.parts) > 1:
            name = OF_ROW[name]
        if name not in FUNCTIONS:
            known = {each: None for each in (*FUNCTIONS, *(SCHEMA if self.scope.table else ()), "col")}
            raise self._unknown("function", part, known, f"Functions: {', '.join(sorted(known))}.")
        function = FUNCTIONS[name]
        if function.looks != "row" and not self.scope.table:
            raise self._of_table_only(part)
        if name == "between":
            return self._between(part, function)
        kinds = self._kinds(part, function)
        if function.gives == "same":
            parts = self._alike(part, part.parts)
            return Op(name, parts, _common(parts))
        pairs = list(zip(part.parts, kinds, strict=True))
        given = tuple(self._given(each, kind) for each, kind in pairs if kind in GIVEN)
        values = [(each, kind) for each, kind in pairs if kind not in GIVEN]
        parts = tuple(self.value(each) if kind == ANY else self.wanted(each, kind) for each, kind in values)
        return Op(name, parts, function.gives, given)

    def _between(self, part: Part, function: Function) -> Node:
        self._kinds(part, function)
        value, low, high = part.parts
        return Op("chain", self._alike(part, (low, value, high)), "boolean", ("<=", "<="))

    def _of_table_only(self, part: Part) -> Invalid:
        return self._wrong(
            part,
            f"{part.value}() looks at other rows, and here only the row itself can be looked at",
            f"It can be said in a check. Of one row: {part.value}(x, y)."
            if part.value.lower() in OF_ROW
            else "It can be said in a check.",
        )

    def _of_schema(self, name: str, part: Part) -> Node:
        """What is known of the table before a row is read: its columns and their types."""
        kinds = ("column", "quoted") if name == "type_of" else ("text", "quoted")
        texts = [each.value for each in part.parts if each.kind in kinds]
        one = name in ("has_column", "type_of", "col")
        if len(texts) != len(part.parts) or (one and len(texts) != 1) or (name == "columns" and texts):
            raise self._wrong(
                part, SCHEMA.get(name, "col('with spaces') takes the name of one column in quotes")
            )
        if name == "col":
            return self.column(Part("column", part.parts[0].at, texts[0]))
        if not self.scope.table:
            raise self._of_table_only(part)
        if name == "columns":
            return Constant(len(self.columns), "integer")
        if name == "type_of":
            return Constant(self.column(part.parts[0]).type, "string")
        return Constant(texts[0] in self.columns if one else texts == list(self.columns), "boolean")

    def _kinds(self, part: Part, function: Function) -> list[str]:
        kinds = [each for each in function.takes if each != MORE]
        more, count = function.takes[-1:] == (MORE,), len(part.parts)
        if more and count > len(kinds):
            kinds += [kinds[-1]] * (count - len(kinds))
        if not len(kinds) - function.may <= count <= len(kinds):
            what = f"{part.value} takes {len(kinds)}{' or more' if more else ''} argument(s), not {count}"
            raise self._wrong(part, what, f"{part.value}({', '.join(function.takes)}): {function.about}.")
        return kinds[:count]

    def _given(self, part: Part, kind: str) -> float | str:
        if kind in ("pattern", "literal"):
            if not self._is_text(part):
                raise self._wrong(part, f"a {'text' if kind == 'literal' else kind} in quotes is expected")
            return self._pattern(part, part.value) if kind == "pattern" else part.value
        made = self.number(part) if part.kind == "number" else None
        if not isinstance(made, Constant) or not isinstance(made.value, int | float):
            raise self._wrong(part, "a plain number is expected")
        most = _DECIMALS if kind == "decimals" else 1
        if made.value > most or (kind == "decimals" and made.type != "integer"):
            whole = "whole " if kind == "decimals" else ""
            raise self._wrong(part, f"a {whole}number from 0 to {most} is expected")
        return made.value

    def _is_text(self, part: Part) -> bool:
        return part.kind == "text" or (part.kind == "quoted" and part.value not in self.columns)

    def _time(self, part: Part) -> Node:
        """A text that stands where a time is needed is read as one: `at > '2024-01-31'`."""
        if not self._is_text(part):
            return self.value(part)
        try:
            if len(part.value) <= len("2024-05-31"):
                return Constant(date.fromisoformat(part.value), "date")
            found = datetime.fromisoformat(part.value)
        except ValueError:
            hint = "Write it as '2024-01-31' or '2024-01-31T12:00:00'."
            raise self._wrong(part, f"{part.value!r} is no date or time", hint) from None
        return Constant(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC), "datetime")

    def _alike(self, part: Part, parts: Sequence[Part], *, null: bool = False) -> tuple[Node, ...]:
        """Parts that can be compared with each other, or stand for each other."""
        made = [self.read(each) if null else self.value(each) for each in parts]
        if any(each.type in TIMES for each in made):
            made = [
                self._time(each) if self._is_text(each) else node
                for each, node in zip(parts, made, strict=True)
            ]
        typed = [each for each in made if each is not NULL]
        if null and not typed:
            raise self._wrong(part, "a value is expected, not null")
        if not _fit(typed):
            first, *others = [KINDS[each.type] for each in typed]
            other = next(each for each in others if each != first)
            what = f"{_ARTICLES[first]} cannot be compared with {_ARTICLES[other]}"
            raise self._wrong(part, what, self._named_by(parts))
        return tuple(made)

    def _named_by(self, parts: Sequence[Part]) -> str:
        """The hint to a column that was perhaps meant as a text."""
        name = next((each.value for each in parts if each.kind == "quoted" and not self._is_text(each)), None)
        return "" if name is None else f"\"{name}\" is the column of this name; a text is '{name}'."


def _fit(parts: Sequence[Node]) -> bool:
    types = {each.type for each in parts}
    return len(types) == 1 or types <= set(NUMBERS) or types <= set(TIMES)


def _common(parts: Sequence[Node]) -> Type:
    """The type of what is one of these."""
    way = meeting(parts)
    kind: Type = next(each.type for each in parts if each is not NULL) if way == "plain" else way
    return "number" if kind == "integer" else kind


def _number_type(value: Node) -> Type:
    return "integer" if value.type == "integer" else "number"


_READ: dict[str, Callable[[_Reader, Part], Node]] = {
    "number": _Reader.number,
    "text": _Reader.written,
    "quoted": _Reader.quoted,
    "boolean": _Reader.boolean,
    "null": _Reader.null,
    "column": _Reader.column,
    "call": _Reader.call,
    "if": _Reader.chosen,
    "missing": _Reader.missing,
    "matches": _Reader.matched,
    "like": _Reader.matched,
    "minus": _Reader.signed,
    "plus": _Reader.signed,
    **dict.fromkeys(("and", "or", "not"), _Reader.logic),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "chain", "in"), _Reader.compared),
    **dict.fromkeys(("+", "-", "*", "/", "//", "%", "**"), _Reader.arithmetic),
}
