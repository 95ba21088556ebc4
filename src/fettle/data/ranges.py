"""Tables behind `data://` as lazy polars frames that read ranges: only what a query needs leaves the store.

Polars' own `scan_parquet` opens addresses of its own list only (`s3://`, `https://`, …) and has no way to be told of
others; what it offers for that, `register_io_source` and `scan_external_reader`, makes a frame too and is marked
unstable. So a scan goes by a dataset of pyarrow, which reads by fsspec, and takes columns and conditions along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fettle.core.errors import Invalid, NotFound
from fettle.data.filesystem import DataFileSystem

if TYPE_CHECKING:
    import os

    import polars as pl

    from fettle.acts import Surface


def scan_parquet(address: str, *, workspace: Surface | str | os.PathLike[str] | None = None) -> pl.LazyFrame:
    """Open Parquet files of a version lazily; of a file only the columns and row groups that are needed are read.

    `fettle.data("churn@v2")` copies whole parts to a local cache, which is faster where they are read again; this
    leaves nothing behind, and is for a part of a large table in a store far away.

    Args:
        address: `data://churn@v2` for a version that is one table, `data://images@main/labels.parquet` for a file,
            a folder, or a glob such as `data://churn@v2/table/*.parquet`.
        workspace: A workspace, its folder or URL; None means that of the current folder.

    Raises:
        NotFound: There is no such version, or no Parquet file at that place.
        Invalid: The version holds files, and not one table.

    Example:
        `scan_parquet("data://churn@v2").filter(pl.col("age") > 60).select("plan").collect()`
    """
    import polars as pl
    import pyarrow.dataset as ds
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    files = DataFileSystem(workspace)
    found = ds.dataset(
        _places(files, address), filesystem=PyFileSystem(FSSpecHandler(files)), format="parquet"
    )
    return pl.scan_pyarrow_dataset(found)


def _places(files: DataFileSystem, address: str) -> Sequence[str]:
    path = address.removeprefix("data://").strip("/")
    ref, slash, inner = path.partition("/")
    if not slash:
        return [f"{ref}/{each.path}" for each in files.commit(ref).table.parts]
    names = files.glob(path) if "*" in inner or "?" in inner else files.find(path)
    found = sorted(str(each) for each in names if str(each).endswith(".parquet"))
    if found:
        return found
    if files.isfile(path):
        raise Invalid(
            f"{path} is no Parquet file.",
            hint=f"pl.read_csv(fs.open({path!r})) reads others; fettle.data({path!r}) any table.",
        )
    raise NotFound(f"There is no Parquet file at data://{path}.", hint=f"fettle data ls {ref}")
