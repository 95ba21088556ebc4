"""Write results: tables for people, one JSON document for programs, always on stdout; words for people on stderr."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from fettle.core.units import size_text

_REFERENCE = re.compile(r"(?<![0-9a-z])([0-9a-f]{12})[0-9a-f]{52}(?![0-9a-z])")
"""A digest, alone or behind a name as in `churn@…`: its first twelve characters are enough to type."""

PIPE_WIDTH = 200
MOST_TEXT, LONG_TEXT, LONG_LIST, SHORT_LIST = 120, 60, 40, 24
MOST_ITEMS = 4


def emit(value: Any, *, as_json: bool, empty: str = "Nothing yet.") -> None:
    """Print a result of any type.

    Args:
        value: A record, a list of records, a mapping, text or a number; None means that there is nothing to show.
        as_json: Print exactly one JSON document, with the same fields as the HTTP surface.
        empty: What a person is told instead of an empty list; it goes to stderr, for it is not data.
    """
    if as_json:
        print(msgspec.json.encode(value).decode())
    elif value is None:
        say("Done.")
    elif isinstance(value, str):
        print(value)
    elif _is_records(value):
        _print_records(value) if value else say(empty)
    elif hasattr(value, "as_table"):
        rows = value.as_table()
        print_table(rows, exact=True) if rows else say(empty)
    elif hasattr(value, "to_dicts"):  # a frame: its columns are called what they are called
        rows = value.to_dicts()
        print_table(rows, exact=True) if rows else say("No rows.")
    elif isinstance(value, list | tuple):
        print("\n".join(cell(each) for each in value)) if value else say(empty)
    elif isinstance(value, msgspec.Struct | Mapping):
        fields = _fields(value)
        _print_record(fields) if not all(_blank(each) for each in fields.values()) else say(empty)
    else:
        print(cell(value))


def emit_report(report: Any, *, as_json: bool, empty: str = "Nothing yet.") -> None:
    """Print a report that knows its own words: `as_dict()` for programs, `lines()` for people."""
    if as_json:
        as_dict = getattr(report, "as_dict", None) or getattr(report, "to_dicts", None)
        emit(as_dict() if as_dict else report, as_json=True)
    elif hasattr(report, "lines"):
        print("\n".join(report.lines()))
    else:
        emit(report, as_json=False, empty=empty)


def say(text: str) -> None:
    """Tell a person something that is not data."""
    print(text, file=sys.stderr)


def next_step(command: str) -> None:
    """End with the command to type next, when a person is watching."""
    if sys.stderr.isatty():
        say(f"next: {command}")


def _print_records(records: Sequence[Any]) -> None:
    """Records that have words of their own in these, others as a table of what is most important or of all."""
    if all(hasattr(each, "lines") for each in records):
        print("\n".join(line for each in records for line in each.lines()))
    else:
        print_table([_brief(each) for each in records])


def print_table(rows: Sequence[Mapping[str, Any]], *, title: str = "", exact: bool = False) -> None:
    """Print rows as a table that fits the terminal.

    Columns that are empty in every row are left out. Where the rest is too wide, what holds lists goes first; which
    columns those were is said on stderr, and `--json` has everything.
    """
    columns = [_Column(name, [row.get(name) for row in rows], exact) for name in rows[0]]
    columns = [each for each in columns if not all(_blank(value) for value in each.values)]
    shown = _fitting(columns, _width())
    if title:
        print(f"\n{title}")
    print("  ".join(each.line(each.title) for each in shown).rstrip())
    print("  ".join("─" * each.width for each in shown))
    for row in range(len(rows)):
        print("  ".join(each.line(each.texts[row]) for each in shown).rstrip())
    if len(shown) < len(columns):
        say(f"(not shown: {', '.join(each.title for each in columns if each not in shown)}; --json has all)")


class _Column:
    """One column: its values as text, and how wide they are on a terminal."""

    def __init__(self, name: str, values: list[Any], exact: bool) -> None:
        self.title = name if exact else name.replace("_", " ")
        self.values = values
        self.holds_lists = any(isinstance(each, list | tuple | Mapping | msgspec.Struct) for each in values)
        self.right = all(_is_number(each) or each is None for each in values)
        self.texts = [" ".join(cell(each, name).split()) for each in values]
        self.width = 0
        self.cut(MOST_TEXT)

    def cut(self, most: int) -> None:
        """Let no value be longer than `most` signs."""
        self.texts = [each if len(each) <= most else each[: most - 1] + "…" for each in self.texts]
        self.width = max(_cells(text) for text in (self.title, *self.texts))

    def line(self, text: str) -> str:
        """The text, filled up with blanks to the column's width."""
        blanks = " " * (self.width - _cells(text))
        return blanks + text if self.right else text + blanks


def _fitting(columns: list[_Column], width: int) -> list[_Column]:
    """The columns that fit: long texts are cut first, then what holds lists goes, then the last ones."""
    shown = list(columns)
    for most, lists in ((LONG_TEXT, LONG_LIST), (LONG_LIST, SHORT_LIST)):
        for each in shown:
            if not _fits(shown, width):
                each.cut(lists if each.holds_lists else max(most, len(each.title)))
    while len(shown) > 1 and not _fits(shown, width):
        holders = [each for each in shown if each.holds_lists]
        shown.remove(max(holders, key=lambda each: each.width) if holders else shown[-1])
    return shown


def _fits(columns: list[_Column], width: int) -> bool:
    return sum(each.width + 2 for each in columns) - 2 <= width


def _width() -> int:
    """The terminal's width; wide where nobody looks at a terminal's edge."""
    return (
        shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    )


def _cells(text: str) -> int:
    """How many places the text takes: two for a wide sign, none for a combining one."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.combining(each) > 0 for each in text)


def cell(value: Any, name: str = "") -> str:
    """One value in as few characters as a person needs."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() if name.endswith("_bytes"):
            return size_text(value)
        case float():
            return _number(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case str():
            return _REFERENCE.sub(r"\1", value)
        case list() | tuple():
            return _several([cell(each) for each in value])
        case Mapping():
            return _several([f"{key}={cell(each)}" for key, each in value.items()])
        case msgspec.Struct():
            return next((cell(each) for each in _fields(value).values() if not _blank(each)), "")
        case _:
            return str(value)


def _number(value: float) -> str:
    """Four digits, or two decimals where that is more: no digit before the point is lost."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if 100 <= abs(value) < 1e15 else f"{value:.4g}"


def _several(texts: list[str]) -> str:
    more = len(texts) - MOST_ITEMS
    return ", ".join(texts[:MOST_ITEMS]) + (f", … {more} more" if more > 0 else "")


def _print_record(fields: Mapping[str, Any]) -> None:
    """Names and values, one a line; lists of records follow as tables of their own."""
    tables = {name: value for name, value in fields.items() if _is_records(value) and value}
    plain = {name: value for name, value in fields.items() if name not in tables and not _blank(value)}
    width = max((len(name) for name in plain), default=0)
    for name, value in plain.items():
        print(f"{name.replace('_', ' '):<{width}}  {cell(value, name)}")
    for name, records in tables.items():
        print_table([_brief(each) for each in records], title=name.replace("_", " "))


def _brief(record: Any) -> dict[str, Any]:
    """What a table shows of a record: its own choice, or all."""
    return record.brief() if hasattr(record, "brief") else _fields(record)


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    return {str(key): each for key, each in value.items()}


def _is_records(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(each, msgspec.Struct | Mapping) for each in value
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, Iterable) and not isinstance(value, bytes) and not value)
