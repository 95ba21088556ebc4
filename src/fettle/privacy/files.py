"""Files of rows, as plainly as can be: `data` reads the difficult ones, and commits them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from fettle.core.errors import Invalid, NotFound, Unavailable

_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": lambda path: pl.read_csv(path, infer_schema_length=10_000, try_parse_dates=True),
    ".tsv": lambda path: pl.read_csv(path, separator="\t", infer_schema_length=10_000, try_parse_dates=True),
    ".parquet": pl.read_parquet,
    ".jsonl": pl.read_ndjson,
    ".ndjson": pl.read_ndjson,
    ".arrow": pl.read_ipc,
}
_WRITERS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    ".csv": lambda frame, path: frame.write_csv(path),
    ".tsv": lambda frame, path: frame.write_csv(path, separator="\t"),
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".jsonl": lambda frame, path: frame.write_ndjson(path),
    ".ndjson": lambda frame, path: frame.write_ndjson(path),
    ".arrow": lambda frame, path: frame.write_ipc(path),
}


def read(path: Path) -> pl.DataFrame:
    """Read a file of rows by its ending.

    Raises:
        NotFound: There is no such file.
        Invalid: It is of another kind, or damaged.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", hint="Give a path to rows: .csv, .parquet, .jsonl, …")
    reader = _known(path, _READERS)
    try:
        return reader(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Invalid(
            f"{path.name} cannot be read.",
            found=str(error).splitlines()[0],
            hint=f"`fettle data scan-privacy {path.name}` reads more kinds of CSV, as `fettle data ingest` does.",
        ) from error


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write rows to a file by its ending; whole or not at all.

    Raises:
        Invalid: It is of another kind.
        Unavailable: It cannot be written.
    """
    writer = _known(path, _WRITERS)
    partial = path.with_name(f".{path.name}.partial")
    try:
        writer(frame, partial)
        partial.replace(path)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written.", found=str(error), hint="Choose another folder."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _known(path: Path, kinds: dict[str, Any]) -> Any:  # a reader or a writer
    if path.suffix.lower() not in kinds:
        raise Invalid(
            f"{path.name} is no kind of file that is known here.",
            found=f"the ending {path.suffix!r}",
            hint=f"Use one of {', '.join(kinds)}; `fettle data` reads more.",
        )
    return kinds[path.suffix.lower()]
