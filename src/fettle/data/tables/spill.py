"""Tables beyond memory, cut into buckets on the disk: rows of equal keys lie in buckets of the same number.

A side is read once, a batch at a time, and each row is written to the bucket that a hash of its key names. Whatever is
asked of rows with equal keys is then asked of one bucket after the other, each small enough for memory.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from fettle.core.progress import phase
from fettle.data.tables.compare import bucket_form

BUDGET_BYTES = 1 << 30
"""Memory that a comparison or merge may take before its sides are cut into buckets."""
MOST_BUCKETS = 512
BATCH_ROWS = 1 << 16
PER_VALUE_BYTES = 24
"""What a value takes in memory while it is compared: itself, its copy in the order of the other side, some slack."""
ROW = "#row"
_SEED = 0x9E3779B97F4A7C15


class Budget(NamedTuple):
    """How much memory may be taken, and where rows go for which that is too little.

    Attributes:
        size_bytes: The most bytes of rows in memory at a time.
        folder: For the buckets; None: the system's folder for temporary files.
    """

    size_bytes: int = BUDGET_BYTES
    folder: Path | None = None

    def buckets(self, rows: int, columns: int) -> int:
        """How many buckets so many rows need; 1 if they fit as they are."""
        needed = rows * (columns + 2) * PER_VALUE_BYTES
        return min(MOST_BUCKETS, -(-needed // self.size_bytes)) if needed > self.size_bytes else 1

    @contextmanager
    def place(self) -> Iterator[Path]:
        """A folder that is gone afterwards; what killed processes left behind goes, too."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            _sweep(self.folder)
        with tempfile.TemporaryDirectory(prefix=f"spill-{os.getpid()}-", dir=self.folder) as name:
            yield Path(name)


class Buckets(NamedTuple):
    """One side in buckets; each has the rows' numbers in the column `#row`, in order."""

    paths: list[Path]

    def read(self, number: int) -> pl.DataFrame:
        """The rows of a bucket."""
        return pl.read_ipc_stream(self.paths[number])


class Cutter:
    """Writes rows to buckets; used as a context, after which the buckets can be read.

    Args:
        count: How many buckets.
        schema: Of the rows.
        folder: Where to; it is made.
    """

    def __init__(self, count: int, schema: pl.Schema, folder: Path) -> None:
        folder.mkdir()
        self._schema = _arrow(pl.DataFrame(schema=schema)).schema
        self._open = ExitStack()
        self._writers: list[pa.RecordBatchStreamWriter] = []
        self.buckets = Buckets([folder / f"{number:04d}.arrows" for number in range(count)])

    def __enter__(self) -> Cutter:
        for path in self.buckets.paths:
            self._writers.append(self._open.enter_context(pa.ipc.new_stream(path, self._schema)))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def put(self, rows: pl.DataFrame, numbers: pl.Series) -> None:
        """Write each row to the bucket of its number."""
        numbered = rows.with_columns(numbers.cast(pl.Int64).alias("#bucket"))
        for piece in numbered.partition_by("#bucket"):
            number: int = piece.drop_in_place("#bucket")[0]
            self._writers[number].write_table(_arrow(piece).cast(self._schema))


def spill(
    side: pl.LazyFrame, key: Sequence[str], forms: Sequence[pl.DataType], count: int, folder: Path
) -> Buckets:
    """Cut a side into buckets.

    Args:
        side: Its rows, with the columns that are wanted.
        key: The key columns.
        forms: Their types on the other side, in which equal keys must land in the same bucket.
        count: How many buckets.
        folder: Where to; it is made.
    """
    start = 0
    schema = pl.Schema({ROW: pl.UInt32(), **side.collect_schema()})
    with Cutter(count, schema, folder) as cutter, phase("Sorting into buckets", unit="rows") as step:
        for batch in _batches(side):
            numbers = _bucket(batch, key, forms, count)
            rows = pl.int_range(start, start + batch.height, dtype=pl.UInt32, eager=True).alias(ROW)
            cutter.put(batch.insert_column(0, rows), numbers)
            start += batch.height
            step(batch.height)
    return cutter.buckets


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _batches(side: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    for batch in side.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        yield from batch.iter_slices(BATCH_ROWS)


def _bucket(batch: pl.DataFrame, key: Sequence[str], forms: Sequence[pl.DataType], count: int) -> pl.Series:
    keys = [bucket_form(batch[name], other) for name, other in zip(key, forms, strict=True)]
    frame = pl.DataFrame([each.alias(str(place)) for place, each in enumerate(keys)])
    return frame.hash_rows(_SEED) % count


def _sweep(folder: Path) -> None:
    """Remove what processes left that are no more."""
    import shutil

    for left in folder.glob("spill-*-*"):
        owner = left.name.split("-")[1]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
