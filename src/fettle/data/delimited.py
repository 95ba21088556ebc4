"""Read CSV and its kin: any of four separators, and an error that names the line.

Every value is read as text first and each column is then recognised as a whole, so that no type is guessed
from the first rows and a stray word in row 40,000 is an error with its line, not a silent change of type.
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from codecs import BOM_UTF8, getincrementaldecoder
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from fettle.core.errors import Invalid
from fettle.data.headers import check_header, column_names
from fettle.data.ragged import OnRagged, Uneven, evened, line_of, listed, ragged, records, torn, uneven
from fettle.data.recognise import OnMixed, recognise_table

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
HEAD_BYTES = 1 << 18


class Texts(NamedTuple):
    """A table of texts, before its columns are given types.

    Attributes:
        frame: Strings, null where missing.
        notes: What had to be changed.
        line_of: From a row's index to the line in which it begins.
        decimal_comma: Whether a lone `1,234` is 1.234 (True) or 1234 (None).
        rejected: Rows that were left out.
    """

    frame: pl.DataFrame
    notes: list[str]
    line_of: Callable[[int], int]
    decimal_comma: bool | None
    rejected: int = 0


def read(
    data: Path | bytes,
    name: str,
    *,
    mixed: OnMixed = "error",
    on_ragged: OnRagged = "error",
    separator: str | None = None,
) -> tuple[pl.DataFrame, list[str]]:
    """Read a table of separated values.

    Args:
        data: A file, or its bytes, in UTF-8.
        name: What to call it in errors.
        mixed: What to do with a few texts in a column of numbers or dates.
        on_ragged: What to do with rows of another width than the header's.
        separator: What divides the values; None: find out.

    Returns:
        The table, typed, and notes on what had to be changed.

    Raises:
        Invalid: The file is ragged, has no header or no rows, or a column is mixed.
    """
    texts = read_texts(data, name, on_ragged=on_ragged, separator=separator)
    typed, changed = recognise_table(
        texts.frame,
        name,
        lambda row: f"line {texts.line_of(row)}",
        mixed=mixed,
        decimal_comma=texts.decimal_comma,
        file=str(data) if isinstance(data, Path) else "",
    )
    return typed, texts.notes + changed


def read_texts(
    data: Path | bytes, name: str, *, on_ragged: OnRagged = "error", separator: str | None = None
) -> Texts:
    """Read a table of separated values as texts; arguments and errors are those of `read`."""
    head = _head(data)
    separator = separator or sniff_separator(head)
    header = _header(head, name, separator)
    found = _values(data, name, separator, len(header))
    mended = None
    if isinstance(found, Uneven):
        mended = _mended(data, name, separator, header, found, on_ragged)
        data, header = mended.data, mended.header
        found = _values(data, name, separator, len(header))
    if isinstance(found, Uneven):
        raise ragged(name, separator, len(header), found)
    names, notes = column_names(header)
    found.columns = names
    frame, notes = _without_hollow(found, header, notes)
    if frame.height == 0:
        raise Invalid(
            f"{name} has no rows.",
            found=f"a header with {len(names)} column(s) and nothing below it",
            hint="Give a file with at least one row of values.",
        )
    if separator != ",":
        notes.append(f"values are separated by {SEPARATORS.get(separator, repr(separator))}s")
    decimal_comma = True if separator != "," else None
    if mended is None:
        return Texts(frame, notes, partial(line_of, data, separator), decimal_comma)
    return Texts(frame, [*notes, mended.note], mended.lines.__getitem__, decimal_comma, mended.rejected)


def sniff_separator(head: str) -> str:
    r"""The separator by which most lines have as many fields as the first, and more than one; a comma if none.

    Example:
        >>> sniff_separator("a;b;c\n1,5;2;3\n")
        ';'
    """
    best, score = ",", (0.0, 1)
    for separator in SEPARATORS:
        widths = _widths(head, separator)
        if not widths or widths[0] < 2:
            continue
        same = Counter(widths)[widths[0]] / len(widths)
        if (same, widths[0]) > score:
            best, score = separator, (same, widths[0])
    return best


def _header(head: str, name: str, separator: str) -> list[str]:
    """The cells of the first line that is not blank."""
    try:
        header = next(records(io.StringIO(head), separator, strict=False), (0, []))[1]
    except csv.Error as error:
        raise torn(name, 0, error) from error
    if not any(cell.strip() for cell in header):
        raise Invalid(
            f"{name} is empty.", found="only blank lines", hint="Give a file with a header and rows."
        )
    check_header(header, name)
    return header


def _values(data: Path | bytes, name: str, separator: str, width: int) -> pl.DataFrame | Uneven:
    """The values below the header as texts, without blank rows; or which rows are of another width."""
    try:
        texts = pl.read_csv(data, separator=separator, infer_schema=False, has_header=True, glob=False)
    except pl.exceptions.PolarsError as error:
        found = uneven(data, name, separator, width)
        if found.rows:
            return found
        raise Invalid(
            f"{name} cannot be read as a CSV file.",
            found=str(error).splitlines()[0],
            hint="Save it again as CSV in UTF-8, with values that hold separators or line breaks in double quotes.",
        ) from error
    if texts.width != width or texts[:, -1].null_count():
        found = uneven(data, name, separator, width)
        if found.rows:
            return found
    return texts.filter(~pl.all_horizontal(pl.all().is_null() | (pl.all() == "")))


class _Mended(NamedTuple):
    data: bytes
    header: list[str]
    lines: array[int]
    note: str
    rejected: int


def _mended(
    data: Path | bytes, name: str, separator: str, header: list[str], found: Uneven, how: OnRagged
) -> _Mended:
    """The text with rows of one width, and a note that names the lines."""
    if how == "error":
        raise ragged(name, separator, len(header), found)
    width = found.widest if how == "pad" else len(header)
    even = evened(data, separator, width, how)
    what = "were left out" if how == "skip" else "were filled up"
    note = f"{found.rows:,} row(s) whose fields are not {len(header)} {what}: line(s) {listed(found)}"
    wide = header + [""] * (width - len(header))
    return _Mended(even.data, wide, even.lines, note, found.rows if how == "skip" else 0)


def _without_hollow(
    frame: pl.DataFrame, header: list[str], notes: list[str]
) -> tuple[pl.DataFrame, list[str]]:
    """Leave out columns that have neither a name nor values, as a separator at the end of each line makes them."""
    hollow = [
        column.name
        for column, cell in zip(frame.iter_columns(), header, strict=True)
        if not cell.strip() and (column.is_null() | (column == "")).all()
    ]
    if not hollow or frame.height == 0:
        return frame, notes
    kept = [note for note in notes if not any(repr(name) in note for name in hollow)]
    return frame.drop(hollow), [
        *kept,
        f"left out {len(hollow)} column(s) without a name and without values",
    ]


def _widths(head: str, separator: str, most: int = 200) -> list[int]:
    """How many fields each of the first records has; as far as they can be taken apart."""
    each = records(io.StringIO(head), separator, strict=False)
    widths: list[int] = []
    with suppress(csv.Error):
        widths.extend(len(fields) for _, (_, fields) in zip(range(most), each, strict=False))
    return widths


def _head(data: Path | bytes) -> str:
    """The first whole lines, as text."""
    if isinstance(data, bytes):
        raw = data[:HEAD_BYTES]
    else:
        with data.open("rb") as stream:
            raw = stream.read(HEAD_BYTES)
    text = getincrementaldecoder("utf-8")("replace").decode(raw.removeprefix(BOM_UTF8))
    whole = text if len(raw) < HEAD_BYTES else text[: text.rfind("\n") + 1] or text
    return re.sub(r"\A\s*\n", "", whole)
