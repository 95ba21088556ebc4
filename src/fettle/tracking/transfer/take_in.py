"""Take in an export, into this workspace, exactly once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from fettle.core import canonical, progress
from fettle.core.errors import Invalid
from fettle.tracking.chunks import Points
from fettle.tracking.imports.bring import ImportedRuns, send
from fettle.tracking.transfer import layout
from fettle.tracking.transfer.made import arrive, rows_of, take_made

if TYPE_CHECKING:
    from fettle.acts import Surface

_TIMES = ("started_at", "ended_at", "archived_at", "deleted_at")


def take_in(ws: Surface, folder: Path) -> ImportedRuns:
    """Make the experiments, runs, points and files of an export; those that are here already stay as they are.

    Args:
        ws: The workspace.
        folder: What `export` wrote.

    Raises:
        NotFound: It is no export, or one that was cut off.
        Invalid: A file in it is damaged.
    """
    try:
        return _take(ws, folder)
    except pl.exceptions.PolarsError as error:
        found = str(error).partition("\n")[0]
        raise Invalid(f"A table in {folder} is damaged.", found=found[:200], hint="Export again.") from error


def _take(ws: Surface, folder: Path) -> ImportedRuns:
    manifest = layout.read_manifest(folder)
    _take_experiments(ws, folder)
    points = pl.scan_parquet(folder / layout.POINTS)
    artifacts = pl.read_parquet(folder / layout.ARTIFACTS)
    new = known = came = files = 0
    with progress.phase("Importing", total=manifest.runs, unit="runs") as step:
        for row in pl.read_parquet(folder / layout.RUNS).iter_rows(named=True):
            fresh = ws.call("tracking.adopt", run=_run(row))
            new, known = new + fresh, known + (not fresh)
            came += _take_points(ws, row["id"], points)
            files += _take_files(ws, row["id"], artifacts, folder)
            step()
    take_made(ws, folder)
    return ImportedRuns(new, known, came, files)


def _take_experiments(ws: Surface, folder: Path) -> None:
    for row in pl.read_parquet(folder / layout.EXPERIMENTS).sort("number").iter_rows(named=True):
        made = row | {"tags": canonical.decode(row["tags"].encode(), dict[str, str])}
        ws.call("tracking.adopt_experiment", experiment=made)


def _run(row: dict[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in row.items() if value is not None}
    for name in ("inputs", "params", "tags"):
        made[name] = canonical.decode(row[name].encode(), Any)
    return made


def _take_points(ws: Surface, run: str, points: pl.LazyFrame) -> int:
    came = 0
    ours = points.filter(pl.col("run") == run).select("key", "step", "at", "value").collect()
    for (key,), rows in ours.partition_by("key", maintain_order=True, as_dict=True).items():
        column = Points(
            rows["step"].to_numpy().astype("<i8"),
            rows["at"].dt.timestamp("us").to_numpy().astype("<i8"),
            np.ascontiguousarray(rows["value"].to_numpy()).astype("<f8"),
        )
        came += send(ws, run, str(key), column)
    return came


def _take_files(ws: Surface, run: str, artifacts: pl.DataFrame, folder: Path) -> int:
    known = {each.path for each in ws.call("tracking.show", run=run).artifacts}
    came = 0
    for row in rows_of(artifacts.filter(pl.col("run") == run)):
        if row["path"] in known:
            continue
        arrive(ws, folder, row["digest"])
        came += ws.call("tracking.adopt_rows", table="artifacts", rows=[row])
    return came
