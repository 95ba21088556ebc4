"""Read a source, whatever it is, into one table: files, queries, databases, the web, buckets, and what a program holds.

What a file is, is decided by its content first and its name second. Whatever is wrong with it is said in one
sentence with the place where it is wrong; nothing is dropped, cut or guessed without a note.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
import polars as pl

from fettle.core import ids
from fettle.core.errors import Invalid
from fettle.data import files, queries
from fettle.data.ragged import OnRagged
from fettle.data.reading import MOST_BYTES, Read, Reading
from fettle.data.recognise import OnMixed
from fettle.data.records import Source
from fettle.data.sniff import DATA_SUFFIXES, check_file, exists, first_bytes, kind_of, unreadable
from fettle.data.sources import addresses, databases, frames, iterables, origins, paths
from fettle.data.sources.addresses import Address
from fettle.data.sources.fetched import Fetched


class Ingested(NamedTuple):
    """A table, where it came from, and what had to be changed on the way (in words for the user).

    `rejected` counts the rows that were left out because that was asked for.
    """

    frame: pl.DataFrame
    source: Source
    notes: list[str]
    rejected: int = 0


def read_source(
    source: Any, *, mixed: OnMixed = "error", encoding: str | None = None, ragged: OnRagged = "error"
) -> pl.DataFrame:
    """Read a source into a table; `read` also tells the source's digest and what had to be changed.

    Args:
        source: A path, `workbook.xlsx#Sheet`, a folder or glob of files of one kind, a query that begins with SELECT,
            WITH or FROM, an address (`https://…`, `s3://…`, `postgresql://…?table=orders`), a DataFrame, or rows.
        mixed: What to do with a few texts in a column of numbers or dates.
        encoding: The encoding of a text; None: find out.
        ragged: What to do with rows of another width than the header's.

    Returns:
        At least one row, each column of one of the types in `fettle.data.types`.

    Raises:
        NotFound: There is no such file, table or address; the nearest names are offered.
        Denied: It may not be read.
        Invalid: It is empty, binary, broken, ragged or mixed, or its encoding cannot be told.
        Unavailable: A server cannot be reached.
    """
    return read(source, mixed=mixed, encoding=encoding, ragged=ragged).frame


def read(
    source: Any,  # a path or text, a table of any library, or an iterable of rows
    *,
    mixed: OnMixed = "error",
    encoding: str | None = None,
    ragged: OnRagged = "error",
    separator: str | None = None,
    sheet: str | None = None,
    connection: str = "",
    columns: Sequence[str] | None = None,
    cache: Path | None = None,
    max_bytes: int = MOST_BYTES,
) -> Ingested:
    """Read a source into a table, with its `Source` and notes; see `read_source` for what a source may be.

    Args:
        source: What to read.
        mixed: What to do with a few texts in a column of numbers or dates.
        encoding: The encoding of a text, such as `windows-1252`; None: find out.
        ragged: What to do with rows of another width than the header's: `error`, `skip` or `pad`.
        separator: What divides the values of a CSV file; None: find out.
        sheet: The sheet of a workbook, or the table of a database.
        connection: The database that runs the query or has the table: `warehouse` for the address in
            `FETTLE_CONNECTION_WAREHOUSE`, or an address. It is not kept.
        columns: Names for rows that are plain tuples.
        cache: The folder for downloads; None: the user's own.
        max_bytes: The most that may be downloaded.
    """
    reading = Reading(mixed, encoding, ragged, separator, sheet, cache, max_bytes)
    if not isinstance(source, str | os.PathLike):
        return _read_object(source, reading, columns)
    text = str(source)
    if connection:
        return _read_connection(text, addresses.connection_address(connection), reading)
    if isinstance(source, str) and queries.is_query(source):
        frame, notes = queries.read(source)
        return Ingested(frame, origins.of_query(source), notes)
    if addresses.is_address(text):
        return _read_address(addresses.source_address(text), reading)
    return _read_path(text, reading)


def source_of(source: str | Path) -> Source:
    """Describe a source without making a table of it: digest, size and time of files, digest of a query.

    What is behind an address must be fetched to be known. Any other words are taken as they are.
    """
    text = str(source)
    if isinstance(source, str) and queries.is_query(source):
        return origins.of_query(source)
    if addresses.is_address(text):
        return read(text).source
    path, _ = paths.split_sheet(text)
    if text and (several := paths.several(path)):
        return origins.of_files(text, paths.here(several), kind_of(several[0], first_bytes(several[0])))
    if not text or not exists(path) or not path.is_file():
        return Source(text)
    try:
        return origins.of_file(text, path, path.stat(), kind_of(path, first_bytes(path)))
    except OSError as error:
        raise unreadable(path, error) from error


def is_address(source: str) -> bool:
    """Whether a source is an address, such as `https://…`, and not a path or a query."""
    return addresses.is_address(source) and not queries.is_query(source)


def dataset_name(source: Any) -> str:
    """A dataset's name from its source: `Bank Marketing.csv.gz` gives `bank-marketing`, a query gives `query`.

    Example:
        >>> dataset_name("data/Bank Marketing.csv"), dataset_name("sales/*.parquet")
        ('bank-marketing', 'sales')
    """
    if not isinstance(source, str | os.PathLike):
        return "rows"
    text = str(source)
    if isinstance(source, str) and queries.is_query(source):
        return "query"
    if addresses.is_address(text):
        parts = urlsplit(text)
        table = re.search(r"[?&]table=([^&]+)", text)
        text = unquote(table[1]).rpartition(".")[2] if table else unquote(parts.path).rstrip("/") or "source"
    path = PurePosixPath(paths.split_sheet(text)[0])
    while re.search(r"[*?\[]", path.name) and path.name != str(path):
        path = path.parent
    name = path.name
    while Path(name).suffix.casefold() in (*DATA_SUFFIXES, *paths.BOOKS, ".sql"):
        name = Path(name).stem
    return ids.slug(name)


def _read_object(value: Any, reading: Reading, columns: Sequence[str] | None) -> Ingested:
    if frames.is_frame(value):
        found, kind = frames.read_frame(value), "frame"
    elif isinstance(value, Iterable) and not isinstance(value, bytes | dict):
        found, kind = iterables.read_rows(value, reading, columns=columns), "rows"
    else:
        raise Invalid(
            "This cannot be read as a source.",
            found=f"a value of type {type(value).__name__}",
            hint="Give a path, a query, an address, a DataFrame, or an iterable of rows.",
        )
    name = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    return Ingested(
        found.frame, Source(name, kind, origins.digest_of(found.frame)), found.notes, found.rejected
    )


def _read_connection(text: str, address: Address, reading: Reading) -> Ingested:
    """A query, a table's name, or nothing but the connection, which then names its table itself."""
    if not databases.is_database(address.url):
        raise Invalid(
            f"The connection {address.shown!r} is no database.",
            found=f"the scheme {urlsplit(address.url).scheme!r}",
            hint="Use postgresql://…, mysql://… or sqlite:///…; files of the web are sources by themselves.",
        )
    if queries.is_query(text):
        found = databases.read_query(address, text, reading)
        return _from_database(found, f"{address.shown}: {' '.join(text.split())}")
    found, table = databases.read_table(address, reading.sheet or text or None, reading)
    return _from_database(found, f"{address.shown}: {table}")


def _from_database(found: Read, name: str) -> Ingested:
    return Ingested(
        found.frame, Source(name, "database", origins.digest_of(found.frame)), found.notes, found.rejected
    )


def _read_address(address: Address, reading: Reading) -> Ingested:
    scheme = urlsplit(address.url).scheme
    if databases.is_database(address.url):
        found, table = databases.read_table(address, reading.sheet, reading)
        named = table in address.shown
        return _from_database(found, address.shown if named else f"{address.shown}: {table}")
    if scheme in ("http", "https"):
        from fettle.data.sources import web

        fetched = [web.fetch(address, reading)]
    elif scheme == "s3":
        from fettle.data.sources import buckets

        fetched = buckets.fetch(address, reading)
    elif scheme == "file":
        return _read_path(unquote(urlsplit(address.url).path), reading)
    else:
        raise Invalid(
            f"{address.shown} is of a kind that cannot be read.",
            found=f"the scheme {scheme!r}",
            hint="Use a path, https://…, s3://bucket/key, postgresql://…, mysql://… or sqlite:///…",
        )
    found, kind = _read_several(fetched, reading)
    source = origins.of_files(address.shown, fetched, kind)
    return Ingested(found.frame, source, found.notes, found.rejected)


def _read_path(text: str, reading: Reading) -> Ingested:
    path, inner = paths.split_sheet(text)
    reading = reading if inner is None else msgspec.structs.replace(reading, sheet=inner)
    if several := paths.several(path):
        here = paths.here(several)
        found, kind = _read_several(here, reading)
        return Ingested(found.frame, origins.of_files(text, here, kind), found.notes, found.rejected)
    facts = check_file(path)
    head = first_bytes(path)
    try:
        kind = kind_of(path, head, encoding=reading.encoding)
        if kind == "sqlite":
            found, table = databases.read_table(databases.file_address(path), reading.sheet, reading)
            named = text if inner else f"{text}#{table}"
            return Ingested(
                found.frame, origins.of_file(named, path, facts, kind), found.notes, found.rejected
            )
        found = files.read_file(kind, path, str(path), reading)
        return Ingested(found.frame, origins.of_file(text, path, facts, kind), found.notes, found.rejected)
    except OSError as error:
        raise unreadable(path, error) from error


def _read_several(fetched: list[Fetched], reading: Reading) -> tuple[Read, str]:
    """Files that were fetched or found, all of one kind, as one table."""
    files_here, names = [each.path for each in fetched], [each.name for each in fetched]
    kinds = {}
    for path, name in zip(files_here, names, strict=True):
        check_file(path)
        kinds.setdefault(_named_kind(path, name, reading), name)
    if len(kinds) > 1 or "sqlite" in kinds:
        raise Invalid(
            "The files are of several kinds." if len(kinds) > 1 else "A database cannot be read from there.",
            found=", ".join(f"{kind}: {name}" for kind, name in kinds.items()),
            hint="Name files of one kind, such as '*.csv'."
            if len(kinds) > 1
            else "Fetch the file and give its path.",
        )
    kind = next(iter(kinds))
    try:
        return files.read_files(kind, files_here, names, reading), kind
    except OSError as error:
        raise unreadable(files_here[0], error) from error


def _named_kind(path: Path, name: str, reading: Reading) -> str:
    """The kind of a file, which errors call by its name elsewhere."""
    try:
        return kind_of(path, first_bytes(path), encoding=reading.encoding)
    except Invalid as error:
        message = error.message.replace(str(path), name)
        raise Invalid(message, found=error.found, hint=error.hint) from None
