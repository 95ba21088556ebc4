"""Read runs from a CSV file: an export of another tool, or somebody's own notes.

Each row is a run, or, where there is a column of steps, a point of one. `params.`, `metrics.`, `tags.` (or `config.`,
`summary.`) before a column's name say what it is; of the others, numbers are metrics and the rest are parameters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid, NotFound
from fettle.tracking.imports.foreign import Curves, ForeignRun, Found, attempt, id_of, points_of
from fettle.tracking.records.runs import Status

if TYPE_CHECKING:
    import polars as pl

_KINDS = {
    "params.": "params", "param.": "params", "param:": "params", "config.": "params",
    "metrics.": "metrics", "metric.": "metrics", "metric:": "metrics", "summary.": "metrics",
    "tags.": "tags", "tag.": "tags", "tag:": "tags",
}  # fmt: skip
_NAMES = ("run", "run_id", "id", "name", "run name")
_STEPS = ("step", "_step", "epoch", "iteration")
_TIMES = ("time", "timestamp", "_timestamp", "started", "start_time", "created")
_STATUSES: dict[str, Status] = {
    "crashed": "failed",
    "failed": "failed",
    "killed": "killed",
    "running": "killed",
}


def read(path: Path, *, experiment: str = "", name: str = "", step: str = "") -> Found:
    """The runs of a CSV file.

    Args:
        path: The file, with names in its first line.
        experiment: Where they go; the file's name otherwise.
        name: The column that names the run; found by its name otherwise.
        step: The column of steps; found by its name otherwise, and then every row is a point.

    Raises:
        NotFound: There is no such file or column.
        Invalid: It cannot be read.
    """
    import polars as pl

    try:
        frame = pl.read_csv(path, infer_schema_length=None, try_parse_dates=False)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None
    except pl.exceptions.PolarsError as error:
        raise Invalid(f"{path} cannot be read as CSV.", found=str(error).splitlines()[0]) from error
    frame = frame.with_columns(_number(each) for each in frame.get_columns())
    columns = {each.lower(): each for each in frame.columns}
    named = _column("name", name, _NAMES, columns, frame)
    steps = _column("step", step, _STEPS, columns, frame)
    base = experiment or path.stem
    groups = frame.partition_by(named, maintain_order=True, as_dict=True) if named else {(path.stem,): frame}
    for (which,), rows in groups.items():
        if steps is None:
            for place, row in enumerate(rows.iter_rows(named=True)):
                label = str(which) if named and rows.height == 1 else f"{which}-{place + 1}"
                id = id_of("csv", str(path.resolve()), label)
                yield attempt(label, partial(_row, id, base, label, row, {named, steps}))
        else:
            id = id_of("csv", str(path.resolve()), str(which))
            yield attempt(str(which), partial(_series, id, base, str(which), rows, named, steps))


def _number(column: pl.Series) -> pl.Series:
    """A column of texts that are all numbers, with `nan` and `inf` among them, as numbers."""
    import polars as pl

    if column.dtype != pl.String:
        return column
    numbers = column.str.strip_chars().str.to_lowercase().cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == column.null_count() else column


def _column(
    what: str, asked: str, usual: tuple[str, ...], columns: dict[str, str], frame: pl.DataFrame
) -> str | None:
    if asked and asked not in frame.columns:
        raise NotFound.among(f"column (for the {what})", asked, frame.columns)
    return asked or next((columns[each] for each in usual if each in columns), None)


def _kind(column: str, value: Any) -> tuple[str, str]:
    """What a column is, and its name without the word that says so."""
    for start, kind in _KINDS.items():
        if column.lower().startswith(start):
            return kind, column[len(start) :]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return ("metrics" if number else "params"), column


def _row(id: str, experiment: str, label: str, row: dict[str, Any], taken: set[str | None]) -> ForeignRun:
    found: dict[str, dict[str, Any]] = {"params": {}, "metrics": {}, "tags": {}}
    began, status = None, "finished"
    for column, value in row.items():
        lower = column.lower()
        if column in taken or value is None:
            continue
        if lower in _TIMES and (at := _moment(value)) is not None:
            began = began or at
        elif lower in ("state", "status"):
            status = _STATUSES.get(str(value).lower(), "finished")
        else:
            kind, key = _kind(column, value)
            found[kind][key] = value
    at_us = round(began.timestamp() * 1e6) if began else 0
    return ForeignRun(
        id=id,
        experiment=experiment,
        name=label,
        status=status,
        started_at=began,
        ended_at=began,
        params=found["params"],
        tags={"source": "CSV", **{key: str(value) for key, value in found["tags"].items()}},
        curves=lambda: (
            (key, points_of([(0, at_us, float(value))])) for key, value in found["metrics"].items()
        ),
    )


def _series(
    id: str, experiment: str, label: str, rows: pl.DataFrame, named: str | None, steps: str
) -> ForeignRun:
    """A run from its points: columns of numbers are metrics, what is the same in every row is a parameter."""
    times = next((each for each in rows.columns if each.lower() in _TIMES), None)
    skipped = {named, steps, times}
    metrics, params = {}, {}
    for column in rows.columns:
        if column in skipped:
            continue
        kind, key = _kind(column, next((each for each in rows[column] if each is not None), ""))
        if kind == "metrics":
            metrics[key] = column
        elif rows[column].n_unique() == 1:
            params[key] = rows[column][0]

    left: list[str] = []

    def curves() -> Curves:
        at = [_moment_us(each) for each in rows[times]] if times else [0] * rows.height
        for key, column in metrics.items():
            points = []
            for place, (step, when, value) in enumerate(zip(rows[steps], at, rows[column], strict=True)):
                try:
                    points += [] if value is None else [(int(step), when, float(value))]
                except (ValueError, TypeError, OverflowError) as error:
                    left.append(f"{key}, row {place + 1} of the run: {error}")
            if points:
                yield key, points_of(points)

    return ForeignRun(
        id=id,
        experiment=experiment,
        name=label,
        params=params,
        tags={"source": "CSV"},
        curves=curves,
        left=left,
    )


def _moment(value: Any) -> datetime | None:
    """A time from ISO text or from seconds or milliseconds since 1970; None if it is neither."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _moment_us(value: Any) -> int:
    found = _moment(value)
    return round(found.timestamp() * 1e6) if found else 0
