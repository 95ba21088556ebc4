"""Read a source, whatever it is, into one table: CSV, Parquet, JSON, Excel, or the result of an SQL query.

What a file is, is decided by its content first and its name second. Whatever is wrong with it is said in one
sentence with the place where it is wrong; nothing is dropped, cut or guessed without a note.
"""

from __future__ import annotations

import gzip
import os
from codecs import BOM_UTF8
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl
import zstandard

from fettle.core import ids
from fettle.core.errors import Invalid
from fettle.data import delimited, documents, queries, spreadsheets
from fettle.data.headers import column_names
from fettle.data.recognise import OnMixed
from fettle.data.records import Source
from fettle.data.sniff import DATA_SUFFIXES, HEAD_BYTES, check_file, exists, first_bytes, kind_of, unreadable
from fettle.data.types import normalise


class Ingested(NamedTuple):
    """A table, where it came from, and what had to be changed on the way (in words for the user)."""

    frame: pl.DataFrame
    source: Source
    notes: list[str]


def read_source(source: str | Path, *, mixed: OnMixed = "error") -> pl.DataFrame:
    """Read a file or query into a table; `read` also tells the source's digest and what had to be changed.

    Args:
        source: A path, `workbook.xlsx#Sheet`, or a query that begins with SELECT, WITH or FROM.
        mixed: What to do with a few texts in a column of numbers or dates.

    Returns:
        At least one row, each column of one of the types in `fettle.data.types`.

    Raises:
        NotFound: There is no such file; the nearest names are offered.
        Denied: The file may not be read.
        Invalid: The file is empty, a folder, binary, broken, ragged, mixed or not in UTF-8.
    """
    return read(source, mixed=mixed).frame


def read(source: str | Path, *, mixed: OnMixed = "error") -> Ingested:
    """Read a file or query into a table, with its `Source` and notes; see `read_source`."""
    text = str(source)
    if isinstance(source, str) and queries.is_query(source):
        frame, notes = queries.read(source)
        return Ingested(frame, _query_source(source), notes)
    path, sheet = _split_sheet(text)
    facts = check_file(path)
    head = first_bytes(path)
    try:
        kind = kind_of(path, head)
        frame, notes = _read_kind(kind, path, sheet, mixed)
        return Ingested(frame, _file_source(text, path, facts, kind), notes)
    except OSError as error:
        raise unreadable(path, error) from error


def source_of(source: str | Path) -> Source:
    """Describe a source without reading it into a table: digest, size and time of a file, digest of a query.

    Any other words are taken as they are.
    """
    text = str(source)
    if isinstance(source, str) and queries.is_query(source):
        return _query_source(source)
    path, _ = _split_sheet(text)
    if not text or not exists(path) or not path.is_file():
        return Source(text)
    try:
        return _file_source(text, path, path.stat(), kind_of(path, first_bytes(path)))
    except OSError as error:
        raise unreadable(path, error) from error


def dataset_name(source: str | Path) -> str:
    """A dataset's name from its source: `Bank Marketing.csv.gz` gives `bank-marketing`, a query gives `query`.

    Example:
        >>> dataset_name("data/Bank Marketing.csv")
        'bank-marketing'
    """
    if isinstance(source, str) and queries.is_query(source):
        return "query"
    name = _split_sheet(str(source))[0].name
    while Path(name).suffix.casefold() in (*DATA_SUFFIXES, ".sql"):
        name = Path(name).stem
    return ids.slug(name)


def _query_source(query: str) -> Source:
    """A query is what it says and what the files it names hold: another content is another source."""
    raw = query.encode()
    contents = [ids.digest_file(path) for path in queries.files_of(query)]
    digest = ids.digest("\n".join([ids.digest(raw), *contents]).encode()) if contents else ids.digest(raw)
    return Source(" ".join(query.split()), "sql", digest, len(raw))


def _file_source(name: str, path: Path, facts: os.stat_result, kind: str) -> Source:
    modified_at = datetime.fromtimestamp(facts.st_mtime, UTC)
    return Source(name, kind, ids.digest_file(path), facts.st_size, modified_at)


def _split_sheet(text: str) -> tuple[Path, str | None]:
    """Take `book.xlsx#Sheet` apart, unless a file has that very name."""
    base, mark, sheet = text.rpartition("#")
    if (
        mark
        and base.casefold().endswith((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"))
        and not exists(Path(text))
    ):
        return Path(base), sheet
    return Path(text), None


def _read_kind(kind: str, path: Path, sheet: str | None, mixed: OnMixed) -> tuple[pl.DataFrame, list[str]]:
    name = str(path)
    if kind == "parquet":
        return _read_parquet(path)
    if kind == "excel":
        return spreadsheets.read(path, name, sheet=sheet, mixed=mixed)
    data = _text(path)
    if kind == "csv":
        return delimited.read(data, name, mixed=mixed)
    raw = data if isinstance(data, bytes) else data.read_bytes()
    delimited.refuse_encoding(raw, name)
    if kind == "sql":
        return queries.read(raw.decode("utf-8-sig"))
    return documents.read(raw.removeprefix(BOM_UTF8), name, mixed=mixed)


def _text(path: Path) -> Path | bytes:
    """The file itself if it is plain UTF-8, else its bytes, unpacked and recoded."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(b"\x1f\x8b"):
        try:
            return gzip.decompress(path.read_bytes())
        except (EOFError, gzip.BadGzipFile) as error:
            raise _broken(path, "gzip", str(error)) from error
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        try:
            return zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
        except zstandard.ZstdError as error:
            raise _broken(path, "zstandard", str(error)) from error
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return path.read_bytes().decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise _broken(path, "UTF-16", str(error)) from error
    if b"\r" in head and b"\n" not in head:
        return path.read_bytes().replace(b"\r", b"\n")
    return path


def _read_parquet(path: Path) -> tuple[pl.DataFrame, list[str]]:
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _broken(path, "Parquet", str(error).splitlines()[0]) from error
    if frame.height == 0 or frame.width == 0:
        raise Invalid(
            f"{path} has no rows.", found=f"{frame.width} column(s), 0 rows", hint="Give a file with rows."
        )
    names, notes = column_names(frame.columns)
    frame.columns = names
    return normalise(frame), notes


def _broken(path: Path, what: str, reason: str) -> Invalid:
    return Invalid(
        f"{path} is a broken {what} file.", found=reason, hint="It may be cut short; fetch or write it again."
    )
