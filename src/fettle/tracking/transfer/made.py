"""What people made around their runs, to Parquet and back, a file a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fettle.core.errors import Invalid
from fettle.core.ids import digest_file
from fettle.storage.objects import fetch_object, has_object, object_key, put_object
from fettle.tracking.transfer import layout

if TYPE_CHECKING:
    from fettle.acts import Surface

_PAGE = 500


def write_made(ws: Surface, folder: Path, experiments: Sequence[str]) -> None:
    """Write all tables; with `experiments`, only what belongs to them, their runs, models and traces."""
    chosen = _chosen(ws, experiments) if experiments else None
    for name, table in layout.MADE.items():
        with pq.ParquetWriter(folder / f"{name}.parquet", table.columns, compression="zstd") as to:
            for page in _pages(ws, name):
                rows = [row for row in page if chosen is None or _belongs(table, row, chosen)]
                if chosen is not None and table.named:
                    chosen |= {f"{table.named}:{row['id']}" for row in rows}
                if rows:
                    to.write_table(pa.Table.from_pylist(rows, table.columns))
                for row in rows if name == "files" else ():
                    fetch(ws, folder, row["digest"])


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
    start = 0
    while page := ws.call("tracking.rows", table=table, start=start, limit=_PAGE):
        start += len(page)
        yield page


def _chosen(ws: Surface, experiments: Sequence[str]) -> set[str]:
    found, after = {f"experiment:{each}" for each in experiments}, ""
    while ids := ws.call("tracking.ids", after=after, limit=_PAGE, experiments=list(experiments)):
        found |= {f"run:{each}" for each in ids}
        after = ids[-1]
    return found


def _belongs(table: layout.Made, row: dict[str, Any], chosen: set[str]) -> bool:
    if not table.whose:
        return False
    of = row[table.whose]
    return (f"{table.kind}:{of}" if table.kind else of) in chosen
