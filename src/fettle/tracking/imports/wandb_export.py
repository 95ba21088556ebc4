"""Read runs as people export them by the public API of Weights & Biases: a folder a run.

RUN/history.csv, .json, .jsonl or .parquet     the rows of `run.history()` or `run.scan_history()`
RUN/config.json                                `run.config`
RUN/summary.json                               `run.summary`
RUN/metadata.json or run.json                  id, name, project, state, created_at, notes, tags; may be missing
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from fettle.core.errors import Invalid
from fettle.tracking.imports.foreign import ForeignRun, Found, attempt, points_of
from fettle.tracking.imports.moments import microseconds_of
from fettle.tracking.imports.wandb import flat, number_of
from fettle.tracking.records.runs import Status

_HISTORIES = tuple(f"history{kind}" for kind in (".parquet", ".jsonl", ".json", ".csv"))
_STATES: dict[str, Status] = {"finished": "finished", "failed": "failed", "running": "running"}
Row = dict[str, Any]


def runs_below(folder: Path) -> list[Path]:
    """The folders that hold an exported run: a configuration or a summary, and a history or the other of the two."""
    found = {each.parent for name in ("config.json", "summary.json") for each in folder.rglob(name)}
    return sorted(each for each in found if len(_there(each)) > 1)


def read(folder: Path, *, experiment: str = "") -> Found:
    """The runs below a folder.

    Args:
        folder: A run's folder, or one that holds such folders.
        experiment: Where they go; the W&B project otherwise.
    """
    for each in runs_below(folder):
        yield attempt(each.name, partial(_run, each, experiment))


def _there(folder: Path) -> list[str]:
    names = ("config.json", "summary.json", *_HISTORIES)
    return [name for name in names if (folder / name).is_file()]


def _run(folder: Path, experiment: str) -> ForeignRun:
    about = _table(folder / "run.json") | _table(folder / "metadata.json")
    rows, summary = list(_history(folder)), _table(folder / "summary.json")
    times = [each for row in rows if (each := _at_us(row))]
    begun = _begun(about) or (datetime.fromtimestamp(min(times) / 1e6, UTC) if times else None)
    left: dict[str, int] = defaultdict(int)
    curves = _curves(rows, summary, left)
    tags = {"source": "Weights & Biases", **{f"tag.{each}": "" for each in about.get("tags") or []}}
    tags |= {f"summary.{key}": value for key, value in summary.items() if isinstance(value, str)}
    return ForeignRun(
        id=f"wandb-{about.get('id') or folder.name}",
        experiment=experiment or str(about.get("project") or "wandb"),
        name=str(about.get("name") or folder.name),
        status=_STATES.get(str(about.get("state", "finished")), "killed"),
        started_at=begun,
        ended_at=datetime.fromtimestamp(max(times) / 1e6, UTC) if times else begun,
        params=_config(folder),
        tags=tags,
        notes=str(about.get("notes") or ""),
        curves=lambda: iter(curves),
        left=[f"{count} values of {key}, which is no number" for key, count in sorted(left.items())],
    )


def _begun(about: Row) -> datetime | None:
    said = about.get("created_at") or about.get("startedAt")
    if not isinstance(said, str):
        return None
    found = datetime.fromisoformat(said)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _config(folder: Path) -> Row:
    """The configuration; W&B's own file has `{"value": …}` around each."""
    given = {key: value for key, value in _table(folder / "config.json").items() if not key.startswith("_")}
    wrapped = [
        isinstance(each, dict) and set(each) <= {"value", "desc"} and "value" in each
        for each in given.values()
    ]
    return flat({key: value["value"] for key, value in given.items()} if wrapped and all(wrapped) else given)


def _curves(rows: list[Row], summary: Row, left: dict[str, int]) -> list[Any]:
    """The history, and of the summary the numbers that the history has not."""
    found: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    step = at_us = 0
    for place, row in enumerate(rows):
        step, at_us = int(place if row.get("_step") is None else row["_step"]), _at_us(row) or at_us
        for key, value in flat({key: each for key, each in row.items() if not key.startswith("_")}).items():
            number = number_of(value)
            if number is not None:
                found[key].append((step, at_us, number))
            elif value is not None:
                left[key] += 1
    for key, value in flat(summary).items():
        number = number_of(value)
        if key not in found and number is not None and not key.startswith("_"):
            found[key].append((step, at_us, number))
    return [(key, points_of(points)) for key, points in found.items()]


def _at_us(row: Row) -> int:
    return microseconds_of(float(row.get("_timestamp") or 0))


def _history(folder: Path) -> Iterator[Row]:
    path = next((folder / name for name in _HISTORIES if (folder / name).is_file()), None)
    if path is None:
        return
    if path.suffix == ".jsonl":
        yield from (json.loads(line) for line in path.read_text().splitlines() if line.strip())
    elif path.suffix == ".json":
        yield from _records(json.loads(path.read_text()), path)
    else:
        import polars as pl

        try:
            frame = (
                pl.read_parquet(path)
                if path.suffix == ".parquet"
                else pl.read_csv(path, infer_schema_length=None)
            )
        except pl.exceptions.PolarsError as error:
            raise Invalid(f"{path} cannot be read.", found=str(error).partition("\n")[0][:160]) from error
        yield from ({key: value for key, value in row.items() if key} for row in frame.iter_rows(named=True))


def _records(given: Any, path: Path) -> list[Row]:
    """Rows of a JSON file: a list of them, or columns, as pandas writes a frame."""
    if isinstance(given, dict):
        columns = {
            key: list(each.values() if isinstance(each, dict) else each) for key, each in given.items()
        }
        given = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise Invalid(f"{path} is no history.", found="neither rows nor columns")
    return given


def _table(path: Path) -> Row:
    found = json.loads(path.read_text()) if path.is_file() else {}
    if not isinstance(found, dict):
        raise Invalid(f"{path} cannot be read.", found=f"a {type(found).__name__}, not keys and values")
    return found
