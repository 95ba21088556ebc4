"""Databases of others, opened to read from: SQLite, PostgreSQL, MySQL and MariaDB.

They are no backends of fettle: nothing is created in them, and every transaction is read-only by the server's own word.
Rows come in batches over a cursor on the server, so that a table of any length passes through little memory.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from fettle.core.errors import Denied, FettleError, Invalid, MissingExtra, NotFound, Unavailable

Dialect = Literal["sqlite", "postgresql", "mysql"]
Kind = Literal["", "integer", "number", "boolean", "string", "date", "datetime"]
Scrub = Callable[[str], str]

SCHEMES: dict[str, Dialect] = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_DRIVERS = {
    "postgresql": ("postgresql+psycopg", "psycopg", "postgres"),
    "mysql": ("mysql+pymysql", "pymysql", "mysql"),
}
_POSTGRES_KINDS: dict[int, Kind] = {
    16: "boolean", 20: "integer", 21: "integer", 23: "integer", 26: "integer", 700: "number", 701: "number",
    1700: "number", 1082: "date", 1114: "datetime", 1184: "datetime", 1186: "number", 17: "",
}  # fmt: skip
_MYSQL_KINDS: dict[int, Kind] = {
    0: "number", 1: "integer", 2: "integer", 3: "integer", 4: "number", 5: "number", 7: "datetime", 8: "integer",
    9: "integer", 10: "date", 11: "number", 12: "datetime", 13: "integer", 246: "number",
}  # fmt: skip
_MYSQL_TINY, _MYSQL_BIT = 1, 16
_READ_ONLY = {"postgresql": (), "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET time_zone = '+00:00'")}


class ForeignColumn(NamedTuple):
    """A column of a result: its name, and what its type promises; `""` where the values decide."""

    name: str
    kind: Kind


class Rows(NamedTuple):
    """A result: its columns, and its rows in batches, to be read within the context that gave it."""

    columns: list[ForeignColumn]
    batches: Iterator[list[tuple[Any, ...]]]


class ForeignDatabase:
    """A database to read from.

    Args:
        url: `sqlite:///file.db`, `postgresql://…`, `mysql://…` or `mariadb://…`; the password may be in it.
        name: What to call it in errors; the URL never appears there.
        scrub: Takes secrets out of what a driver says.

    Raises:
        Invalid: The URL cannot be read.
        NotFound: There is no such file.
        MissingExtra: The driver is not installed.
    """

    def __init__(self, url: str, *, name: str, scrub: Scrub = str) -> None:
        self.name = name
        self._scrub = scrub
        self.dialect = SCHEMES[urlsplit(url).scheme]
        self._engine = self._opened(url)

    def tables(self) -> list[str]:
        """The names of tables and views that may be read; those outside of the usual schema as `schema.table`.

        Raises:
            Unavailable: The database cannot be reached.
        """
        try:
            looking = inspect(self._engine)
            usual = looking.default_schema_name
            names = looking.get_table_names() + looking.get_view_names()
            if self.dialect == "postgresql":
                others = [
                    each
                    for each in looking.get_schema_names()
                    if each not in (usual, "information_schema") and not each.startswith("pg_")
                ]
                names += [f"{each}.{table}" for each in others for table in looking.get_table_names(each)]
            return sorted(names)
        except SQLAlchemyError as error:
            raise self._explained(error) from None

    @contextlib.contextmanager
    def table(self, name: str, *, rows: int) -> Iterator[Rows]:
        """All rows of a table or view, `schema.table` or `table`, in batches of `rows`; errors as `query`."""
        quote = self._engine.dialect.identifier_preparer.quote_identifier
        where = ".".join(quote(part) for part in name.split("."))
        with self.query(f"SELECT * FROM {where}", rows=rows, table=name) as found:
            yield found

    @contextlib.contextmanager
    def query(self, statement: str, *, rows: int, table: str = "") -> Iterator[Rows]:
        """The result of one statement that reads, as one consistent snapshot, in batches of `rows`.

        Raises:
            NotFound: The table does not exist.
            Denied: The user may not read it, or the statement would write.
            Invalid: The statement is wrong.
            Unavailable: The database cannot be reached, or the connection broke off.
        """
        try:
            with self._connected() as connection:
                options = {"stream_results": True, "yield_per": rows, "no_parameters": True}
                result = connection.execution_options(**options).exec_driver_sql(statement)
                declared = self._declared(connection, table) if self.dialect == "sqlite" else {}
                columns, convert = self._columns(result, declared)
                yield Rows(columns, (_converted(each, convert) for each in result.partitions(rows)))
        except SQLAlchemyError as error:
            raise self._explained(error, table) from None  # the driver's words may hold the password
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.name} cannot be read.", found=self._scrub(str(error))) from None

    def close(self) -> None:
        """Let go of connections."""
        self._engine.dispose()

    # --- parts

    def _opened(self, url: str) -> Engine:
        if self.dialect == "sqlite":
            path = Path(unquote(url.partition("://")[2].partition("?")[0]).removeprefix("/"))
            if not path.is_file():
                raise NotFound(f"There is no database file {path}.", hint="Check the path.")
            uri = f"{path.absolute().as_uri()}?mode=ro"
            opened = create_engine(
                "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True, timeout=30), poolclass=NullPool
            )
            event.listen(opened, "connect", _lax_text)
            return opened
        driver, package, extra = _DRIVERS[self.dialect]
        try:
            parts = make_url(url).set(drivername=driver)
            return create_engine(
                parts,
                poolclass=NullPool,
                hide_parameters=True,
                connect_args=_arguments(self.dialect, parts.query),
            )
        except (ArgumentError, ValueError):
            raise Invalid(
                f"The address of {self.name} cannot be read.",
                hint=f"Use {self.dialect}://user:password@host:port/database; write special signs as %40, %3A, %2F.",
            ) from None
        except ImportError:
            raise MissingExtra.of(package, extra) from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            if self.dialect == "postgresql":
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            for statement in _READ_ONLY.get(self.dialect, ()):
                connection.exec_driver_sql(statement)
            if self.dialect == "mysql":
                connection.commit()  # what was set counts from the next transaction on
            yield connection

    def _declared(self, connection: Connection, table: str) -> dict[str, str]:
        """The types that a table of SQLite declares for its columns; none for a query."""
        if not table:
            return {}
        found = connection.execute(text("SELECT name, type FROM pragma_table_info(:name)"), {"name": table})
        return {str(name): str(kind).upper() for name, kind in found}

    def _columns(
        self, result: CursorResult[Any], declared: dict[str, str]
    ) -> tuple[list[ForeignColumn], dict[int, Callable[[Any], Any]]]:
        columns: list[ForeignColumn] = []
        convert: dict[int, Callable[[Any], Any]] = {}
        cursor = result.cursor
        for index, described in enumerate((cursor.description if cursor is not None else None) or ()):
            kind: Kind = ""
            name = str(described[0])
            code: Any = described[1]  # each driver has types of its own; these two have numbers
            if self.dialect == "postgresql":
                kind = _POSTGRES_KINDS.get(code, "string")
                if kind == "string":
                    convert[index] = _as_told
            elif self.dialect == "mysql":
                kind = _MYSQL_KINDS.get(code, "")
                if code == _MYSQL_BIT or (code == _MYSQL_TINY and described[3] == 1):
                    kind, convert[index] = "boolean", _bit
                elif kind in ("date", "datetime"):
                    convert[index] = _no_zero_date
            elif declared.get(name, "").startswith("BOOL"):
                kind, convert[index] = "boolean", _bit
            columns.append(ForeignColumn(name, kind))
        return columns, convert

    def _explained(self, error: SQLAlchemyError, table: str = "") -> FettleError:
        origin = getattr(error, "orig", None)
        lines = [line.strip() for line in self._scrub(str(origin or error)).splitlines() if line.strip()]
        found = " ".join(lines[:2])[:400]
        code = _code(origin)
        if code in ("42P01", "3F000", "1146") or "no such table" in found:
            missing = table or "a table of the query"
            hint = "Look at what there is with the database's own tools."
            with contextlib.suppress(FettleError):
                if table:
                    return NotFound.among("table", missing, self.tables(), hint=hint)
            return NotFound(f"{self.name} has no such table.", found=found, hint=hint)
        if code in ("42501", "25006", "1142", "1143", "1792") or "readonly database" in found:
            hint = "Ask for the right to SELECT; fettle reads in transactions that cannot write."
            return Denied(f"{self.name} does not allow this.", found=found, hint=hint)
        if isinstance(error, DataError) and not code:  # the driver's own, of a value that came
            hint = "Leave it out or change it in a query, such as NULLIF(column, 'infinity')."
            return Invalid(f"{self.name} gives a value that cannot be kept.", found=found, hint=hint)
        if isinstance(origin, sqlite3.DatabaseError) and ("not a database" in found or "malformed" in found):
            return Invalid(
                f"{self.name} is broken.", found=found, hint="It may be cut short; fetch it again."
            )
        if (
            code[:2] in ("42", "22", "0A", "21")
            or code in _MYSQL_WRONG
            or isinstance(origin, sqlite3.OperationalError | sqlite3.ProgrammingError)
        ):
            return Invalid(f"{self.name} cannot run the query.", found=found, hint="Check its SQL.")
        hint = "Check that the server runs and that address, user and password are right; then try again."
        return Unavailable(f"{self.name} cannot be reached or failed.", found=found, hint=hint)


_MYSQL_WRONG = ("1054", "1064", "1066", "1052", "1292", "1366", "1305", "1411")


def _arguments(dialect: str, query: Any) -> dict[str, Any]:
    if dialect == "postgresql":
        given = f"{query.get('options', '')} -c default_transaction_read_only=on -c TimeZone=UTC".strip()
        return {"connect_timeout": 10, "application_name": "fettle", "options": given}
    return {"connect_timeout": 10, "read_timeout": 600} | (
        {} if "charset" in query else {"charset": "utf8mb4"}
    )


def _lax_text(connection: sqlite3.Connection, _record: object) -> None:
    """SQLite stores any bytes as text; those that are no UTF-8 come as they can."""
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")


def _converted(batch: Any, convert: dict[int, Callable[[Any], Any]]) -> list[tuple[Any, ...]]:
    if not convert:
        return [tuple(row) for row in batch]
    made: list[tuple[Any, ...]] = []
    for row in batch:
        values = list(row)
        for index, change in convert.items():
            values[index] = change(values[index])
        made.append(tuple(values))
    return made


def _as_told(value: Any) -> Any:
    """A value of a type that no table of ours has: lists and JSON stay, everything else in the server's words."""
    return value if value is None or isinstance(value, str | list | dict | bytes) else str(value)


def _bit(value: Any) -> Any:
    """0 and 1 as truth values; other numbers in such a column stay numbers."""
    if isinstance(value, bytes):
        value = int.from_bytes(value, "big")
    return bool(value) if isinstance(value, int) and value in (0, 1) else value


def _no_zero_date(value: Any) -> Any:
    """MySQL's date of zeros is no date."""
    return None if isinstance(value, str) and value.startswith("0000-00-00") else value


def _code(origin: object) -> str:
    """SQLSTATE of PostgreSQL, the number of MySQL; empty where there is none."""
    state = getattr(origin, "sqlstate", None)
    if state:
        return str(state)
    arguments = getattr(origin, "args", ())
    return str(arguments[0]) if arguments and isinstance(arguments[0], int) else ""
