"""The four ports of storage: what every backend promises and every room may rely on.

Nothing here imports a backend or SQLAlchemy. A backend is done when its suite in `fettle.testing` passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sqlalchemy import CursorResult, Executable, Table

T = TypeVar("T")


class Transaction(Protocol):
    """One open transaction.

    Belongs to the thread that opened it and ends with its block. After a statement failed the transaction is doomed:
    every later statement raises `Conflict`, on every backend, and the block must be left by the exception.
    """

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement; a list of parameters runs it once for each.

        Raises:
            Conflict: A unique, foreign-key or check constraint refused it, or an earlier statement failed.
            Unavailable: The database cannot be reached or written, or the disk is full.
        """
        ...

    def scrub(self) -> None:
        """Once committed, leave no copy of what this transaction overwrote in the database's own log.

        For keys that were destroyed. Copies that others made (backups, replicas, snapshots of the disk) are theirs.
        """
        ...

    def create(self, *tables: Table) -> None:
        """Create tables and their indexes where they do not exist yet."""
        ...

    def extend(self, *tables: Table) -> None:
        """Add the columns and indexes that existing tables lack.

        A new column allows NULL or has a server default.
        """
        ...


Migration = Callable[[Transaction], None]
"""A function named `m001_what_it_does` that changes the tables of one room within the transaction it is given."""


class Database(Protocol):
    """Tables with serialised writers and snapshot readers. Safe to share between threads."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which SQL is spoken."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """One durable transaction: committed (on disk) when the block ends, rolled back if it raises.

        Writers wait for each other, across threads, processes and machines: what is read inside cannot change before
        the commit. So keep the block short, and do slow work before it. Not re-entrant: a second `write()` in the same
        thread raises `Invalid` instead of waiting for itself.
        """
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent snapshot as of the moment of entry; writing in it raises. Never waits for writers."""
        ...

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Group commit: many works share one commit, each in its own savepoint, in the order they were submitted.

        The future resolves after the commit is durable; it carries the work's own exception if that raised (the others
        are not disturbed). Do not wait for it inside `write()`: the commit needs the lock that you hold.
        """
        ...

    def migrate(self, room: str, migrations: Sequence[Migration]) -> None:
        """Bring a room's tables up to date: apply, in order, what is not recorded as applied, each in a transaction.

        Safe when many processes do it at once. Before the first migration that changes tables a room already has, the
        embedded database is backed up beside itself.

        Raises:
            Invalid: The functions are not named `m001_…`, `m002_…` without gaps.
            Conflict: The database was written by a newer fettle than this one.
        """
        ...

    def close(self) -> None:
        """Finish submitted works and let go of connections. Idempotent."""
        ...


class BlobInfo(msgspec.Struct, frozen=True):
    """What a store knows about one blob.

    Attributes:
        key: Its name in the store.
        size_bytes: Its length.
        modified_at: When it was published (UTC).
        tag: Opaque; differs between versions of other content that followed each other under the key.
    """

    key: str
    size_bytes: int
    modified_at: datetime
    tag: str


class BlobStore(Protocol):
    """Bytes under keys such as `objects/ab/abcd…`. Safe to share between threads and processes.

    A blob appears whole or not at all, and is durable when `put` or `swap` returns. A key is one or more segments
    divided by `/`: no empty, `.` or `..` segment, no backslash or control character, at most 1,000 bytes (a segment at
    most 200), and the first segment does not begin with a dot. A key is never also the folder of another.
    """

    def put(self, key: str, data: bytes | Path | Iterable[bytes], *, create: bool = False) -> str:
        """Publish a blob, replacing what was there; return its tag.

        Args:
            key: Where.
            data: The bytes, a file to copy, or chunks that are joined.
            create: Refuse with `Conflict` if the key exists: of racing creators exactly one wins.

        Raises:
            Conflict: `create` was asked and the key exists.
            Invalid: The key is malformed.
            Unavailable: The store cannot be written, or the disk is full; nothing was published.
        """
        ...

    def swap(self, key: str, data: bytes, *, tag: str | None) -> str:
        """Compare and set: replace the blob only if its tag is still `tag` (`None`: only if there is none).

        Raises:
            Conflict: Somebody was faster; read again and decide again.
        """
        ...

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from `start` up to, not including, `end`; fewer where the blob ends earlier.

        Raises:
            NotFound: There is no such blob.
        """
        ...

    def stream(self, key: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """The blob in chunks of at most `chunk_bytes`, all of one version; `NotFound` comes from the call itself."""
        ...

    def fetch(self, key: str, path: Path) -> None:
        """Copy the blob to a file, which appears whole or not at all; its folder is made."""
        ...

    def info(self, key: str) -> BlobInfo | None:
        """Size, time and tag, or `None` if there is no such blob."""
        ...

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """The blobs whose key begins with the characters of `prefix`, sorted by key."""
        ...

    def delete(self, key: str) -> None:
        """Remove the blob; nothing happens if there is none."""
        ...

    def close(self) -> None:
        """Let go of handles. Idempotent."""
        ...


class Journal(Protocol):
    """An append-only stream of records with one writer; any number of processes read it meanwhile.

    Thread safe. What `append` acknowledged survives a kill of the process at any instant; whether it also survives a
    power cut is the choice of `ack` at opening.
    """

    def append(self, record: bytes) -> str:
        """Add a record; return its position. Positions sort as text in the order of appending."""
        ...

    def appender(self, length: int) -> Callable[[bytes], object]:
        """`append` for records of one length in bytes, known beforehand: the same promise, for less."""
        ...

    def sync(self) -> None:
        """Return when everything appended so far is on the disk."""
        ...

    def close(self) -> None:
        """Sync, give unused space back and let another writer in. Idempotent."""
        ...


class Grant(msgspec.Struct, frozen=True):
    """A lease that was given.

    Attributes:
        name: What is leased.
        holder: Who has it.
        token: Fencing token: grows with every grant of the name, so that a holder who overslept can be told apart.
        expires_at: When others may take it (UTC, by the clock of the leases).
        ttl_s: How long it was given for.
    """

    name: str
    holder: str
    token: int
    expires_at: datetime
    ttl_s: float


class Leases(Protocol):
    """Who may do a thing right now, across processes and machines. Thread safe."""

    def acquire(self, name: str, holder: str, ttl_s: float) -> Grant | None:
        """Take the lease if it is free, expired, or held by the same holder (who restarted); `None` if it is taken."""
        ...

    def renew(self, grant: Grant) -> Grant:
        """Prolong by as much as it was acquired for, from now.

        Raises:
            Conflict: The lease went to another grant or was released.
        """
        ...

    def release(self, grant: Grant) -> None:
        """Free the lease; nothing happens if it is no longer this grant's."""
        ...

    def check(self, tx: Transaction, grant: Grant) -> None:
        """Hold a write to its lease: call first in the transaction that relies on it.

        Raises:
            Conflict: A newer grant exists or the lease was released: this holder must stop.
        """
        ...
