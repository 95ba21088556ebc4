"""The one place that knows the backends: a URL in, a port out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from fettle.core.clock import Clock
from fettle.core.errors import Invalid
from fettle.storage.ports import BlobStore, Database, Journal, Leases


def open_database(url: str) -> Database:
    """Open a database.

    Args:
        url: `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`, or `postgresql://user@host/name`
            (needs the extra `postgres`). Whatever follows `sqlite:///` is the path as it stands.

    Raises:
        Invalid: The URL is of another kind.
        Unavailable: The file or server cannot be used.
        MissingExtra: The driver is not installed.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from fettle.storage.sqlite import SqliteDatabase

        return SqliteDatabase(Path(rest[1:]))
    if scheme in ("postgresql", "postgres"):
        from fettle.storage.postgres import PostgresDatabase

        return PostgresDatabase(url)
    raise Invalid(
        f"{url!r} does not name a database.",
        hint="Use sqlite:///path/to/file.db or postgresql://user@host/name",
    )


def open_blobs(url_or_path: str | Path) -> BlobStore:
    """Open a blob store.

    Args:
        url_or_path: A folder, `file:///folder`, or `s3://bucket/prefix` with optional `?endpoint=http://host:port` and
            `&region=…` for other S3-compatible stores. Credentials come from the environment (`AWS_ACCESS_KEY_ID`, …).

    Raises:
        Invalid: The URL is of another kind.
        Unavailable: The store cannot be reached, or ignores conditional writes, on which correctness rests.
    """
    text = str(url_or_path)
    scheme = urlsplit(text).scheme if "://" in text else ""
    if scheme in ("", "file"):
        from fettle.storage.files import FileBlobStore

        return FileBlobStore(Path(unquote(urlsplit(text).path)) if scheme else Path(url_or_path))
    if scheme == "s3":
        from fettle.storage.s3 import S3BlobStore

        return S3BlobStore(text)
    raise Invalid(
        f"{text!r} does not name a blob store.", hint="Use a folder, file:///folder or s3://bucket/prefix"
    )


def open_journal(
    folder: Path, *, ack: Literal["memory", "os", "disk"] = "os", segment_bytes: int = 64 << 20
) -> Journal:
    """Open a journal for writing; the one writer of this folder until it is closed or its process ends.

    Args:
        folder: Where its segments are; made if missing.
        ack: What an acknowledged record survives. `memory` and `os`: a kill of the process. `os` besides writes full
            segments through in the background, so that a power cut costs at most what is recent. `disk`: a power cut
            too; `append` waits for the disk, sharing the wait with other threads.
        segment_bytes: Size of a full-grown segment; the first ones are smaller.

    Raises:
        Conflict: Another process or object is writing to it.
        Unavailable: The folder cannot be written, or the disk is full.
    """
    from fettle.storage.journal import SegmentJournal

    return SegmentJournal(folder, ack=ack, segment_bytes=segment_bytes)


def read_journal(folder: Path, after: str | None = None) -> Iterator[tuple[str, bytes]]:
    """The records of a journal in order, each with its position, until the present end.

    Works while a writer appends and after one was killed; a torn last record is not there. A folder that does not
    exist is an empty journal.

    Args:
        folder: Where its segments are.
        after: Begin behind this position (from an earlier reading, or from `append`).

    Raises:
        Unavailable: A finished part of the journal is damaged; what came before it was yielded.
    """
    from fettle.storage.frames import read

    return read(folder, after)


def open_leases(db: Database, clock: Clock) -> Leases:
    """Leases kept in a database; `clock` decides what has expired."""
    from fettle.storage.leases import DatabaseLeases

    return DatabaseLeases(db, clock)
