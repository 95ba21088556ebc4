"""Read MLflow's SQL store: SQLite, PostgreSQL or MySQL, as its server or its client wrote it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fettle.core.errors import NotFound
from fettle.core.urls import shown
from fettle.storage.sources import ForeignDatabase
from fettle.tracking.imports.foreign import Curves, ForeignRun, Found, attempt, files_below, points_of
from fettle.tracking.imports.mlflow_names import STATUSES, at_ms, local_path, run_from, value_of, whole

_ROWS = 50_000


def read(url: str, roots: Sequence[Path] = ()) -> Found:
    """The runs of a SQL store that are not deleted, oldest first.

    Args:
        url: `sqlite:///mlflow.db`, `postgresql://…`, `mysql://…`.
        roots: Folders that its artifacts may be read from, besides `mlruns` and `mlartifacts` beside a SQLite file.

    Raises:
        NotFound: The database holds no MLflow tables.
        Unavailable: It cannot be reached.
    """
    database = ForeignDatabase(url, name=shown(url), scrub=lambda words: words.replace(url, shown(url)))
    try:
        missing = {"runs", "experiments", "metrics", "params", "tags"} - set(database.tables())
        if missing:
            raise NotFound(
                f"{shown(url)} is no MLflow store.", found=f"no table {', '.join(sorted(missing))}"
            )
        yield from _Reader(database, url, roots).runs()
    finally:
        database.close()


class _Reader:
    """Reads the store; parameters and tags of all runs at once, points a run at a time."""

    def __init__(self, database: ForeignDatabase, url: str, roots: Sequence[Path]) -> None:
        self._database = database
        self._base = Path(url.partition(":///")[2]).parent if url.startswith("sqlite") else Path.cwd()
        usual = [self._base / "mlruns", self._base / "mlartifacts"] if url.startswith("sqlite") else []
        self._roots = [*usual, *roots]

    def runs(self) -> Found:
        experiments = dict(self._all("SELECT experiment_id, name FROM experiments"))
        params, tags, inputs = self._texts("params"), self._texts("tags"), self._inputs()
        query = (
            "SELECT run_uuid, name, status, start_time, end_time, artifact_uri, experiment_id FROM runs "
            "WHERE lifecycle_stage = 'active' ORDER BY start_time, run_uuid"
        )
        for row in list(self._all(query)):
            id, experiment = str(row[0]), experiments.get(row[6], str(row[6]))
            more = params.get(id, {}), tags.get(id, {}), inputs.get(id, [])
            yield attempt(id, partial(self._run, row, experiment, *more))

    def _run(
        self,
        row: tuple[Any, ...],
        experiment: str,
        params: dict[str, str],
        tags: dict[str, str],
        inputs: list[str],
    ) -> ForeignRun:
        id, name, status, began, ended, place, _ = row
        left: list[str] = []
        return run_from(
            id=str(id),
            experiment=experiment,
            name=str(name or ""),
            status=STATUSES.get(status, "finished"),
            started_at=at_ms(began),
            ended_at=at_ms(ended),
            params=params,
            tags=tags,
            inputs=inputs,
            curves=lambda: self._curves(str(id), left),
            files=lambda: self._files(str(place or ""), left),
            left=left,
        )

    def _all(self, query: str) -> Iterator[tuple[Any, ...]]:
        with self._database.query(query, rows=_ROWS) as found:
            for batch in found.batches:
                yield from batch

    def _texts(self, table: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        key = "`key`" if self._database.dialect == "mysql" else '"key"'
        for run, name, value in self._all(f"SELECT run_uuid, {key}, value FROM {table}"):
            found[run][name] = "" if value is None else str(value)
        return found

    def _inputs(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        if {"inputs", "datasets"} <= set(self._database.tables()):
            query = (
                "SELECT i.destination_id, d.name, d.digest FROM inputs i "
                "JOIN datasets d ON d.dataset_uuid = i.source_id "
                "WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' ORDER BY d.name, d.digest"
            )
            for run, name, digest in self._all(query):
                found[run].append(f"{name}@{digest}")
        return found

    def _curves(self, run: str, left: list[str]) -> Curves:
        key = "`key`" if self._database.dialect == "mysql" else '"key"'
        stamp = "`timestamp`" if self._database.dialect == "mysql" else '"timestamp"'
        safe = run.replace("'", "''")
        if self._database.dialect == "mysql":
            safe = safe.replace("\\", "\\\\")
        query = (
            f"SELECT {key}, step, {stamp}, value, is_nan FROM metrics WHERE run_uuid = '{safe}' "
            f"ORDER BY {key}, {stamp}, step, value"
        )
        current, rows = None, []
        for name, step, at, value, is_nan in self._all(query):
            if name != current and rows:
                yield str(current), points_of(rows)
                rows = []
            current = name
            try:
                rows.append((whole(step or 0), whole(at) * 1000, value_of(value, is_nan)))
            except (ValueError, TypeError, OverflowError) as error:
                left.append(f"a point of {name}: {error}")
        if rows:
            yield str(current), points_of(rows)

    def _files(self, uri: str, left: list[str]) -> Iterator[tuple[str, Path]]:
        root = local_path(uri, self._roots, self._base)
        if root is None and uri and not self._empty(uri):
            left.append(f"files at {uri[:80]} (name their folder with --artifacts)")
        yield from files_below(root, left)

    def _empty(self, uri: str) -> bool:
        """Whether the address names nothing on this machine: most runs of a store have no files."""
        parts = urlsplit(uri)
        return parts.scheme in ("", "file") and not (self._base / unquote(parts.path)).exists()
