"""The rows of a version, back again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import NotFound
from fettle.data.records.versions import Column, Commit
from fettle.data.repositories import repository
from fettle.data.versions.cache import cached, cached_file
from fettle.data.versions.references import resolve

if TYPE_CHECKING:
    import polars as pl

    from fettle.acts import Surface


def load(ws: Surface, ref: str | Commit, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Load the rows of a version, in the order they were committed.

    Args:
        ws: The workspace.
        ref: `name`, `name@branch` or `name@commit`; or a commit.
        columns: Which columns, in which order; None means all. Only these are decoded.

    Raises:
        NotFound: There is no such version or column.
        Invalid: The version holds files, not one table.
        Unavailable: A stored part is damaged.
    """
    return scan(ws, ref, columns).collect()


def scan(ws: Surface, ref: str | Commit, columns: Sequence[str] | None = None) -> pl.LazyFrame:
    """Open a version lazily, for more rows than fit into memory; its parts are copied once to a local cache.

    Arguments and errors are those of `load`.
    """
    import polars as pl

    commit = resolve(ws, ref)
    wanted = _wanted(commit, columns)
    parts = [cached(ws, part) for part in commit.table.parts]
    return pl.concat([cast(pl.scan_parquet(each, glob=False), wanted) for each in parts])


def frame(ws: Surface, ref: str, columns: Sequence[str] | None = None) -> pl.LazyFrame:
    """Open a version, or one file of it (`name@ref/path/to.csv`), lazily.

    Arguments and errors are those of `load`; a file must be one that `ingest` reads.
    """
    name, slash, path = ref.partition("/")
    if not slash:
        return scan(ws, name, columns)
    from fettle.data.engine import trees
    from fettle.data.ingest import read_source

    commit, repo = resolve(ws, name), repository(ws)
    entry = trees.find(commit.tree, path, repo.node)
    if entry is None:
        known = [each.path for each in trees.entries(commit.tree, repo.node)]
        raise NotFound.among(f"file of {name}", path, known)
    lazy = read_source(cached_file(ws, entry.digest, entry.size_bytes, Path(path).name)).lazy()
    return lazy if columns is None else lazy.select(list(columns))


def _wanted(commit: Commit, names: Sequence[str] | None) -> list[Column]:
    known = {column.name: column for column in commit.columns}
    for name in names or ():
        if name not in known:
            raise NotFound.among(f"column of {commit.dataset}", name, known)
    return commit.columns if names is None else [known[name] for name in names]


def cast(frame: pl.LazyFrame, columns: list[Column]) -> pl.LazyFrame:
    """The columns in this order and as these types are kept."""
    import polars as pl

    from fettle.data.types import STORED

    return frame.select(pl.col(column.name).cast(STORED[column.type]) for column in columns)
