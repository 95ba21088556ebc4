"""The words of the language: what each function takes and gives, and the tree that reading makes of a text."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from fettle.data.records.versions import Type

NUMBERS: tuple[Type, ...] = ("number", "integer", "boolean")
TIMES: tuple[Type, ...] = ("date", "datetime")
BLANKS = " \t\n\r\x0b\x0c\x85\xa0" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u3000"
"""What `trim` takes off."""
ANY = "any"
MORE = "…"
GIVEN = ("decimals", "fraction", "pattern", "literal")
"""Kinds of arguments that stand in the text: no value of a row."""

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""What a comparison does with two values, or with two columns."""

Value = float | str | bool | date | datetime | None


class Function(NamedTuple):
    """A function.

    Attributes:
        takes: The kinds of its arguments: `number`, `text`, `boolean`, `time` (dates and times), `any`; `decimals` is a
            whole number, `fraction` a number from 0 to 1, `pattern` a regular expression and `literal` a text, all
            written as they are. A last `…` repeats the one before.
        gives: The type of its result; `same`: that of its arguments.
        about: What it gives, for the reader.
        looks: At its own `row` only; at other `rows` too, with a value for each; or at the `table`, with one value.
            The latter two can be said of a table only.
        may: How many of the last arguments may be left out.
    """

    takes: tuple[str, ...]
    gives: Type | Literal["same"]
    about: str
    looks: Literal["row", "rows", "table"] = "row"
    may: int = 0

    @property
    def whole(self) -> bool:
        """Whether it gives one value for the table."""
        return self.looks == "table"


def _number(about: str) -> Function:
    return Function(("number",), "number", about)


def _time(about: str) -> Function:
    return Function(("time",), "number", about)


def _table(about: str, takes: str = "number", gives: Type | Literal["same"] = "number") -> Function:
    return Function((takes,), gives, about, "table")


FUNCTIONS: dict[str, Function] = {
    "abs": _number("without its sign"),
    "round": Function(
        ("number", "decimals"), "number", "rounded to so many decimals, a half to the even", may=1
    ),
    "floor": _number("the whole number below"),
    "ceil": _number("the whole number above"),
    "sqrt": _number("square root"),
    "exp": _number("e to the power of x"),
    "log": _number("natural logarithm"),
    "log10": _number("logarithm to base 10"),
    "is_finite": Function(("number",), "boolean", "not infinite"),
    "is_whole": Function(("number",), "boolean", "without decimals"),
    "least": Function(("number", MORE), "number", "the smallest of several; min(x, y) says the same"),
    "greatest": Function(("number", MORE), "number", "the greatest of several; max(x, y) says the same"),
    "number": Function(("text",), "number", "a text as a number; missing if it is none"),
    "len": Function(("text",), "number", "characters"),
    "lower": Function(("text",), "string", "in small letters"),
    "upper": Function(("text",), "string", "in capitals"),
    "trim": Function(("text",), "string", "without blanks around"),
    "contains": Function(("text", "text"), "boolean", "whether y occurs in it"),
    "starts": Function(("text", "text"), "boolean", "whether it begins with y"),
    "ends": Function(("text", "text"), "boolean", "whether it ends with y"),
    "matches": Function(("text", "pattern"), "boolean", "whether the pattern y occurs in it"),
    "replace": Function(("text", "literal", "literal"), "string", "every y replaced by z"),
    "date": Function(("text",), "date", "a text YYYY-MM-DD as a date; missing if it is none"),
    "year": _time("the year"),
    "month": _time("1 to 12"),
    "day": _time("1 to 31"),
    "weekday": _time("Monday is 1"),
    "hour": _time("0 to 23"),
    "minute": _time("0 to 59"),
    "days": Function(("time", "time"), "number", "days from b to a"),
    "hours": Function(("time", "time"), "number", "hours from b to a"),
    "between": Function((ANY, ANY, ANY), "boolean", "whether a <= x <= b"),
    "missing": Function((ANY,), "boolean", "whether there is no value"),
    "coalesce": Function((ANY, ANY, MORE), "same", "the first that is not missing"),
    "previous": Function((ANY,), "same", "the value in the row above", "rows"),
    "unique": Function((ANY, MORE), "boolean", "whether the values together occur once", "rows"),
    "rows": Function((), "number", "how many rows there are", "table"),
    "count": _table("values that are not missing", ANY),
    "missing_count": _table("values that are missing", ANY),
    "distinct": _table("different values", ANY),
    "sum": _table("their sum"),
    "mean": _table("their mean"),
    "median": _table("the value in the middle"),
    "std": _table("standard deviation (n - 1)"),
    "min": _table("the smallest", ANY, "same"),
    "max": _table("the greatest", ANY, "same"),
    "share": _table("the share of rows where a condition holds", "boolean"),
    "quantile": Function(("number", "fraction"), "number", "a quantile", "table"),
    "correlation": Function(("number", "number"), "number", "Pearson's correlation", "table"),
}
"""Name → what it is."""

OF_ROW = {"min": "least", "max": "greatest"}
"""What a function of a whole column means with several arguments."""

SCHEMA = {
    "columns": "columns() takes nothing: it says how many there are",
    "has_column": "has_column('name') takes one text in quotes",
    "columns_are": "columns_are('a', 'b') takes all names, in order, in quotes",
    "type_of": "type_of(column) takes one column",
}
"""What is known of a table before a row is read."""


@dataclass(frozen=True)
class Constant:
    """A number, text, truth value, date or time that stands in the expression; None for a missing one."""

    value: Value
    type: Type


@dataclass(frozen=True)
class Column:
    """A column of the row."""

    name: str
    type: Type


@dataclass(frozen=True)
class Op:
    """Something computed: `word` is an operator (`+`, `and`, `==`, `in`, `if`, …) or the name of a function.

    Whole numbers are numbers once something is computed of them.
    """

    word: str
    parts: tuple[Node, ...]
    type: Type
    given: tuple[float | str, ...] = ()
    """What is no value of the row: the signs of `chain`, the pattern of `matches`, the decimals of `round`."""


Node = Constant | Column | Op


NULL = Constant(None, "boolean")
"""`null`: without a type of its own."""


def meeting(parts: Sequence[Node]) -> Literal["number", "datetime", "plain"]:
    """As what values meet: compared with each other, or one taken instead of another.

    Whole numbers meet whole numbers, and dates dates, as they are: nothing is converted, and all digits count.
    """
    types = {each.type for each in parts if each is not NULL}
    if len(types) < 2:
        return "plain"
    return "datetime" if types <= set(TIMES) else "number"


def is_whole(node: Node) -> bool:
    """Whether it is one value for the table."""
    if isinstance(node, Op):
        function = FUNCTIONS.get(node.word)
        if function is not None and function.looks != "row":
            return function.whole
        return all(is_whole(each) for each in node.parts)
    return isinstance(node, Constant)
