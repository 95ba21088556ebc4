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
from fettle.core.errors import Conflict, NotFound
from fettle.storage.disks import write_atomically
from fettle.tracking.chunks import Points
from fettle.tracking.transfer import layout
from fettle.tracking.transfer.made import Chosen, fetch, write_made

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.tracking.records.metrics import Metric
    from fettle.tracking.records.runs import Run

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
    names = _write_experiments(ws, folder, experiments)
    chosen = Chosen(not experiments, {f"experiment:{each}" for each in names})
    counts = _write_runs(ws, folder, experiments, chosen.known)
    write_made(ws, folder, chosen)
    made = layout.Manifest(layout.FORMAT, ws.clock.now(), len(names), *counts)
    write_atomically(folder / layout.MANIFEST, [canonical.encode(made)])
    return Exported(str(folder), *counts)


def _write_experiments(ws: Surface, folder: Path, wanted: Sequence[str]) -> list[str]:
    found = ws.call("tracking.experiment_rows")
    names = [each.name for each in found]
    for each in wanted:
        if each not in names:
            raise NotFound.among("experiment", each, names)
    rows = [
        {**msgspec.structs.asdict(each), "tags": _json(each.tags)}
        for each in found
        if not wanted or each.name in wanted
    ]
    pq.write_table(pa.Table.from_pylist(rows, layout.EXPERIMENT_COLUMNS), folder / layout.EXPERIMENTS)
    return [row["name"] for row in rows]


def _write_runs(
    ws: Surface, folder: Path, experiments: Sequence[str], known: set[str]
) -> tuple[int, int, int]:
    """Write runs page by page, each as it was at one moment; one that is purged meanwhile is left out."""
    runs = points = files = 0
    with (
        pq.ParquetWriter(folder / layout.RUNS, layout.RUN_COLUMNS) as run_rows,
        pq.ParquetWriter(folder / layout.POINTS, layout.POINT_COLUMNS, compression="zstd") as point_rows,
        pq.ParquetWriter(folder / layout.ARTIFACTS, layout.ARTIFACT_COLUMNS) as artifact_rows,
        progress.phase("Exporting", total=None, unit="runs") as step,
    ):
        for page in _pages(ws, experiments):
            counts = _write_points(ws, page, point_rows)
            there = [each for each in page if each.id in counts]
            run_rows.write_table(pa.Table.from_pylist([_run(each) for each in there], layout.RUN_COLUMNS))
            known.update(f"run:{each.id}" for each in there)
            runs, points = runs + len(there), points + sum(counts.values())
            files += _write_files(ws, there, folder, artifact_rows)
            step(len(page))
    return runs, points, files


def _pages(ws: Surface, experiments: Sequence[str]) -> Iterator[list[Run]]:
    after = ""
    while (page := ws.call("tracking.run_page", after=after, experiments=list(experiments))).runs:
        after = page.after
        yield page.runs


def _run(run: Run) -> dict[str, Any]:
    row = {name: getattr(run, name) for name in layout.RUN_COLUMNS.names}
    return row | {name: _json(row[name]) for name in ("inputs", "params", "tags")}


def _json(value: Any) -> str:
    return canonical.encode(value).decode()


class _PointRows:
    """Points on their way into the file, written in groups; those of a run that is gone are let go."""

    def __init__(self, to: pq.ParquetWriter) -> None:
        self._to = to
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def add(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._rows += len(table)
        if self._rows >= _GROUP_ROWS:
            self.flush()

    def drop(self, run: str) -> None:
        """Let go of what has not been written of a run; what has been is no run's, and nobody takes it in."""
        self._waiting = [each for each in self._waiting if each["run"][0].as_py() != run]
        self._rows = sum(map(len, self._waiting))

    def flush(self) -> None:
        if self._waiting:
            self._to.write_table(pa.concat_tables(self._waiting))
        self._waiting, self._rows = [], 0


def _write_points(ws: Surface, page: Iterable[Run], to: pq.ParquetWriter) -> dict[str, int]:
    """Write the points of runs; run → how many, without runs that are gone."""
    counts: dict[str, int] = {}
    rows = _PointRows(to)
    for run in page:
        try:
            counts[run.id] = _write_run(ws, run, rows)
        except NotFound:
            if _is_there(ws, run.id):
                raise
            rows.drop(run.id)
    rows.flush()
    return counts


def _write_run(ws: Surface, run: Run, rows: _PointRows) -> int:
    written = 0
    for metric in run.summaries:
        for points in _pieces(ws, run.id, metric):
            rows.add(_table(run.id, metric.key, points))
            written += len(points)
    return written


def _is_there(ws: Surface, run: str) -> bool:
    try:
        ws.call("tracking.show", run=run)
    except NotFound:
        return False
    return True


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
    rows = [row for row in rows if _fetched(ws, folder, row)]
    if rows:
        to.write_table(pa.Table.from_pylist(rows, layout.ARTIFACT_COLUMNS))
    return len(rows)


def _fetched(ws: Surface, folder: Path, row: dict[str, Any]) -> bool:
    """Fetch a file; False if it was taken away meanwhile, with its run or by itself."""
    try:
        fetch(ws, folder, row["digest"])
    except NotFound:
        left = ws.call("tracking.show", run=row["run"]).artifacts if _is_there(ws, row["run"]) else []
        if any((each.path, each.digest) == (row["path"], row["digest"]) for each in left):
            raise
        return False
    return True
