"""What is kept of a source: its name, kind, digest, size and time; never a secret."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from fettle.core import ids
from fettle.data import queries
from fettle.data.records import Source
from fettle.data.sources.fetched import Fetched


def of_query(query: str) -> Source:
    """A query is what it says and what the files it names hold: another content is another source."""
    raw = query.encode()
    contents = [ids.digest_file(path) for path in queries.files_of(query)]
    digest = ids.digest("\n".join([ids.digest(raw), *contents]).encode()) if contents else ids.digest(raw)
    return Source(" ".join(query.split()), "sql", digest, len(raw))


def of_file(name: str, path: Path, facts: os.stat_result, kind: str) -> Source:
    """A file by its bytes."""
    modified_at = datetime.fromtimestamp(facts.st_mtime, UTC)
    return Source(name, kind, ids.digest_file(path), facts.st_size, modified_at)


def of_files(name: str, fetched: list[Fetched], kind: str) -> Source:
    """One file by its own digest, several by the digest of theirs in order."""
    digests = [ids.digest_file(each.path) for each in fetched]
    digest = digests[0] if len(digests) == 1 else ids.digest("\n".join(digests).encode())
    size = sum(each.path.stat().st_size for each in fetched)
    etag = fetched[0].etag if len(fetched) == 1 else ""
    return Source(name, kind, digest, size, max(each.modified_at for each in fetched), etag)


def digest_of(frame: pl.DataFrame) -> str:
    """The digest of what was read, for a source that has no bytes of its own."""
    target = io.BytesIO()
    frame.rechunk().write_ipc(target)
    return ids.digest(target.getbuffer())
