"""A `Database` over SQLAlchemy: all that SQLite and PostgreSQL do alike."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from fettle.core.errors import FettleError, Invalid
from fettle.storage import migrations as migrating
from fettle.storage.groups import GroupCommitter, GroupLost
from fettle.storage.ports import Migration
from fettle.storage.transactions import SqlTransaction, explain

T = TypeVar("T")


class SqlDatabase:
    """The dialect-free half of a backend; a subclass says how transactions begin and errors read."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._groups = GroupCommitter(self.write, self.savepoint)

    # --- what a backend provides

    def _begun_write(self) -> contextlib.AbstractContextManager[Connection]:
        """A connection inside a begun transaction that excludes other writers."""
        raise NotImplementedError

    def _begun_read(self) -> contextlib.AbstractContextManager[Connection]:
        """A connection inside a begun, read-only snapshot."""
        raise NotImplementedError

    def _explain(self, error: DBAPIError) -> FettleError:
        raise NotImplementedError

    def _backup(self, label: str) -> None:
        """Keep a copy before tables that hold data are changed; only embedded databases do."""

    def _scrub(self, connection: Connection) -> None:
        """After a commit: leave no copy of what it overwrote in the log; for backends that keep one beside the data."""

    # --- the port

    @contextlib.contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        if getattr(self._mine, "writing", False):
            raise Invalid(
                "A write was begun inside a write of the same thread; it would wait for itself.",
                hint="Pass the open transaction on instead of opening a second one.",
            )
        self._mine.writing = True
        try:
            with self._begun_write() as connection:
                yield from self._within(connection)
        finally:
            self._mine.writing = False

    @contextlib.contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        with self._begun_read() as connection:
            tx = SqlTransaction(connection, self._explain)
            try:
                yield tx
            finally:
                tx.abandon()
                self._roll_back(connection)

    def submit(self, work: Callable[[SqlTransaction], T]) -> Future[T]:
        return self._groups.submit(work)

    def migrate(self, room: str, migrations: Sequence[Migration]) -> None:
        migrating.apply(room, migrations, read=self.read, write=self.write, backup=self._backup)

    def close(self) -> None:
        self._groups.close()

    # --- within a transaction

    def _within(self, connection: Connection) -> Iterator[SqlTransaction]:
        tx = SqlTransaction(connection, self._explain)
        try:
            yield tx
            tx.finish()
        except BaseException:
            tx.abandon()
            self._roll_back(connection)
            raise
        try:
            connection.exec_driver_sql("COMMIT")
        except DBAPIError as error:
            self._roll_back(connection)
            raise explain(error, self._explain) from error
        if tx.scrubs:
            self._scrub(connection)

    @contextlib.contextmanager
    def savepoint(self, tx: SqlTransaction) -> Iterator[SqlTransaction]:
        """A transaction within a transaction, undone by itself if its block raises."""
        connection = tx.connection
        connection.exec_driver_sql("SAVEPOINT one_work")
        inner = SqlTransaction(connection, self._explain)
        try:
            yield inner
            inner.finish()
        except BaseException as error:
            inner.abandon()
            try:
                connection.exec_driver_sql("ROLLBACK TO SAVEPOINT one_work")
            except DBAPIError as lost:
                raise GroupLost(
                    "The database gave up the whole transaction.",
                    found=str(error),
                    hint="Nothing of it was kept; try again.",
                ) from lost
            raise
        finally:
            inner.abandon()
        tx.scrubs |= inner.scrubs
        connection.exec_driver_sql("RELEASE SAVEPOINT one_work")

    def _roll_back(self, connection: Connection) -> None:
        """Undo; a database that has undone it already, or is gone, is as good."""
        with contextlib.suppress(DBAPIError):
            if not connection.invalidated:
                connection.exec_driver_sql("ROLLBACK")
