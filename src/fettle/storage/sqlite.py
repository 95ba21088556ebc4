"""SQLite: the embedded database. One file, nothing to start, safe for many processes of one machine.

WAL with `synchronous=FULL`: a commit is on the disk before it is acknowledged. Writers queue at a file lock beside the
database before they begin, so that SQLite's own lock is free when they ask for it and nobody meets "database is
locked".
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from fettle.core.errors import FettleError, Unavailable
from fettle.storage.disks import disk_failure, full_disk, make_folder, sync_file, sync_folder
from fettle.storage.engines import SqlDatabase
from fettle.storage.locks import FileLock

PATIENCE_S = 60.0
"""How long to wait for a program other than fettle that holds the database."""

_ON_CONNECT = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=FAST",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA cache_size=-16000",
)


class SqliteDatabase(SqlDatabase):
    """A `Database` in one file (and its `-wal`, `-shm`, `-gate` companions).

    Args:
        path: The file; it and its folder are made if missing.
    """

    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path.absolute()
        self._pid = os.getpid()
        self._opening = threading.Lock()
        try:
            make_folder(self.path.parent)
            self._gate = FileLock(self.path.with_name(self.path.name + "-gate"))
            with self._gate:
                self._prepare()
        except OSError as error:
            raise disk_failure(error, self.path) from error
        self._start()

    # --- transactions

    @contextlib.contextmanager
    def _begun_write(self) -> Iterator[Connection]:
        self._follow_fork()
        try:
            self._gate.acquire()
        except OSError as error:
            raise disk_failure(error, self.path) from error
        try:
            yield self._begin(self._writing(), "BEGIN IMMEDIATE")
        finally:
            self._gate.release()

    @contextlib.contextmanager
    def _begun_read(self) -> Iterator[Connection]:
        self._follow_fork()
        with self._connected(self._readers) as connection:
            # a first look pins the snapshot to this moment
            yield self._begin(connection, "BEGIN", "SELECT 1 FROM sqlite_schema LIMIT 1")

    def _begin(self, connection: Connection, *statements: str) -> Connection:
        """Begin; wait out another program's hold, recovery and closing, which SQLite reports without waiting."""
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                for statement in statements:
                    connection.exec_driver_sql(statement)
            except DBAPIError as error:
                self._roll_back(connection)
                if not _is_busy(error) or time.monotonic() > give_up_at:
                    raise self._explain(error) from error
                time.sleep(0.005)
            else:
                return connection

    def _scrub(self, connection: Connection) -> None:
        """Carry the log over into the file and cut it off; readers of older states are waited for, not for ever."""
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
            if not busy or time.monotonic() > give_up_at:
                return
            time.sleep(0.005)

    # --- connections

    def _prepare(self) -> None:
        try:
            with contextlib.closing(self._connect()) as raw:
                raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _start(self) -> None:
        self._readers = _engine(self._connect_reader, poolclass=QueuePool, pool_size=4, max_overflow=-1)
        self._writers = _engine(self._connect, poolclass=NullPool)
        self._writer: Connection | None = None

    def _writing(self) -> Connection:
        """The one connection that writes; used only behind the gate."""
        if self._writer is None or self._writer.closed or self._writer.invalidated:
            try:
                self._writer = self._writers.connect()
            except DBAPIError as error:
                raise self._explain(error) from error
        return self._writer

    @contextlib.contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        try:
            connection = engine.connect()
        except DBAPIError as error:
            raise self._explain(error) from error
        with connection:
            yield connection

    def _connect(self) -> sqlite3.Connection:
        raw = sqlite3.connect(
            self.path,
            timeout=PATIENCE_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        for pragma in _ON_CONNECT:
            raw.execute(pragma)
        return raw

    def _connect_reader(self) -> sqlite3.Connection:
        raw = self._connect()
        raw.execute("PRAGMA query_only=ON")
        return raw

    def _follow_fork(self) -> None:
        """In a forked child, leave the parent's connections alone (SQLite forbids sharing) and open new ones."""
        if self._pid == os.getpid():
            return
        with self._opening:
            if self._pid != os.getpid():
                _left_behind.append((self._readers, self._writers, self._writer))
                self._start()
                SqlDatabase.__init__(self)
                self._pid = os.getpid()

    # --- keeping

    def _backup(self, label: str) -> None:
        """Copy the database, consistently and durably, to `backups/` beside it."""
        folder = self.path.parent / "backups"
        try:
            make_folder(folder)
            target = _unused(folder, f"{self.path.stem}-before-{label}", self.path.suffix)
            partial = target.with_name(f".{target.name}.{os.getpid()}")
            with (
                contextlib.closing(self._connect_reader()) as source,
                contextlib.closing(sqlite3.connect(partial)) as copy,
            ):
                source.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")  # one plain file, complete without companions
            with open(partial, "rb+") as file:
                sync_file(file.fileno())
            partial.replace(target)
            sync_folder(folder)
        except OSError as error:
            raise disk_failure(error, folder) from error
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def close(self) -> None:
        super().close()
        if self._pid != os.getpid():
            return
        with self._gate:  # the last one out tidies the WAL away; nobody may begin meanwhile
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._readers.dispose()
            self._writers.dispose()
        self._gate.close()

    # --- errors

    def _explain(self, error: DBAPIError) -> FettleError:
        return (
            self._explained(error.orig) if isinstance(error.orig, sqlite3.Error) else Unavailable(str(error))
        )

    def _explained(self, error: sqlite3.Error) -> FettleError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        where, found = str(self.path), str(error)
        if code == sqlite3.SQLITE_FULL:
            return full_disk(where, found)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            hint = "Another program holds it (a database browser, a backup tool?); close that and try again."
            return Unavailable(
                f"{where} was held by another program for {PATIENCE_S:.0f} s.", found=found, hint=hint
            )
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            hint = f"Keep the file; restore the newest copy from {self.path.parent / 'backups'} or your own backup."
            return Unavailable(f"{where} is damaged or not a database.", found=found, hint=hint)
        if code == sqlite3.SQLITE_IOERR:
            hint = "The disk may be full or failing (df -h, dmesg). What was acknowledged before is kept."
            return Unavailable(f"{where} could not be read or written.", found=found, hint=hint)
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            hint = "Writing needs database.write() and a folder this user may write to."
            return Unavailable(f"{where} cannot be written here.", found=found, hint=hint)
        return Unavailable(f"{where} refused a statement.", found=found)


_left_behind: list[Any] = []
"""Connections a forked child inherited: kept, because closing them would disturb the parent's."""


def _engine(connect: Any, **pool: Any) -> Engine:
    return create_engine("sqlite://", creator=connect, isolation_level="AUTOCOMMIT", **pool)


def _is_busy(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _unused(folder: Path, stem: str, suffix: str) -> Path:
    """The first free name of `stem.db`, `stem-2.db`, …: a backup never replaces another."""
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path
