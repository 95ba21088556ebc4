"""What people made around their runs, to Parquet and back, a file a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.core.ids import digest_file
from fettle.storage.objects import fetch_object, has_object, object_key, put_object
from fettle.tracking.transfer import layout

if TYPE_CHECKING:
    from fettle.acts import Surface

_PAGE = 500


class Chosen(NamedTuple):
    """What an export is of.

    Attributes:
        everything: Whether it is of the whole workspace.
        known: What is in it by now: `experiment:NAME`, `run:ID`, and what later tables' rows belong to.
    """

    everything: bool
    known: set[str]


def write_made(ws: Surface, folder: Path, chosen: Chosen) -> None:
    """Write all tables, as far as they belong to what is exported."""
    for name, table in layout.MADE.items():
        with pq.ParquetWriter(folder / f"{name}.parquet", table.columns, compression="zstd") as to:
            for page in _pages(ws, name):
                rows = [row for row in page if _belongs(table, row, chosen)]
                if name == "files":
                    rows = [row for row in rows if _fetched(ws, folder, row)]
                if table.named:
                    chosen.known.update(f"{table.named}:{row['id']}" for row in rows)
                if rows:
                    to.write_table(pa.Table.from_pylist(rows, table.columns))


def _fetched(ws: Surface, folder: Path, row: dict[str, Any]) -> bool:
    """Fetch a file; False if it was taken away meanwhile."""
    try:
        fetch(ws, folder, row["digest"])
    except NotFound:
        still = ws.call("tracking.files", owner=row["owner"], folder=row["path"])
        if any(each.digest == row["digest"] for each in still):
            raise
        return False
    return True


def take_made(ws: Surface, folder: Path) -> None:
    """Take in all tables; those that an older export has not are passed over.

    Raises:
        Invalid: The content of a file is missing or damaged.
    """
    for name in layout.MADE:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            continue
        for page in pl.read_parquet(path).iter_slices(_PAGE):
            rows = rows_of(page)
            for row in rows if name == "files" else ():
                arrive(ws, folder, row["digest"])
            ws.call("tracking.adopt_rows", table=name, rows=rows)


def rows_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as acts take them: moments in microseconds."""
    return frame.with_columns(pl.col(pl.Datetime).dt.timestamp("us")).to_dicts()


def fetch(ws: Surface, folder: Path, digest: str) -> None:
    """Put a file's content into the export, once."""
    path = folder / object_key(digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fetch_object(ws.blobs, digest, path)


def arrive(ws: Surface, folder: Path, digest: str) -> None:
    """Keep a file's content of the export in the workspace.

    Raises:
        Invalid: It is missing or damaged.
    """
    if has_object(ws.blobs, digest):
        return
    path = folder / object_key(digest)
    if not path.is_file() or digest_file(path) != digest:
        raise Invalid(
            f"{path} is missing or damaged.", found="other content than its name says", hint="Export again."
        )
    put_object(ws.blobs, path)


def _pages(ws: Surface, table: str) -> Iterator[list[dict[str, Any]]]:
    after: list[Any] = []
    while (page := ws.call("tracking.rows", table=table, after=after, limit=_PAGE)).rows:
        after = page.after
        yield page.rows


def _belongs(table: layout.Made, row: dict[str, Any], chosen: Chosen) -> bool:
    """Whether a row goes with what is exported; things of the whole workspace go with an export of everything only."""
    if chosen.everything or not table.whose:
        return chosen.everything
    of = row[table.whose]
    if table.kind == layout.MANY:
        named = canonical.decode(of.encode(), list[str])
        return any(f"experiment:{each}" in chosen.known for each in named)
    return (f"{table.kind}:{of}" if table.kind else of) in chosen.known
