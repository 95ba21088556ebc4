"""Folders and buckets of others, in which files lie that are kept by reference: listed and read, never written."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.engine.index import RACY_NS, mode_of
from fettle.data.engine.nodes import FILE, path_bytes
from fettle.data.engine.walk import names_of, row_of, rows_of, unreadable, walk

if TYPE_CHECKING:
    from fettle.data.engine.walk import Row
    from fettle.storage.ports import BlobInfo

_PIECE_BYTES = 4 << 20


class Seen(NamedTuple):
    """A file as it was found elsewhere.

    Attributes:
        path: Relative to the base.
        size_bytes: Its length.
        tag: What tells its states apart for everybody: the modification time in nanoseconds, or the entity tag.
        state: What tells them apart for this machine; empty if it could change again unseen.
        mode: As in a tree.
    """

    path: str
    size_bytes: int
    tag: str
    state: str
    mode: int = FILE


class Elsewhere(Protocol):
    """A place of others; safe to share between threads.

    `base` says which: the absolute path of a folder, or `s3://bucket/prefix` with its parameters.
    """

    base: str

    def list(self) -> Iterator[Seen]:
        """All files, in the order of a tree."""
        ...

    def look(self, path: str) -> Seen | None:
        """One file as it is now; None if it is not there."""
        ...

    def pieces(self, seen: Seen, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, in pieces.

        Raises:
            NotFound: It is gone.
            Conflict: It is not as it was seen.
            Unavailable: The place cannot be read.
        """
        ...


def open_elsewhere(base: str) -> Elsewhere:
    """Open the place that a base names; nothing is asked of it yet.

    Raises:
        Invalid: It is neither an absolute path nor `s3://…`.
    """
    if base.startswith("s3://"):
        return Bucket(base)
    if os.path.isabs(base):
        return Folder(base)
    raise Invalid(
        f"{base!r} is no place to read from.",
        hint="Give the absolute path of a folder, or s3://bucket/prefix",
    )


class Folder:
    """A folder; symbolic links in it are listed as links, `.fettleignore` is heeded."""

    def __init__(self, base: str) -> None:
        self.base = os.path.abspath(base)

    def list(self) -> Iterator[Seen]:
        now = time.time_ns()
        found = [
            _seen(f"{each.folder}/{name}" if each.folder else name, row, now)
            for each in walk(self.base)
            for name, row in zip(names_of(each.names), rows_of(each.stats), strict=True)
        ]
        yield from sorted(found, key=lambda each: path_bytes(each.path))

    def look(self, path: str) -> Seen | None:
        try:
            row = row_of(os.stat(self.path(path)))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(self.path(path), error) from error
        return _seen(path, row, time.time_ns()) if stat.S_ISREG(row[4]) else None

    def pieces(self, seen: Seen, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        whole, end = self.path(seen.path), seen.size_bytes if end is None else min(end, seen.size_bytes)
        try:
            with open(whole, "rb", buffering=0) as file:
                file.seek(start)
                while start < end and (piece := file.read(min(_PIECE_BYTES, end - start))):
                    start += len(piece)
                    yield piece
                after = row_of(os.fstat(file.fileno()))
        except FileNotFoundError:
            raise _gone(whole) from None
        except OSError as error:
            raise unreadable(whole, error) from error
        if start < end or (after[0], str(after[1])) != (seen.size_bytes, seen.tag):
            raise Conflict(f"{whole} was changed while it was read.", hint="Try again when nobody writes it.")

    def path(self, path: str) -> str:
        """The absolute path of a file.

        Raises:
            Invalid: It would lie outside of the folder.
        """
        if os.path.isabs(path) or ".." in path.split("/"):
            raise Invalid(f"{path!r} does not lie in {self.base}.", hint="The record of it is damaged.")
        return os.path.join(self.base, path)


class Bucket:
    """The objects below a prefix of a bucket; credentials come from the environment."""

    def __init__(self, base: str) -> None:
        from fettle.storage.buckets import ForeignBucket

        self.base = base
        parts = urlsplit(base)
        if "@" in parts.netloc or "@" in unquote(parts.query):
            raise Invalid(
                "The address of a bucket must not hold a key or password: it is kept with what is imported.",
                hint="Put them into the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            )
        self._prefix = unquote(parts.path).strip("/")
        shown = urlunsplit(parts._replace(query=""))
        self._bucket = ForeignBucket(urlunsplit(parts._replace(path="")), name=shown, scrub=_scrubbed)

    def list(self) -> Iterator[Seen]:
        cut = len(self._prefix) + 1 if self._prefix else 0
        found = [_object(each.key[cut:], each) for each in self._bucket.list(self._prefix) if each.key[cut:]]
        found.sort(key=lambda each: path_bytes(each.path))
        folders = {folder for each in found for folder in _folders(each.path)}
        yield from (each for each in found if each.path not in folders or each.size_bytes)

    def look(self, path: str) -> Seen | None:
        found = self._bucket.info(self._key(path))
        return None if found is None else _object(path, found)

    def pieces(self, seen: Seen, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        from datetime import UTC, datetime

        from fettle.storage.ports import BlobInfo

        blob = BlobInfo(self._key(seen.path), seen.size_bytes, datetime.fromtimestamp(0, UTC), seen.tag)
        return self._bucket.pieces(blob, start, end)

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path


def _scrubbed(text: str) -> str:
    """What a store says, without the credentials it was asked with."""
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"):
        if secret := os.environ.get(name):
            text = text.replace(secret, "•••")
    return text


def _seen(path: str, row: Row, now_ns: int) -> Seen:
    size, mtime, ctime, inode, _mode = row
    settled = max(mtime, ctime) < now_ns - RACY_NS
    return Seen(path, size, str(mtime), f"{mtime}.{ctime}.{inode}" if settled else "", mode_of(row))


def _object(path: str, found: BlobInfo) -> Seen:
    return Seen(path, found.size_bytes, found.tag, found.tag or found.modified_at.isoformat())


def _folders(path: str) -> Iterator[str]:
    """The folders above a path: an empty object of such a name stands for the folder, as some tools write it."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _gone(path: str) -> NotFound:
    return NotFound(f"There is no file {path}.", subject=f"file:{path}")
