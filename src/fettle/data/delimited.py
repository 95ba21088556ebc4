"""Read CSV and its kin: any of four separators, and an error that names the line.

Every value is read as text first and each column is then recognised as a whole, so that no type is guessed
from the first rows and a stray word in row 40,000 is an error with its line, not a silent change of type.
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8, getincrementaldecoder
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import polars as pl

from fettle.core.errors import Invalid
from fettle.data.headers import check_header, column_names
from fettle.data.recognise import OnMixed, recognise_table

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
HEAD_BYTES = 1 << 18
LONGEST_FIELD = 1 << 30


def read(data: Path | bytes, name: str, *, mixed: OnMixed = "error") -> tuple[pl.DataFrame, list[str]]:
    """Read a table of separated values.

    Args:
        data: A file, or its bytes, in UTF-8.
        name: What to call it in errors.
        mixed: What to do with a few texts in a column of numbers or dates.

    Returns:
        The table, typed, and notes on what had to be changed.

    Raises:
        Invalid: The file is ragged, not UTF-8, has no header or no rows, or a column is mixed.
    """
    head = _head(data, name)
    separator = sniff_separator(head)
    header = _header(head, name, separator)
    names, notes = column_names(header)
    texts = _texts(data, name, separator, names)
    hollow = [
        final
        for final, cell in zip(names, header, strict=True)
        if not cell.strip() and _is_hollow(texts[final])
    ]
    if hollow and texts.height:
        texts = texts.drop(hollow)
        notes = [note for note in notes if not any(repr(final) in note for final in hollow)]
        notes.append(f"left out {len(hollow)} column(s) without a name and without values")
    if texts.height == 0:
        raise Invalid(
            f"{name} has no rows.",
            found=f"a header with {len(names)} column(s) and nothing below it",
            hint="Give a file with at least one row of values.",
        )
    if separator != ",":
        notes.append(f"values are separated by {SEPARATORS[separator]}s")
    typed, changed = recognise_table(
        texts,
        name,
        lambda row: f"line {_line_of(data, separator, row)}",
        mixed=mixed,
        decimal_comma=separator != ",",
        file=str(data) if isinstance(data, Path) else "",
    )
    return typed, notes + changed


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
        header = next(_records(io.StringIO(head), separator, strict=False), (0, []))[1]
    except csv.Error as error:
        raise _torn(name, 0, error) from error
    if not any(cell.strip() for cell in header):
        raise Invalid(
            f"{name} is empty.", found="only blank lines", hint="Give a file with a header and rows."
        )
    check_header(header, name)
    return header


def _is_hollow(column: pl.Series) -> bool:
    return bool((column.is_null() | (column == "")).all())


def _texts(data: Path | bytes, name: str, separator: str, names: list[str]) -> pl.DataFrame:
    """The values below the header as texts, without blank rows."""
    try:
        texts = pl.read_csv(data, separator=separator, infer_schema=False, has_header=True, glob=False)
    except pl.exceptions.PolarsError as error:
        _refuse_ragged(data, name, separator, len(names))
        raise Invalid(
            f"{name} cannot be read as a CSV file.",
            found=str(error).splitlines()[0],
            hint="Save it again as CSV in UTF-8, with values that hold separators or line breaks in double quotes.",
        ) from error
    if texts.width != len(names) or texts[:, -1].null_count():
        _refuse_ragged(data, name, separator, len(names))
    texts.columns = names
    return texts.filter(~pl.all_horizontal(pl.all().is_null() | (pl.all() == "")))


def _refuse_ragged(data: Path | bytes, name: str, separator: str, width: int) -> None:
    """Raise if a row has another number of fields than the header, a quote stays open or a byte is not UTF-8."""
    bad: list[tuple[int, list[str]]] = []
    count = line = 0
    with _open_text(data) as stream:
        try:
            for line, fields in _records(stream, separator):
                if len(fields) != width:
                    count += 1
                    bad = bad or [(line, fields)]
        except UnicodeDecodeError:
            refuse_encoding(data, name)
        except csv.Error as error:
            raise _torn(name, line, error) from error
    if bad:
        line, fields = bad[0]
        more = f"; {count:,} such lines in all" if count > 1 else ""
        raise Invalid(
            f"{name} is ragged: line {line} has {len(fields)} field(s) where the header has {width}.",
            found=f"line {line}: {_shown(separator.join(fields))}{more}",
            hint="Correct the line; put a value that holds the separator in double quotes.",
        )


def _torn(name: str, line: int, error: csv.Error) -> Invalid:
    return Invalid(
        f"{name} has a row that cannot be taken apart, after line {line}.",
        found=str(error).partition(" - ")[0],
        hint="Close every quoted value with a double quote, write a quote inside as two, and end lines alike.",
    )


def refuse_encoding(data: Path | bytes, name: str) -> None:
    """Raise if the text is not UTF-8, with the line, the byte and a guess at what it is.

    Raises:
        Invalid: A byte does not belong into UTF-8.
    """
    with _open(data) as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError as error:
                context = raw[max(0, error.start - 12) : error.start + 12].decode("cp1252", "replace").strip()
                raise Invalid(
                    f"{name} is not in UTF-8.",
                    found=f"the byte 0x{raw[error.start]:02x} in line {number}; read as Windows-1252: {context!r}",
                    hint=f"Convert it: iconv -f WINDOWS-1252 -t UTF-8 '{name}' > 'utf8-{Path(name).name}'",
                ) from error


def _records(
    stream: Iterator[str] | io.TextIOBase, separator: str, *, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not a blank line, with the number of the line it begins in."""
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(stream, delimiter=separator, strict=strict)
    begins = 1
    for fields in reader:
        if fields:
            yield begins, fields
        begins = reader.line_num + 1


def _widths(head: str, separator: str, most: int = 200) -> list[int]:
    """How many fields each of the first records has; as far as they can be taken apart."""
    records = _records(io.StringIO(head), separator, strict=False)
    widths: list[int] = []
    with suppress(csv.Error):
        widths.extend(len(fields) for _, (_, fields) in zip(range(most), records, strict=False))
    return widths


def _line_of(data: Path | bytes, separator: str, row: int) -> int:
    """The line in which a row (counted without the header and blank rows) begins."""
    with _open_text(data) as stream:
        records = _records(stream, separator)
        next(records)
        filled = (line for line, fields in records if any(fields))
        return next(line for index, line in enumerate(filled) if index == row)


def _head(data: Path | bytes, name: str) -> str:
    """The first whole lines, as text."""
    with _open(data) as stream:
        raw = stream.read(HEAD_BYTES)
    try:
        text = getincrementaldecoder("utf-8")().decode(raw.removeprefix(BOM_UTF8))
    except UnicodeDecodeError:
        refuse_encoding(data, name)
        raise
    whole = text if len(raw) < HEAD_BYTES else text[: text.rfind("\n") + 1] or text
    return re.sub(r"\A\s*\n", "", whole)


def _open(data: Path | bytes) -> BinaryIO:
    return io.BytesIO(data) if isinstance(data, bytes) else data.open("rb")


def _open_text(data: Path | bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(_open(data), "utf-8-sig", newline="")


def _shown(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
