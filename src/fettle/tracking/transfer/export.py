"""Write everything that is known of runs to Parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fettle.core import canonical, progress
from fettle.core.errors import Conflict
from fettle.storage.disks import write_atomically
from fettle.tracking.chunks import Points
from fettle.tracking.transfer import layout
from fettle.tracking.transfer.made import fetch, write_made

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.tracking.records.metrics import Metric
    from fettle.tracking.records.runs import Run

_PAGE = 500
_GROUP_ROWS = 1 << 20


class Exported(msgspec.Struct, frozen=True):
    """What an export holds.

    Attributes:
        folder: Where.
        runs: Runs, with those in the bin and the archive.
        points: Their points.
        files: Their files.
    """

    folder: str
    runs: int
    points: int
    files: int


def export(ws: Surface, folder: Path, experiments: Sequence[str] = ()) -> Exported:
    """Write runs with all they have; the folder counts as an export once its manifest is there.

    Args:
        ws: The workspace.
        folder: A new or empty folder.
        experiments: Only these; all otherwise.

    Raises:
        Conflict: The folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(
            f"{folder} is not empty.", hint="Give a new folder; an export is never mixed with another."
        )
    folder.mkdir(parents=True, exist_ok=True)
    chosen = _write_experiments(ws, folder, experiments)
    counts = _write_runs(ws, folder, experiments)
    write_made(ws, folder, experiments)
    made = layout.Manifest(layout.FORMAT, ws.clock.now(), chosen, *counts)
    write_atomically(folder / layout.MANIFEST, [canonical.encode(made)])
    return Exported(str(folder), *counts)


def _write_experiments(ws: Surface, folder: Path, wanted: Sequence[str]) -> int:
    found = [*ws.call("tracking.experiments"), *ws.call("tracking.experiments", deleted=True)]
    rows = [
        {**{name: getattr(each, name) for name in layout.EXPERIMENT_COLUMNS.names}, "tags": _json(each.tags)}
        for each in found
        if not wanted or each.name in wanted
    ]
    pq.write_table(pa.Table.from_pylist(rows, layout.EXPERIMENT_COLUMNS), folder / layout.EXPERIMENTS)
    return len(rows)


def _write_runs(ws: Surface, folder: Path, experiments: Sequence[str]) -> tuple[int, int, int]:
    runs = points = files = 0
    with (
        pq.ParquetWriter(folder / layout.RUNS, layout.RUN_COLUMNS) as run_rows,
        pq.ParquetWriter(folder / layout.POINTS, layout.POINT_COLUMNS, compression="zstd") as point_rows,
        pq.ParquetWriter(folder / layout.ARTIFACTS, layout.ARTIFACT_COLUMNS) as artifact_rows,
        progress.phase("Exporting", total=None, unit="runs") as step,
    ):
        for page in _pages(ws, experiments):
            run_rows.write_table(pa.Table.from_pylist([_run(each) for each in page], layout.RUN_COLUMNS))
            runs += len(page)
            points += _write_points(ws, page, point_rows)
            files += _write_files(ws, page, folder, artifact_rows)
            step(len(page))
    return runs, points, files


def _pages(ws: Surface, experiments: Sequence[str]) -> Iterator[list[Run]]:
    after = ""
    while ids := ws.call("tracking.ids", after=after, limit=_PAGE, experiments=list(experiments)):
        after = ids[-1]
        yield [ws.call("tracking.show", run=each) for each in ids]


def _run(run: Run) -> dict[str, Any]:
    row = {name: getattr(run, name) for name in layout.RUN_COLUMNS.names}
    return row | {name: _json(row[name]) for name in ("inputs", "params", "tags")}


def _json(value: Any) -> str:
    return canonical.encode(value).decode()


def _write_points(ws: Surface, page: Iterable[Run], to: pq.ParquetWriter) -> int:
    written, waiting, rows = 0, [], 0
    for run in page:
        for metric in run.summaries:
            for points in _pieces(ws, run.id, metric):
                waiting.append(_table(run.id, metric.key, points))
                rows += len(points)
                written += len(points)
                if rows >= _GROUP_ROWS:
                    to.write_table(pa.concat_tables(waiting))
                    waiting, rows = [], 0
    if waiting:
        to.write_table(pa.concat_tables(waiting))
    return written


def _pieces(ws: Surface, run: str, metric: Metric) -> Iterator[Points]:
    """All points of a metric in the order of steps, in ranges of steps that hold about a million each."""
    first, last = metric.first_step if metric.first_step is not None else metric.step, metric.step
    ranges = min(-(-metric.count // _GROUP_ROWS), last - first + 1)
    width = -(-(last - first + 1) // max(1, ranges))
    for begin in range(first, last + 1, width):
        column = ws.call(
            "tracking.history", run=run, key=metric.key, first=begin, last=min(begin + width - 1, last)
        )
        points = Points.of(column)
        if len(points):
            yield points


def _table(run: str, key: str, points: Points) -> pa.Table:
    count = len(points)
    return pa.Table.from_arrays(
        [
            pa.DictionaryArray.from_arrays(np.zeros(count, "i4"), [run]).cast(pa.string()),
            pa.DictionaryArray.from_arrays(np.zeros(count, "i4"), [key]).cast(pa.string()),
            pa.array(points.steps),
            pa.array(points.at_us).cast(layout.POINT_COLUMNS.field("at").type),
            pa.array(points.values),
        ],
        schema=layout.POINT_COLUMNS,
    )


def _write_files(ws: Surface, page: Iterable[Run], folder: Path, to: pq.ParquetWriter) -> int:
    rows = [
        {
            "run": run.id,
            **{name: getattr(each, name) for name in layout.ARTIFACT_COLUMNS.names if name != "run"},
        }
        for run in page
        for each in run.artifacts
    ]
    for digest in {row["digest"] for row in rows}:
        fetch(ws, folder, digest)
    if rows:
        to.write_table(pa.Table.from_pylist(rows, layout.ARTIFACT_COLUMNS))
    return len(rows)
