"""What is done to one value: read as a type, a text normalised, a measurement converted. Plain Python only.

Frames apply the same functions to the distinct values of a column, so that a row at the endpoint and a column offline
cannot come out differently. A value that cannot be read is `FAILED`; None is a missing value and never passed in.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

from fettle.core.errors import Invalid
from fettle.data.clean import units
from fettle.data.records.cleaning import Cast, Dates, Merge, Missing, Scalar, Text, Units
from fettle.data.records.versions import Type


class Failed:
    """The type of `FAILED`."""

    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = Failed()
Cell = Callable[[Any], Any]
"""From a value that is not missing to another, to None, or to `FAILED`."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_SPACES = re.compile(r"\s+")
_GAPS = re.compile(r"[\s']")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_TRUE = frozenset(("true", "t", "yes", "y", "1", "1.0", "on"))
_FALSE = frozenset(("false", "f", "no", "n", "0", "0.0", "off"))
LARGEST = 1 << 63


def cast(operation: Cast) -> Cell:
    """How a value is read as the operation's type."""
    if operation.to in ("number", "integer"):

        def number(value: Any) -> Any:
            text = isinstance(value, str)
            read = read_number(value, operation.decimal, operation.thousands) if text else as_number(value)
            return whole(read) if operation.to == "integer" else read

        return number
    return _READ[operation.to]


def read_number(text: str, decimal: str = ".", thousands: str = "") -> Any:
    """A text as a number, or FAILED; neither NaN nor infinity is one.

    Example:
        >>> read_number("1'234,5", ",", "'")
        1234.5
    """
    plain = text.strip().replace("−", "-")
    if thousands:
        plain = plain.replace(thousands, "")
    if decimal != ".":
        if "." in plain:
            return FAILED
        plain = plain.replace(decimal, ".")
    if not _NUMBER.fullmatch(plain):
        return FAILED
    found = float(plain)
    return found if math.isfinite(found) else FAILED


def as_number(value: Any) -> Any:
    """A boolean or number as a float; FAILED for a date."""
    return float(value) if isinstance(value, bool | int | float) else FAILED


def whole(value: Any) -> Any:
    """A float as an integer, or FAILED if it has a fraction or does not fit 64 bits."""
    if value is FAILED or not math.isfinite(value) or value != math.floor(value):
        return FAILED
    return int(value) if -LARGEST <= value < LARGEST else FAILED


def as_boolean(value: Any) -> Any:
    """True or false for its usual words and for 1 and 0, else FAILED."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else FAILED


def as_text(value: Any) -> Any:
    """A value as it is written in JSON; dates and times as ISO 8601."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else repr(value)


def as_moment(value: Any) -> Any:
    """A date, or a text in ISO 8601, as a time in UTC (which it is taken for without a zone); else FAILED."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return FAILED
    if isinstance(value, datetime):
        return _in_utc(value)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else FAILED


def as_day(value: Any) -> Any:
    """The date of what `as_moment` reads."""
    if type(value) is date:
        return value
    found = as_moment(value)
    return found if found is FAILED else found.date()


_READ: dict[Type, Cell] = {"boolean": as_boolean, "string": as_text, "datetime": as_moment, "date": as_day}


def missing(operation: Missing, kind: Type) -> Cell:
    """Which values of a type become missing.

    Raises:
        Invalid: The operation asks for nothing, or for what cannot be compared with values of the type.
    """
    wished = [*operation.values, *(each for each in (operation.below, operation.above) if each is not None)]
    compared = [_comparable(each, kind) for each in wished]
    if (
        not wished
        or FAILED in compared
        or (kind in ("string", "boolean") and len(wished) > len(operation.values))
    ):
        raise Invalid(
            f"`missing` cannot be said of a column of type {kind} in this way.",
            found=", ".join(map(repr, wished)) or "neither values, below nor above",
            hint='values = [-999], below = 0 or above = "2024-06-30"; dates and times as texts in ISO 8601.',
        )
    codes = frozenset(compared[: len(operation.values)])
    low = None if operation.below is None else _comparable(operation.below, kind)
    high = None if operation.above is None else _comparable(operation.above, kind)

    def kept(value: Any) -> Any:
        far = (low is not None and value < low) or (high is not None and value > high)
        return None if far or value in codes else value

    return kept


def _comparable(value: Any, kind: Type) -> Any:
    """A value that was written down, as values of the type are; FAILED if it cannot be one."""
    if kind in ("date", "datetime"):
        return _READ[kind](value) if isinstance(value, str) else FAILED
    return value if isinstance(value, str) == (kind == "string") and kind != "boolean" else FAILED


def dates(operation: Dates) -> Cell:
    """How a text is read as a date or time."""
    finish = as_day if operation.to == "date" else as_moment

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return finish(value)
        for form in operation.forms:
            try:
                return finish(datetime.strptime(value.strip(), form))
            except ValueError:
                continue
        return finish(value)

    return read


def text(operation: Text) -> Cell:
    """How a text is normalised; None if it says that the value is missing."""
    steps: list[Callable[[str], str]] = []
    form = operation.unicode
    if form:
        steps.append(partial(unicodedata.normalize, form))
    if operation.spaces:
        steps.append(lambda value: _SPACES.sub(" ", value))
    if operation.trim:
        steps.append(str.strip)
    if operation.case:
        cases: dict[str, Callable[[str], str]] = {
            "lower": str.lower,
            "upper": str.upper,
            "title": lambda value: _WORD.sub(lambda found: found[0].capitalize(), value),
            "fold": str.casefold,
        }
        steps.append(cases[operation.case])
    if not operation.accents:
        steps.append(_plain)
    if form and (operation.case or not operation.accents):
        steps.append(partial(unicodedata.normalize, form))
    gone = frozenset((*operation.missing, ""))

    def normalise(value: str) -> str | None:
        for step in steps:
            value = step(value)
        return None if value in gone else value

    return normalise


def _plain(value: str) -> str:
    apart = unicodedata.normalize("NFD", value)
    return "".join(each for each in apart if not unicodedata.combining(each))


def merged(operation: Merge, kept: list[str]) -> Cell:
    """How a category is merged; `kept` are the categories that stay, if not all do."""
    mapping, other = operation.mapping, operation.other
    limited = operation.rare > 0 or operation.keep > 0
    known = frozenset(kept)

    def merge(value: str) -> str:
        value = mapping.get(value, value)
        return value if not limited or value in known else other

    return merge


def converted(operation: Units) -> Callable[[Any, Any], Any]:
    """How a measurement is converted: from its value and what its row names as its unit (or None)."""
    end = units.known_unit(operation.to)
    usual = units.known_unit(operation.unit) if operation.unit else end

    def convert(value: Any, named: Any) -> Any:
        written = ""
        if isinstance(value, str):
            found = units.measured(value)
            if found is None:
                return FAILED
            digits = _GAPS.sub("", found[0])
            value = read_number(digits, operation.decimal, "," if operation.decimal == "." else "")
            written = found[1]
        else:
            value = as_number(value)
        if value is FAILED:
            return FAILED
        word = written or named
        start = units.unit_of(word) if word else usual
        if start is None:
            return FAILED
        try:
            factor, offset = units.line(start, end)
        except Invalid:
            return FAILED
        return value * factor + offset

    return convert


def conform(name: str, kind: Type, value: Any) -> Any:
    """A JSON value as a value of a column's type; whole numbers pass for numbers, NaN for missing.

    Raises:
        Invalid: It is of another type.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    given = type(value)
    if kind == "string" and given is str:
        return value
    if kind in ("number", "integer") and given in (int, float):
        if kind == "number":
            return _float(value)
        return int(value) if math.isfinite(value) and value == math.floor(value) else value
    if kind == "boolean" and (given is bool or (given in (int, float) and value in (0, 1))):
        return bool(value)
    if kind in ("date", "datetime") and given in (str, date, datetime):
        found = as_moment(value) if kind == "datetime" else as_day(value)
        if found is not FAILED:
            return found
    raise Invalid(
        f"The column {name!r} has a value of the wrong type.",
        found=f"{value!r:.60}",
        hint=f"{name!r} takes {_WORDS[kind]}, or null where it is missing.",
        subject=f"column:{name}",
    )


def plain(value: Any) -> Scalar:
    """A value as JSON has it; `conform` reads it back."""
    return value.isoformat() if isinstance(value, date) else value


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


_WORDS: dict[Type, str] = {
    "string": "a text",
    "number": "a number",
    "integer": "a number",
    "boolean": "true or false",
    "date": "a date as text, such as '2024-05-31'",
    "datetime": "a time as text, such as '2024-05-31T12:00:00Z'",
}
