"""PostgreSQL: the database of a team.

Writers take one advisory lock before they look at anything, so a transaction may rely on what it read, just as with
SQLite; under load `submit` shares the commits. Readers have a REPEATABLE READ snapshot and never wait.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import Literal

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError

from fettle.core.errors import FettleError, Invalid, MissingExtra, Unavailable
from fettle.storage.engines import SqlDatabase

PATIENCE_S = 15.0
"""How long to go on asking a server that restarts."""

WRITERS_LOCK = 0x666574746C65  # "fettle"; advisory locks belong to one database of the server

_BEGIN_WRITE = f"BEGIN; SELECT pg_advisory_xact_lock({WRITERS_LOCK})"
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1"  # the look pins the snapshot
_SETTINGS = {
    "connect_timeout": 10,
    "application_name": "fettle",
    "keepalives_idle": 30,
    "options": "-c synchronous_commit=on -c idle_in_transaction_session_timeout=300000 -c client_min_messages=warning"
    " -c jit=off",  # compiling a statement costs 50 to 200 ms, more than ours take
}


class PostgresDatabase(SqlDatabase):
    """A `Database` on a PostgreSQL server.

    Args:
        url: `postgresql://user:password@host:port/name?…`; the query goes to the driver, but for `blobs`.
    """

    dialect: Literal["postgresql"] = "postgresql"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._pid = os.getpid()
        self._opening = threading.Lock()
        self._open_engine = lambda: _engine(url)
        self._engine = self._open_engine()
        self.name = self._engine.url.render_as_string(hide_password=True)
        with self.read():
            pass  # say now, not later, that the server cannot be reached

    @contextlib.contextmanager
    def _begun_write(self) -> Iterator[Connection]:
        with self._begun(_BEGIN_WRITE) as connection:
            yield connection

    @contextlib.contextmanager
    def _begun_read(self) -> Iterator[Connection]:
        with self._begun(_BEGIN_READ) as connection:
            yield connection

    @contextlib.contextmanager
    def _begun(self, statement: str) -> Iterator[Connection]:
        self._follow_fork()
        connection = self._begin(statement)
        try:
            yield connection
        finally:
            connection.close()

    def _begin(self, statement: str) -> Connection:
        """Connect and begin; nothing has been done yet, so a server that went away may be asked again."""
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            connection = None
            try:
                connection = self._engine.connect()
                connection.exec_driver_sql(statement)
            except DBAPIError as error:
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                if not _is_passing(error) or time.monotonic() > give_up_at:
                    raise self._explain(error) from error
                time.sleep(0.1)
            else:
                return connection

    def _follow_fork(self) -> None:
        """In a forked child, leave the parent's sockets alone and open new ones."""
        if self._pid == os.getpid():
            return
        with self._opening:
            if self._pid != os.getpid():
                self._engine.dispose(close=False)
                self._engine = self._open_engine()
                SqlDatabase.__init__(self)
                self._pid = os.getpid()

    def close(self) -> None:
        super().close()
        self._engine.dispose(close=self._pid == os.getpid())

    def _explain(self, error: DBAPIError) -> FettleError:
        found = str(error.orig).strip()
        state = _state(error)
        if state == "53100":  # disk_full
            hint = "Free some space on the database server and try again; nothing of this was kept."
            return Unavailable(f"The disk of {self.name} is full.", found=found, hint=hint)
        if state == "25006":  # read_only_sql_transaction
            return Unavailable(
                f"{self.name} cannot be written here.", found=found, hint="Write in database.write()."
            )
        if isinstance(error, DataError) or state.startswith(
            "22"
        ):  # told before it was sent, or by the server
            return Invalid("A value cannot be kept.", found=found, hint="Is it too long, or of another form?")
        if error.connection_invalidated or not state or state.startswith(("08", "57", "28", "3D")):
            hint = "Check that the server runs and the URL, user and password are right; then try again."
            return Unavailable(f"The database {self.name} cannot be reached.", found=found, hint=hint)
        return Unavailable(f"The database {self.name} refused a statement.", found=found)


def _engine(url: str) -> Engine:
    try:
        parts = make_url(url).set(drivername="postgresql+psycopg").difference_update_query(["blobs"])
        return create_engine(
            parts,
            isolation_level="AUTOCOMMIT",
            execution_options={"preserve_rowcount": True},  # also of inserts, as SQLite has it
            pool_size=4,
            max_overflow=28,
            connect_args=dict(_SETTINGS),
        )
    except (ArgumentError, ValueError) as error:
        hint = "Use postgresql://user:password@host:5432/name"
        raise Invalid("The URL of the database cannot be read.", found=str(error), hint=hint) from error
    except ImportError as error:
        raise MissingExtra.of("psycopg", "postgres") from error


def _state(error: DBAPIError) -> str:
    """The five characters PostgreSQL gives every error; empty if the server said nothing."""
    return getattr(error.orig, "sqlstate", None) or ""


def _is_passing(error: DBAPIError) -> bool:
    """Whether asking again may help: the server restarts, or the connection was an old one."""
    state = _state(error)
    message = str(error.orig)
    if state in ("57P01", "57P02", "57P03", "53300") or state.startswith("08"):
        return True
    refused = not state and not any(
        word in message for word in ("authentication", "does not exist", "resolve")
    )
    return refused or error.connection_invalidated
