"""One side of a comparison: rows in a frame, or in Parquet files whose row groups have digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow.parquet as pq

from fettle.data.records import Column, RowGroup
from fettle.data.types import STORED


class PartFile(NamedTuple):
    """A Parquet file of a table on this machine, with its row groups if they are known."""

    path: Path
    groups: Sequence[RowGroup] = ()


class TableFiles(NamedTuple):
    """A version of a table as files on this machine, in order.

    Attributes:
        columns: As the version has them, wider than a part's own where later rows asked for it.
        parts: The files.
        shared_rows: Rows of files that the other side of a comparison has too, left out of `parts`.
    """

    columns: Sequence[Column]
    parts: Sequence[PartFile]
    shared_rows: int = 0


Side = TableFiles | pl.LazyFrame | pl.DataFrame


def scan_side(side: Side) -> pl.LazyFrame:
    """All rows, lazily."""
    return (
        side.lazy()
        if not isinstance(side, TableFiles)
        else _scanned(side, [(part.path, 0, None) for part in side.parts])
    )


def without_shared(old: Side, new: Side) -> tuple[pl.LazyFrame, pl.LazyFrame, int]:
    """Both sides without the row groups that they share, and how many rows those have.

    A group may be left out of both sides where its columns have the same names, types and order and its bytes the same
    digest: its rows are then the same. Of a group that occurs more often on one side, as many are left out as the other
    has.
    """
    if not (isinstance(old, TableFiles) and isinstance(new, TableFiles)):
        return scan_side(old), scan_side(new), 0
    old_names, new_names = _named_groups(old), _named_groups(new)
    shared = Counter(old_names) & Counter(new_names)
    old_runs, rows = _runs(old, old_names, shared.copy())
    new_runs, _ = _runs(new, new_names, shared.copy())
    return _scanned(old, old_runs), _scanned(new, new_runs), rows + old.shared_rows


Run = tuple[Path, int, int | None]
"""Rows of a file: from where, and how many; None means all that follow."""


def _named_groups(side: TableFiles) -> list[tuple[str, str]]:
    """What each row group is called: its columns and its digest."""
    names = []
    for part in side.parts:
        schema = str(pq.read_schema(part.path).remove_metadata()) if part.groups else ""
        names += [(schema, group.digest) for group in part.groups]
    return names


def _runs(
    side: TableFiles, names: list[tuple[str, str]], shared: Counter[tuple[str, str]]
) -> tuple[list[Run], int]:
    """The runs of rows outside shared groups, and the rows within."""
    runs: list[Run] = []
    left_out = 0
    rest = iter(names)
    for part in side.parts:
        if not part.groups:
            runs.append((part.path, 0, None))
        start = 0
        for group in part.groups:
            name = next(rest)
            if shared[name] > 0:
                shared[name] -= 1
                left_out += group.rows
            elif runs and runs[-1][0] == part.path and runs[-1][1] + (runs[-1][2] or 0) == start:
                runs[-1] = (part.path, runs[-1][1], (runs[-1][2] or 0) + group.rows)
            else:
                runs.append((part.path, start, group.rows))
            start += group.rows
    return runs, left_out


def _scanned(side: TableFiles, runs: Sequence[Run]) -> pl.LazyFrame:
    cast = [pl.col(column.name).cast(STORED[column.type]) for column in side.columns]
    if not runs:
        return pl.LazyFrame(schema={column.name: STORED[column.type] for column in side.columns})
    frames = []
    for path, start, rows in runs:
        frame = pl.scan_parquet(path, glob=False)
        frames.append((frame if rows is None else frame.slice(start, rows)).select(cast))
    return pl.concat(frames)
