"""Files that are kept by reference: where else the bytes of a digest lie, as records in the store.

A file's name is the digest of its bytes, wherever they lie. So a tree does not know whether a file is in a pack or in
somebody's bucket, and the two are one entry for diff, merge and gc. A record says for a base, a folder or bucket, which
file in it has which digest. It is believed only as far as it can be checked: what is read is held to the digest.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from fettle.core import canonical, ids
from fettle.core.errors import FettleError, NotFound, Unavailable
from fettle.data.engine.elsewhere import Elsewhere, Folder, Seen, open_elsewhere
from fettle.data.engine.format import DIGEST_BYTES
from fettle.storage.ports import BlobStore

VERSION = 1
MOST_ROWS = 65_536
SUFFIX = ".json.zst"
_SMALL_BYTES = 8 << 20
_DECODED = 4


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A file elsewhere: digest in hex, path relative to the base, length, and the tag it had when it was read."""

    digest: str
    path: str
    size_bytes: int
    tag: str


class Record(msgspec.Struct, frozen=True):
    """Which files lie in one place; sorted by digest."""

    version: int
    base: str
    files: list[Row]


class Location(NamedTuple):
    """Where the bytes of a file lie."""

    base: str
    row: Row

    @property
    def shown(self) -> str:
        """For a person: without the parameters of a bucket."""
        return f"{self.base.partition('?')[0].rstrip('/')}/{self.row.path}"


class External:
    """The records of a store; safe to share between threads."""

    def __init__(self, blobs: BlobStore, prefix: str) -> None:
        self._blobs, self._folder = blobs, f"{prefix}external/"
        self._guard = threading.Lock()
        self._digests: dict[str, bytes] = {}  # by key: those of a record, joined
        self._decoded: dict[str, Record] = {}
        self._places: dict[str, Elsewhere] = {}
        self._sound: set[tuple[str, str, str, str]] = set()

    def add(self, base: str, rows: Iterable[Row]) -> int:
        """Keep where files lie, durably; how many rows are new."""
        self._refresh()
        fresh = sorted(
            {row.digest: row for row in rows if not self._has(base, row)}.values(), key=lambda row: row.digest
        )
        for at in range(0, len(fresh), MOST_ROWS):
            data = canonical.encode(Record(VERSION, base, fresh[at : at + MOST_ROWS]))
            self._blobs.put(f"{self._folder}{ids.digest(data)}{SUFFIX}", _packed(data))
        return len(fresh)

    def find(self, digest: bytes) -> list[Location]:
        """Where a file lies; empty if no record says so."""
        return self._located(digest) or (self._located(digest) if self._refresh() else [])

    def slices(self, digest: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """A file's bytes from the first place that still has them; errors as `Repository.read`.

        A file of at most 8 MiB is held to its digest before anything is given away. A longer one is given away if it
        has the tag it had, and after all of it was read otherwise; if all of it is asked for, it is held to the digest
        on its way, too.
        """
        faults: list[str] = []
        found = self.find(bytes.fromhex(digest))
        for where in found:
            try:
                made = self._opened(where, start, end)
            except FettleError as error:
                faults.append(f"{where.shown}: {error.found or error.message}")
                continue
            yield from made
            return
        raise _unread(digest, found, faults)

    def fault(self, digest: bytes, *, full: bool = False) -> tuple[Location, str] | None:
        """What is wrong with a file that is kept by reference: its first place and why; None if all is well.

        Args:
            digest: The file.
            full: Read it; otherwise a file of the same length and tag counts as unchanged.
        """
        first: tuple[Location, str] | None = None
        for where in self.find(digest):
            try:
                self._check(where, self._look(where), full=full)
                return None
            except FettleError as error:
                first = first or (where, error.found or error.message)
        return first

    # --- reading

    def _opened(self, where: Location, start: int, end: int | None) -> Iterable[bytes]:
        seen = self._look(where)
        size = where.row.size_bytes
        end = size if end is None else min(end, size)
        if size <= _SMALL_BYTES:
            data = b"".join(self._verified(where, seen))
            return (data[start:end],)
        self._check(where, seen, full=False)
        if (start, end) == (0, size):
            return self._verified(where, seen)
        return self._place(where.base).pieces(seen, start, end)

    def _look(self, where: Location) -> Seen:
        seen = self._place(where.base).look(where.row.path)
        if seen is None:
            raise NotFound(f"There is no file {where.shown} any more.", found="it is gone")
        if seen.size_bytes != where.row.size_bytes:
            raise _changed(where, f"{seen.size_bytes} bytes, not {where.row.size_bytes}")
        return seen

    def _check(self, where: Location, seen: Seen, *, full: bool) -> None:
        """Be sure that a file is what it was: by its tag, or by reading it."""
        known = (where.base, where.row.path, where.row.digest, seen.state)
        if not full and ((seen.tag and seen.tag == where.row.tag) or known in self._sound):
            return
        for _piece in self._verified(where, seen):
            continue
        if seen.state:
            self._sound.add(known)

    def _verified(self, where: Location, seen: Seen) -> Iterator[bytes]:
        from blake3 import blake3

        hasher = blake3()
        for piece in self._place(where.base).pieces(seen):
            hasher.update(piece)
            yield piece
        if hasher.hexdigest() != where.row.digest:
            raise _changed(where, "other bytes than were imported")

    def _place(self, base: str) -> Elsewhere:
        if base not in self._places:
            self._places[base] = open_elsewhere(base)
        return self._places[base]

    # --- records

    def _has(self, base: str, row: Row) -> bool:
        return (base, row) in self._located(bytes.fromhex(row.digest))

    def _located(self, digest: bytes) -> list[Location]:
        found: list[Location] = []
        for key, digests in list(self._digests.items()):
            at = bisect_left(
                range(len(digests) // DIGEST_BYTES), digest, key=lambda i, d=digests: d[32 * i : 32 * i + 32]
            )
            if digests[DIGEST_BYTES * at : DIGEST_BYTES * (at + 1)] == digest:
                record = self._record(key)
                found.append(Location(record.base, record.files[at]))
        return found

    def _refresh(self) -> bool:
        """Look for records that are new; whether there are any."""
        with self._guard:
            keys = [each.key for each in self._blobs.list(self._folder) if each.key.endswith(SUFFIX)]
            fresh = [key for key in keys if key not in self._digests]
            for key in fresh:
                record = self._record(key)
                self._digests[key] = b"".join(bytes.fromhex(each.digest) for each in record.files)
            return bool(fresh)

    def _record(self, key: str) -> Record:
        found = self._decoded.get(key)
        if found is None:
            found = _read(self._blobs.get(key), key)
            while len(self._decoded) >= _DECODED:
                self._decoded.pop(next(iter(self._decoded)), None)
            self._decoded[key] = found
        return found


def _packed(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(3).compress(data)


def _read(data: bytes, key: str) -> Record:
    import zstandard

    try:
        plain = zstandard.ZstdDecompressor().decompress(data)
        found = msgspec.json.decode(plain, type=Record)
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise _damaged(key, str(error)) from None
    name = key.rpartition("/")[2].removesuffix(SUFFIX)
    if ids.digest(plain) != name or found.version != VERSION:
        raise _damaged(key, f"other content than its name says, or another version than {VERSION}")
    return found


def _damaged(key: str, found: str) -> Unavailable:
    return Unavailable(
        f"The record {key} of files that are kept by reference is damaged.",
        found=found,
        hint="Import the source again by reference, after removing the record.",
    )


def _changed(where: Location, found: str) -> Unavailable:
    return Unavailable(
        f"{where.shown} is not what it was when it was imported.",
        found=found,
        hint="Import the source again for a new version; the old one needs the file as it was.",
        subject=f"object:{where.row.digest}",
    )


def _unread(digest: str, found: list[Location], faults: list[str]) -> Unavailable:
    local = any(isinstance(open_elsewhere(each.base), Folder) for each in found)
    again = "Put it back there" + (" (or is the disk not mounted here?)" if local else "")
    return Unavailable(
        f"The file {digest[:12]}… is kept by reference, and cannot be had from its source.",
        found="; ".join(faults),
        hint=f"{again}; or repair from where it was pushed: fettle data fsck --repair-from PLACE",
        subject=f"object:{digest}",
    )
