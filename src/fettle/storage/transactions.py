"""What the SQL backends share: a transaction that fails the same way on all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import DDL, Connection, CursorResult, Executable, Table, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.schema import CreateColumn

from fettle.core.errors import Conflict, FettleError, Invalid

Explain = Callable[[DBAPIError], FettleError]
"""Turns an error of the driver into one of ours; each backend knows its own codes."""


class SqlTransaction:
    """A `Transaction` over one SQLAlchemy connection in driver-level autocommit; the backend begins and ends it."""

    def __init__(self, connection: Connection, explain: Explain) -> None:
        self.connection = connection
        self._explain = explain
        self._failure: FettleError | None = None
        self._over = False
        self.scrubs = False

    def scrub(self) -> None:
        self._require_usable()
        self.scrubs = True

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        self._require_usable()
        try:
            return self.connection.execute(statement, parameters)
        except DBAPIError as error:
            self._failure = explain(error, self._explain)
            raise self._failure from error
        except OverflowError as error:  # SQLite; PostgreSQL says it itself
            raise Invalid(
                "A number is too large to be kept.", found=str(error), hint="Whole numbers have 64 bits."
            ) from error
        except StatementError as error:  # a value was refused before it reached the driver
            if isinstance(error.orig, FettleError):
                raise error.orig from None
            raise

    def create(self, *tables: Table) -> None:
        self._require_usable()
        try:
            for table in tables:
                table.create(self.connection, checkfirst=True)
        except DBAPIError as error:
            self._failure = explain(error, self._explain)
            raise self._failure from error

    def extend(self, *tables: Table) -> None:
        self._require_usable()
        try:
            for table in tables:
                self._extend(table)
        except DBAPIError as error:
            self._failure = explain(error, self._explain)
            raise self._failure from error

    def _extend(self, table: Table) -> None:
        there = {column["name"] for column in inspect(self.connection).get_columns(table.name)}
        quote = self.connection.dialect.identifier_preparer.format_table
        for column in table.columns:
            if column.name not in there:
                words = CreateColumn(column).compile(dialect=self.connection.dialect)
                self.connection.execute(DDL(f"ALTER TABLE {quote(table)} ADD COLUMN {words}"))
        for index in table.indexes:
            index.create(self.connection, checkfirst=True)

    def finish(self) -> None:
        """Refuse further use; raise if a statement failed and the block went on as if it had not."""
        self._over = True
        if self._failure is not None:
            raise Conflict(
                "The transaction was not committed: a statement in it had failed.",
                found=self._failure.message,
                hint="Let the error leave the block; to expect a duplicate, use storage.upserts.",
            ) from self._failure

    def abandon(self) -> None:
        """Refuse further use; the backend rolls back."""
        self._over = True

    def _require_usable(self) -> None:
        if self._over:
            raise Invalid("This transaction is over.", hint="Use it only inside its `with` block.")
        if self._failure is not None:
            raise Conflict(
                "A statement in this transaction has failed before; nothing more can be done in it.",
                found=self._failure.message,
            )


def explain(error: DBAPIError, by_backend: Explain) -> FettleError:
    """Turn a driver's error into one of ours: constraints are conflicts everywhere."""
    if isinstance(error, IntegrityError):
        return Conflict("A row conflicts with what is stored.", found=str(error.orig).strip())
    return by_backend(error)
