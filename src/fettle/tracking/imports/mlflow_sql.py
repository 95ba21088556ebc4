"""Read MLflow's SQL store: SQLite, PostgreSQL or MySQL, as its server or its client wrote it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fettle.core.errors import NotFound
from fettle.core.urls import shown
from fettle.storage.sources import ForeignDatabase
from fettle.tracking.imports.foreign import Curves, ForeignRun, files_below, points_of
from fettle.tracking.imports.mlflow_names import STATUSES, at_ms, local_path, run_from, value_of

_ROWS = 50_000


def read(url: str) -> Iterator[ForeignRun]:
    """The runs of a SQL store that are not deleted, oldest first.

    Args:
        url: `sqlite:///mlflow.db`, `postgresql://…`, `mysql://…`.

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
        yield from _Reader(database, url).runs()
    finally:
        database.close()


class _Reader:
    """Reads the store; parameters and tags of all runs at once, points a run at a time."""

    def __init__(self, database: ForeignDatabase, url: str) -> None:
        self._database = database
        self._base = Path(url.partition(":///")[2]).parent if url.startswith("sqlite") else None

    def runs(self) -> Iterator[ForeignRun]:
        experiments = dict(self._all("SELECT experiment_id, name FROM experiments"))
        params, tags, inputs = self._texts("params"), self._texts("tags"), self._inputs()
        query = (
            "SELECT run_uuid, name, status, start_time, end_time, artifact_uri, experiment_id FROM runs "
            "WHERE lifecycle_stage = 'active' ORDER BY start_time, run_uuid"
        )
        for id, name, status, began, ended, place, experiment in list(self._all(query)):
            yield run_from(
                id=id,
                experiment=experiments.get(experiment, str(experiment)),
                name=name or "",
                status=STATUSES.get(status, "finished"),
                started_at=at_ms(began),
                ended_at=at_ms(ended),
                params=params.get(id, {}),
                tags=tags.get(id, {}),
                inputs=inputs.get(id, []),
                curves=lambda id=id: self._curves(id),
                files=lambda place=place: self._files(place or ""),
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

    def _curves(self, run: str) -> Curves:
        key = "`key`" if self._database.dialect == "mysql" else '"key"'
        stamp = "`timestamp`" if self._database.dialect == "mysql" else '"timestamp"'
        safe = run.replace("'", "''")
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
            rows.append((int(step or 0), int(at) * 1000, value_of(value, is_nan)))
        if rows:
            yield str(current), points_of(rows)

    def _files(self, uri: str) -> Iterator[tuple[str, Path]]:
        root = local_path(uri)
        if root is not None and not root.is_absolute() and self._base is not None:
            root = self._base / root
        yield from files_below(root)
