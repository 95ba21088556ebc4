"""Records of separated values: taken apart, and what to do with those of another width than the header."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from fettle.core.errors import Invalid

OnRagged = Literal["error", "skip", "pad"]
"""What to do with a row that has another number of fields: refuse the file, leave the row out, or fill it up."""

MOST_LINES = 100
"""So many lines are named; the count is always that of all."""

_LONGEST_FIELD = 1 << 30


class Uneven(NamedTuple):
    """The rows with another number of fields than the header: how many, and the first with their lines."""

    rows: int
    widest: int
    lines: list[int]
    first: list[str]


class Evened(NamedTuple):
    """A text whose rows have as many fields as the header; `lines` tells where each began."""

    data: bytes
    lines: array[int]


def records(stream: Iterable[str], separator: str, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not a blank line, with the number of the line it begins in."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(stream, delimiter=separator, strict=strict)
    begins = 1
    for fields in reader:
        if fields:
            yield begins, fields
        begins = reader.line_num + 1


def open_text(data: Path | bytes) -> io.TextIOWrapper:
    """A text in UTF-8, line ends as they are."""
    raw = io.BytesIO(data) if isinstance(data, bytes) else data.open("rb")
    return io.TextIOWrapper(raw, "utf-8-sig", newline="")


def uneven(data: Path | bytes, name: str, separator: str, width: int) -> Uneven:
    """Look for rows of another width.

    Raises:
        Invalid: A quote stays open, so that the rows cannot be told from each other.
    """
    count, widest, line = 0, width, 0
    lines: list[int] = []
    first: list[str] = []
    with open_text(data) as stream:
        try:
            for line, fields in records(stream, separator):
                if len(fields) == width:
                    continue
                count += 1
                widest = max(widest, len(fields))
                first = first or fields
                if len(lines) < MOST_LINES:
                    lines.append(line)
        except csv.Error as error:
            raise torn(name, line, error) from error
    return Uneven(count, widest, lines, first)


def evened(data: Path | bytes, separator: str, width: int, how: OnRagged) -> Evened:
    """Leave out the rows of another width, or fill the shorter ones up to `width` fields; the header is filled too."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=separator, lineterminator="\n")
    lines = array("q")
    with open_text(data) as stream:
        for number, (line, fields) in enumerate(records(stream, separator)):
            if len(fields) < width and (how == "pad" or number == 0):
                fields += [""] * (width - len(fields))
            if len(fields) != width:
                continue
            writer.writerow(fields)
            if number and any(fields):
                lines.append(line)
    return Evened(target.getvalue().encode(), lines)


def line_of(data: Path | bytes, separator: str, row: int) -> int:
    """The line in which a row (counted without the header and blank rows) begins."""
    with open_text(data) as stream:
        each = records(stream, separator)
        next(each)
        filled = (line for line, fields in each if any(fields))
        return next(line for index, line in enumerate(filled) if index == row)


def torn(name: str, line: int, error: csv.Error) -> Invalid:
    """The error for a text that cannot be taken apart into records."""
    return Invalid(
        f"{name} has a row that cannot be taken apart, after line {line}.",
        found=str(error).partition(" - ")[0],
        hint="Close every quoted value with a double quote, write a quote inside as two, and end lines alike.",
    )


def ragged(name: str, separator: str, width: int, found: Uneven) -> Invalid:
    """The error for a text with rows of another width, all of them named up to `MOST_LINES`."""
    more = f"; {found.rows:,} such lines in all: {listed(found)}" if found.rows > 1 else ""
    return Invalid(
        f"{name} is ragged: line {found.lines[0]} has {len(found.first)} field(s) where the header has {width}.",
        found=f"line {found.lines[0]}: {_shown(separator.join(found.first))}{more}",
        hint="Correct them, with a value that holds the separator in double quotes; or say what to do: "
        "fettle data ingest … --ragged skip leaves them out, --ragged pad fills them up.",
    )


def listed(found: Uneven) -> str:
    """The numbers of the lines, as many as are named."""
    more = f", … {found.rows - len(found.lines):,} more" if found.rows > len(found.lines) else ""
    return ", ".join(map(str, found.lines)) + more


def _shown(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
