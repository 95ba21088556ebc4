"""Tables of any kind as Parquet files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid

if TYPE_CHECKING:
    import polars as pl


@contextmanager
def parquet(frame: Any) -> Iterator[Path]:
    """A Parquet file with the rows, there until the block ends.

    Args:
        frame: See `Files.log_table`.

    Raises:
        Invalid: It is no table, or a column mixes types.
    """
    import polars as pl

    rows = frame if isinstance(frame, pl.LazyFrame) else table(frame)
    with tempfile.TemporaryDirectory(prefix="fettle-table-") as folder:
        path = Path(folder) / "table.parquet"
        try:
            if isinstance(rows, pl.LazyFrame):
                rows.sink_parquet(path, compression="zstd")
            else:
                rows.write_parquet(path, compression="zstd")
        except pl.exceptions.PolarsError as error:
            raise _refused(frame, error) from error
        yield path


def table(frame: Any) -> pl.DataFrame:
    """Any table as a polars frame."""
    import polars as pl

    if isinstance(frame, pl.DataFrame):
        return frame
    try:
        if type(frame).__module__.partition(".")[0] == "pandas":
            found = pl.from_pandas(frame)
            return found.to_frame() if isinstance(found, pl.Series) else found
        if isinstance(frame, list):
            return pl.DataFrame(frame, infer_schema_length=None)
        return pl.DataFrame(frame)
    except (pl.exceptions.PolarsError, TypeError, ValueError, ImportError) as error:
        raise _refused(frame, error) from error


def _refused(frame: Any, error: Exception) -> Invalid:
    return Invalid(
        f"A {type(frame).__name__} cannot be kept as a table.",
        found=(str(error).splitlines() or [type(error).__name__])[0][:200],
        hint="Give a frame of polars, pandas or pyarrow, or a list of dictionaries; a column has one type.",
    )
