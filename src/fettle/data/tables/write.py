"""Write a table as Parquet files whose bytes change little when the table changes little.

Files end where the rows say (`cuts`), pages where the values say: pyarrow's content-defined pages of 64 to 256 KiB.
Whatever two versions have in common then lies in the same bytes and is stored once. A file is one row group, because
pyarrow's page cutter remembers the group before: a second group's bytes would depend on the first's rows. The same rows
give the same bytes, as long as pyarrow's release is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fettle.core import ids
from fettle.core.errors import Invalid, NotFound
from fettle.core.progress import phase
from fettle.data.records import Column, Part, RowGroup
from fettle.data.tables.cuts import DISTINCT_SHARE, SAMPLE_ROWS, pieces_of
from fettle.data.types import type_of

FOLDER = "table"
COMPRESSION_LEVEL = 3
PAGES = {"min_chunk_size": 64 << 10, "max_chunk_size": 256 << 10}

Rows = pl.DataFrame | pl.LazyFrame | Iterable[pl.DataFrame]
_ARROW = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
}
_ENCODINGS = {
    "integer": "DELTA_BINARY_PACKED",
    "number": "BYTE_STREAM_SPLIT",
    "boolean": "PLAIN",
    "string": "DELTA_LENGTH_BYTE_ARRAY",
    "date": "DELTA_BINARY_PACKED",
    "datetime": "DELTA_BINARY_PACKED",
}


class Written(NamedTuple):
    """One Parquet file in memory: its bytes, how many rows it has, and its row groups."""

    data: memoryview
    rows: int
    groups: list[RowGroup]


class Keeper(Protocol):
    """Whoever keeps the bytes of files, such as the engine's writer."""

    def put_bytes(self, data: bytes, /) -> Kept:
        """Keep the bytes; the answer has their digest and length."""
        ...


class Kept(Protocol):
    """Where bytes went."""

    @property
    def digest(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...


def write_table(rows: Rows, *, key: Sequence[str] = ()) -> Iterator[Written]:
    """Write rows as Parquet files, one after the other; memory holds about one file's rows, whatever the table.

    A file has about 128k rows and 16 MiB of values, at most twice that.

    Args:
        rows: A frame of the six types of `fettle.data.types`; lazy ones are computed in batches, in order.
        key: The columns that tell rows apart, if known: cuts then follow them alone.

    Returns:
        The files in order; none if there are no rows.

    Raises:
        Invalid: A column is of another type (`types.normalise` brings it to one of the six), or batches differ.
        NotFound: A key column does not exist.
    """
    known: list[Column] | None = None

    def checked() -> Iterator[pl.DataFrame]:
        nonlocal known
        for frame in _batches(rows):
            columns = [Column(name, type_of(dtype)) for name, dtype in frame.schema.items()]
            known = known or _keyed(columns, key)
            if columns != known:
                raise Invalid(
                    "The batches of a table have different columns.",
                    found=f"{_named(columns)} after {_named(known)}",
                    hint="Bring every batch to the same columns and types first.",
                )
            yield frame

    for piece in pieces_of(checked(), key):
        yield _written(piece)


def store_table(
    keeper: Keeper, rows: Rows, *, key: Sequence[str] = (), folder: str = FOLDER, first: int = 0
) -> list[Part]:
    """Write rows and keep the files; returns them as the parts of a table.

    Args:
        keeper: The open writer of the engine.
        rows: As for `write_table`.
        key: As for `write_table`.
        folder: The table's folder in the tree.
        first: Number of the first part; how many parts the table has already, when appending.
    """
    parts = []
    total = rows.height if isinstance(rows, pl.DataFrame) else None
    with phase("Writing", total=total, unit="rows") as step:
        for number, written in enumerate(write_table(rows, key=key), start=first):
            kept = keeper.put_bytes(bytes(written.data))
            parts.append(
                Part(kept.digest, written.rows, kept.size_bytes, part_path(folder, number), written.groups)
            )
            step(written.rows)
    return parts


def part_path(folder: str, number: int) -> str:
    """Where a part lies in the tree: names sort in the order of the rows."""
    return f"{folder}/{number:06d}.parquet"


def row_groups(data: memoryview, facts: pq.FileMetaData) -> list[RowGroup]:
    """How many rows each row group of a Parquet file has, and BLAKE3 of its column chunks' bytes.

    Args:
        data: The whole file.
        facts: Its footer.
    """
    found = []
    for index in range(facts.num_row_groups):
        group = facts.row_group(index)
        chunks = [group.column(each) for each in range(group.num_columns)]
        starts = [
            min(each.dictionary_page_offset or each.data_page_offset, each.data_page_offset)
            for each in chunks
        ]
        end = max(start + each.total_compressed_size for start, each in zip(starts, chunks, strict=True))
        found.append(RowGroup(group.num_rows, ids.digest(data[min(starts) : end])))
    return found


def _written(frame: pl.DataFrame) -> Written:
    schema = pa.schema([(name, _ARROW[type_of(dtype)]) for name, dtype in frame.schema.items()])
    sink = pa.BufferOutputStream()
    writer = pq.ParquetWriter(
        sink,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        write_statistics=True,
        store_schema=False,
        **_encodings(frame),
        use_content_defined_chunking=PAGES,  # type: ignore[arg-type]  # its stubs know no options, only bool
    )
    with writer:
        writer.write_table(_arrow(frame, schema), row_group_size=frame.height)
    buffer = sink.getvalue()
    data = memoryview(buffer).cast("B")
    facts = pq.read_metadata(pa.BufferReader(buffer))
    return Written(data, frame.height, row_groups(data, facts))


def _encodings(head: pl.DataFrame) -> dict[str, Any]:
    """Dictionaries where values repeat; where they do not, a dictionary would change with every insertion."""
    sample = head[:SAMPLE_ROWS]
    repeating = [
        each.name for each in sample.iter_columns() if each.n_unique() < DISTINCT_SHARE * sample.height
    ]
    others = {
        each.name: _ENCODINGS[type_of(each.dtype)]
        for each in head.iter_columns()
        if each.name not in repeating
    }
    return {"use_dictionary": repeating, "column_encoding": others}


def _arrow(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema).combine_chunks()


def _batches(rows: Rows) -> Iterator[pl.DataFrame]:
    if isinstance(rows, pl.DataFrame):
        yield from rows.iter_slices(SAMPLE_ROWS)
    elif isinstance(rows, pl.LazyFrame):
        yield from rows.collect_batches(chunk_size=SAMPLE_ROWS, maintain_order=True)
    else:
        yield from rows


def _keyed(columns: list[Column], key: Sequence[str]) -> list[Column]:
    names = [each.name for each in columns]
    for name in key:
        if name not in names:
            raise NotFound.among("column", name, names)
    return columns


def _named(columns: list[Column]) -> str:
    return ", ".join(f"{each.name} {each.type}" for each in columns[:8])
