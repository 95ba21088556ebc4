"""Tables as files for others: CSV, Parquet, JSON, JSON lines or Arrow, as the suffix of the name says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl

from fettle.core.errors import Invalid, Unavailable

_WRITE: dict[str, Callable[[pl.LazyFrame, Path], object]] = {
    ".csv": lambda frame, path: frame.sink_csv(path),
    ".tsv": lambda frame, path: frame.sink_csv(path, separator="\t"),
    ".parquet": lambda frame, path: frame.sink_parquet(path, compression="zstd"),
    ".jsonl": lambda frame, path: frame.sink_ndjson(path),
    ".ndjson": lambda frame, path: frame.sink_ndjson(path),
    ".json": lambda frame, path: frame.collect().write_json(path),
    ".arrow": lambda frame, path: frame.sink_ipc(path),
}
TABLE_SUFFIXES = tuple(_WRITE)


def is_table(name: str) -> bool:
    """Whether a file's name is that of a table which can be read and written."""
    return name.casefold().endswith(TABLE_SUFFIXES)


def write_file(frame: pl.DataFrame | pl.LazyFrame, path: Path) -> None:
    """Write a table to a file, in the format that its suffix names; it appears whole or not at all.

    A lazy frame is streamed, but for `.json`, an array that is made in memory.

    Raises:
        Invalid: The suffix names no format.
        Unavailable: The disk is full, or the folder cannot be written.
    """
    write = _WRITE.get(path.suffix.casefold())
    if write is None:
        raise Invalid(
            f"A table cannot be written to {path.name!r}.",
            found=f"the suffix {path.suffix!r}" if path.suffix else "a name without a suffix",
            hint=f"End the name with one of {', '.join(TABLE_SUFFIXES)}",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        write(frame.lazy(), waiting)
        waiting.replace(path)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written.", found=str(error), hint="Look at the disk and the folder."
        ) from error
    finally:
        waiting.unlink(missing_ok=True)
