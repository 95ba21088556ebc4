"""Read files: one, or several of one kind as one table."""

from __future__ import annotations

import gzip
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import polars as pl
import zstandard

from fettle.core import progress
from fettle.core.errors import Invalid
from fettle.data import delimited, documents, queries, spreadsheets
from fettle.data.encodings import to_utf8
from fettle.data.headers import column_names
from fettle.data.reading import Read, Reading
from fettle.data.recognise import recognise_table
from fettle.data.sniff import HEAD_BYTES
from fettle.data.types import columns_of, normalise

_WIDER = {
    frozenset({"integer", "number"}): pl.Float64(),
    frozenset({"date", "datetime"}): pl.Datetime("us", "UTC"),
}


def read_file(kind: str, path: Path, name: str, reading: Reading) -> Read:
    """Read a file of a kind that `sniff.kind_of` found.

    Raises:
        Invalid: It is broken, holds no rows, or a column is mixed.
    """
    if kind in ("parquet", "arrow", "arrow-stream"):
        return _read_columnar(kind, path, name)
    if kind == "excel":
        frame, notes = spreadsheets.read(path, name, sheet=reading.sheet, mixed=reading.mixed)
        return Read(frame, notes)
    text = to_utf8(_unpacked(path, name), name, reading.encoding)
    data = _newlines(text.data)
    if kind == "csv":
        texts = delimited.read_texts(data, name, on_ragged=reading.ragged, separator=reading.separator)
        return _typed([texts], [name], text.notes, reading, file=str(data) if isinstance(data, Path) else "")
    if kind == "sql":
        raw = data if isinstance(data, bytes) else data.read_bytes()
        frame, notes = queries.read(raw.decode("utf-8-sig"))
    else:
        frame, notes = documents.read(data, name, mixed=reading.mixed)
    return Read(frame, text.notes + notes)


def read_files(kind: str, paths: Sequence[Path], names: Sequence[str], reading: Reading) -> Read:
    """Read several files of one kind as one table, in the order given; their columns must have the same names.

    The values of CSV files are typed as one column, not file by file.

    Raises:
        Invalid: As for `read_file`; or the columns differ, and where.
    """
    if len(paths) == 1:
        return read_file(kind, paths[0], names[0], reading)
    with progress.phase("Reading", total=len(paths), unit="files") as step:
        if kind == "csv":
            return _read_delimited(paths, names, reading, step)
        tables: list[Read] = []
        for path, name in zip(paths, names, strict=True):
            tables.append(read_file(kind, path, name, reading))
            step()
    frames = [each.frame for each in tables]
    notes = [f"{name}: {note}" for name, each in zip(names, tables, strict=True) for note in each.notes]
    return Read(_together(frames, names), notes, sum(each.rejected for each in tables))


def _read_delimited(
    paths: Sequence[Path], names: Sequence[str], reading: Reading, step: progress.Step
) -> Read:
    tables: list[delimited.Texts] = []
    notes: list[str] = []
    for path, name in zip(paths, names, strict=True):
        text = to_utf8(_unpacked(path, name), name, reading.encoding)
        data = _newlines(text.data)
        found = delimited.read_texts(data, name, on_ragged=reading.ragged, separator=reading.separator)
        notes += [f"{name}: {note}" for note in (*text.notes, *found.notes)]
        tables.append(found._replace(notes=[]))
        step()
    return _typed(tables, names, notes, reading)


def _typed(
    tables: Sequence[delimited.Texts],
    names: Sequence[str],
    notes: list[str],
    reading: Reading,
    *,
    file: str = "",
) -> Read:
    """Give the columns of one or more tables of texts their types, together."""
    ends = list(accumulate(each.frame.height for each in tables))

    def place(row: int) -> str:
        table = bisect_right(ends, row)
        line = tables[table].line_of(row - (ends[table - 1] if table else 0))
        return f"line {line}" if len(tables) == 1 else f"line {line} of {names[table]}"

    for each, name in zip(tables, names, strict=True):
        _check_columns(tables[0].frame.columns, names[0], each.frame.columns, name)
    columns = tables[0].frame.columns
    whole = pl.concat([each.frame.select(columns) for each in tables])
    commas = any(each.decimal_comma for each in tables)
    what = names[0] if len(tables) == 1 else f"{names[0]} and {len(tables) - 1} more"
    frame, changed = recognise_table(
        whole, what, place, mixed=reading.mixed, decimal_comma=commas or None, file=file
    )
    told = [note for each in tables for note in each.notes]
    return Read(frame, [*notes, *told, *changed], sum(each.rejected for each in tables))


def _together(frames: list[pl.DataFrame], names: Sequence[str]) -> pl.DataFrame:
    """Tables under each other, columns in the order of the first; integers widen to numbers, dates to times."""
    first = frames[0].columns
    for frame, name in zip(frames, names, strict=True):
        _check_columns(first, names[0], frame.columns, name)
    frames = [frame.select(first) for frame in frames]
    casts: dict[str, pl.DataType] = {}
    for column in first:
        kinds: dict[str, str] = {}
        for frame, name in zip(frames, names, strict=True):
            if frame[column].null_count() < frame.height:
                kinds.setdefault(columns_of(frame.select(column))[0].type, name)
        if len(kinds) > 1 and frozenset(kinds) not in _WIDER:
            raise Invalid(
                f"The column {column!r} has another type in another file.",
                found=", ".join(f"{kind} in {name}" for kind, name in kinds.items()),
                hint="Correct one of them, or ingest the files one by one.",
                subject=f"column:{column}",
            )
        if len(kinds) > 1:
            casts[column] = _WIDER[frozenset(kinds)]
        elif kinds:
            known = next(frame for frame in frames if frame[column].null_count() < frame.height)
            casts[column] = known[column].dtype
    return pl.concat(
        [frame.with_columns(pl.col(name).cast(kind) for name, kind in casts.items()) for frame in frames]
    )


def _check_columns(first: list[str], first_name: str, other: list[str], name: str) -> None:
    missing = [each for each in first if each not in other]
    extra = [each for each in other if each not in first]
    if missing or extra:
        parts = (
            f"missing: {', '.join(missing[:8])}" if missing else "",
            f"new: {', '.join(extra[:8])}" if extra else "",
        )
        raise Invalid(
            f"{name} has other columns than {first_name}.",
            found="; ".join(filter(None, parts)),
            hint="Give files with the same columns, or ingest them as datasets of their own.",
        )


def _unpacked(path: Path, name: str) -> Path | bytes:
    """The file, or its bytes if it was packed with gzip or zstandard."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if head.startswith(b"\x1f\x8b"):
        try:
            return gzip.decompress(path.read_bytes())
        except (EOFError, gzip.BadGzipFile) as error:
            raise broken(name, "gzip", str(error)) from error
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        try:
            return zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
        except zstandard.ZstdError as error:
            raise broken(name, "zstandard", str(error)) from error
    return path


def _newlines(data: Path | bytes) -> Path | bytes:
    """The same text, its lines ended as today if they end as on the first Macs."""
    if isinstance(data, bytes):
        head = data[:HEAD_BYTES]
    else:
        with data.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    if b"\r" not in head or b"\n" in head:
        return data
    return (data if isinstance(data, bytes) else data.read_bytes()).replace(b"\r", b"\n")


def _read_columnar(kind: str, path: Path, name: str) -> Read:
    try:
        frame = _frame_of(kind, path)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise broken(name, "Parquet" if kind == "parquet" else "Arrow", reason) from error
    if frame.height == 0 or frame.width == 0:
        raise Invalid(
            f"{name} has no rows.", found=f"{frame.width} column(s), 0 rows", hint="Give a file with rows."
        )
    names, notes = column_names(frame.columns)
    frame.columns = names
    return Read(normalise(frame), notes)


def _frame_of(kind: str, path: Path) -> pl.DataFrame:
    if kind == "parquet":
        return pl.read_parquet(path, glob=False)
    if kind == "arrow":
        with path.open("rb") as stream:  # not mapped: the file may change while its rows are in use
            return pl.read_ipc(stream)
    return pl.read_ipc_stream(path)


def broken(name: str, what: str, reason: str) -> Invalid:
    """The error for a file that is not whole."""
    return Invalid(
        f"{name} is a broken {what} file.", found=reason, hint="It may be cut short; fetch or write it again."
    )
