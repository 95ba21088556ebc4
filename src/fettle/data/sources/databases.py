"""Read a table or the result of a query out of another database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import polars as pl

from fettle.core import progress
from fettle.core.errors import Invalid
from fettle.data.headers import column_names
from fettle.data.reading import Read, Reading
from fettle.data.recognise import dated
from fettle.data.sources.addresses import Address, without_query
from fettle.data.types import STORED
from fettle.data.values import Gathered

if TYPE_CHECKING:
    from fettle.storage.sources import ForeignDatabase, Rows

SCHEMES = ("sqlite", "postgresql", "postgres", "mysql", "mariadb")
BATCH_ROWS = 20_000


def is_database(url: str) -> bool:
    """Whether an address is that of a database."""
    return urlsplit(url).scheme in SCHEMES


def file_address(path: Path) -> Address:
    """The address of a SQLite file."""
    return Address(f"sqlite:///{quote(str(path))}", str(path), ())


def read_table(address: Address, table: str | None, reading: Reading) -> tuple[Read, str]:
    """Read a table or view.

    Args:
        address: Of the database; `?table=public.orders` names the table too.
        table: `orders` or `public.orders`; None: what the address says, or the only one.
        reading: What to do with mixed columns.

    Returns:
        What was read, and the name of the table.

    Raises:
        NotFound: There is no such table; the nearest names are offered.
        Invalid: No table is named and there are several, or it has no rows.
        Denied: It may not be read.
        Unavailable: The database cannot be reached.
    """
    url, taken = without_query(address.url, "table")
    with _opened(address._replace(url=url)) as database:
        name = table or taken.get("table") or _only_table(database)
        with database.table(name, rows=BATCH_ROWS) as rows:
            return _gathered(rows, f"the table {name!r}", reading), name


def read_query(address: Address, query: str, reading: Reading) -> Read:
    """Read the result of a query in the database's own SQL; errors as `read_table`."""
    url, _ = without_query(address.url, "table")
    with (
        _opened(address._replace(url=url)) as database,
        database.query(query.strip().rstrip(";"), rows=BATCH_ROWS) as rows,
    ):
        return _gathered(rows, "the query's result", reading)


@contextmanager
def _opened(address: Address) -> Iterator[ForeignDatabase]:
    from fettle.storage.sources import ForeignDatabase

    database = ForeignDatabase(address.url, name=f"The database {address.shown}", scrub=address.scrub)
    try:
        yield database
    finally:
        database.close()


def _only_table(database: ForeignDatabase) -> str:
    names = database.tables()
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    raise Invalid(
        f"{database.name} has {len(names)} tables; which one?"
        if names
        else f"{database.name} has no tables.",
        found=shown or "nothing to read",
        hint="Name one: --sheet TABLE, '?table=TABLE' at the end of the address, or file.db#TABLE."
        if names
        else "",
    )


def _gathered(rows: Rows, what: str, reading: Reading) -> Read:
    names, notes = column_names([each.name for each in rows.columns])
    columns = [Gathered(name) for name in names]
    count = 0
    with progress.phase(f"Reading {what}", unit="rows") as step:
        for batch in rows.batches:
            for column, values in zip(columns, zip(*batch, strict=True), strict=True):
                column.add(list(values), _place)
            count += len(batch)
            step(len(batch))
    if not count or not columns:
        raise Invalid(
            f"There are no rows in {what}.", found=f"{len(columns)} column(s), 0 rows", hint="Choose another."
        )
    made: list[pl.Series] = []
    for column, declared in zip(columns, rows.columns, strict=True):
        series = column.finish(what, _place, mixed=reading.mixed, notes=notes)
        if not column.kinds and declared.kind:
            series = series.cast(STORED[declared.kind])
        elif declared.kind == "number" and series.dtype == pl.Int64:
            series = _widened(column, series)
        made.append(dated(series) if series.dtype == pl.String and declared.kind == "" else series)
    return Read(pl.DataFrame(made), notes)


def _widened(column: Gathered, series: pl.Series) -> pl.Series:
    """Floating-point columns stay numbers; decimals without a fraction may be integers."""
    return series if int in column.kinds else series.cast(pl.Float64)


def _place(row: int) -> str:
    return f"row {row + 1}"
