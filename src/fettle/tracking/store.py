"""The tables of tracking and all its SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At, Json
from fettle.tracking.records import Artifact, Experiment, Metric, Run, written

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

runs = sa.Table(
    "tracking_runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("experiment", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("started_at", At, nullable=False, index=True),
    sa.Column("ended_at", At),
    sa.Column("parent", sa.Text, index=True),
    sa.Column("inputs", Json, nullable=False),
    sa.Index("tracking_runs_experiment", "experiment", "started_at"),
)
params = sa.Table(
    "tracking_params",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", Json, nullable=False),
    sa.Column("number", sa.Double),
    sa.Index("tracking_params_number", "key", "number"),
)
tags = sa.Table(
    "tracking_tags",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
metrics = sa.Table(
    "tracking_metrics",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("last", sa.Double),
    sa.Column("not_finite", sa.Text),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Index("tracking_metrics_last", "key", "last"),
)
chunks = sa.Table(
    "tracking_chunks",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
cursors = sa.Table(
    "tracking_cursors",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("journal", sa.Text, primary_key=True),
    sa.Column("records", sa.BigInteger, nullable=False),
)
artifacts = sa.Table(
    "tracking_artifacts",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("at", At, nullable=False),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(runs, params, tags, metrics, chunks, cursors, artifacts)


MIGRATIONS = [m001_initial]


_RUN = [column.name for column in runs.columns]


def add_run(tx: Transaction, run: Run) -> None:
    fields = msgspec.structs.asdict(run)
    tx.execute(runs.insert().values(**{name: fields[name] for name in _RUN}))


def reopen_run(tx: Transaction, run: str) -> None:
    tx.execute(runs.update().where(runs.c.id == run).values(status="running", ended_at=None))


def end_run(tx: Transaction, run: str, status: str, at: datetime) -> None:
    tx.execute(runs.update().where(runs.c.id == run).values(status=status, ended_at=at))


def find_run(tx: Transaction, run: str) -> Run | None:
    found = _complete(tx, tx.execute(sa.select(runs).where(runs.c.id == run)).mappings().all())
    return found[0] if found else None


def run_ids(tx: Transaction, most: int = 1000) -> list[str]:
    """Ids of the newest runs, for a hint."""
    return list(tx.execute(sa.select(runs.c.id).order_by(runs.c.started_at.desc()).limit(most)).scalars())


@dataclass(frozen=True)
class Order:
    """What runs are sorted by: a column of the run, or the value of a metric, parameter or tag."""

    family: str  # attribute, metrics, params, tags
    key: str
    descending: bool


def list_runs(
    tx: Transaction, where: dict[str, str | None], order: Order, limit: int, offset: int = 0
) -> list[Run]:
    """Runs whose columns equal `where` (None is no condition), sorted; runs without the sorted value come last."""
    query = sa.select(runs)
    value: sa.ColumnElement[Any]
    if order.family == "attribute":
        value = runs.c[order.key]
        ordering = [value]
    else:
        table = {"metrics": metrics, "params": params, "tags": tags}[order.family]
        query = query.outerjoin(table, (table.c.run == runs.c.id) & (table.c.key == order.key))
        columns = {"metrics": ["last"], "params": ["number", "value"], "tags": ["value"]}[order.family]
        ordering = [
            sa.type_coerce(table.c[name], sa.Text) if name == "value" else table.c[name] for name in columns
        ]
    for each in ordering:
        query = query.order_by((each.desc() if order.descending else each.asc()).nulls_last())
    query = query.order_by(runs.c.started_at.desc(), runs.c.id.desc())
    for name, wanted in where.items():
        if wanted is not None:
            query = query.where(runs.c[name] == wanted)
    return _complete(tx, tx.execute(query.limit(limit).offset(offset)).mappings().all())


def runs_using(tx: Transaction, reference: str, limit: int) -> list[Run]:
    """Runs of whose inputs one contains the text."""
    text = sa.type_coerce(runs.c.inputs, sa.Text)
    query = (
        sa.select(runs).where(text.contains(reference, autoescape=True)).order_by(runs.c.started_at.desc())
    )
    return _complete(tx, tx.execute(query.limit(limit)).mappings().all())


def _complete(tx: Transaction, rows: Any) -> list[Run]:
    """Runs from their rows, with parameters, tags and last values fetched in three queries, however many runs."""
    keys = [row["id"] for row in rows]
    extra: dict[str, dict[str, dict[str, Any]]] = {key: {} for key in keys}
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        for row in tx.execute(sa.select(params).where(params.c.run.in_(some)).order_by(params.c.key)):
            extra[row.run].setdefault("params", {})[row.key] = row.value
        for row in tx.execute(sa.select(tags).where(tags.c.run.in_(some)).order_by(tags.c.key)):
            extra[row.run].setdefault("tags", {})[row.key] = row.value
        for row in tx.execute(sa.select(metrics).where(metrics.c.run.in_(some)).order_by(metrics.c.key)):
            kind = "metrics" if row.not_finite is None else "not_finite"
            extra[row.run].setdefault(kind, {})[row.key] = (
                row.last if row.not_finite is None else row.not_finite
            )
    return [Run(**{**row, **extra[row["id"]]}) for row in rows]


def list_experiments(tx: Transaction) -> list[Experiment]:
    latest = sa.func.max(runs.c.started_at).label("latest_at")
    query = sa.select(runs.c.experiment, sa.func.count().label("total"), latest).group_by(runs.c.experiment)
    return [
        Experiment(name=row.experiment, runs=row.total, latest_at=row.latest_at)
        for row in tx.execute(query.order_by(latest.desc()))
    ]


def get_params(tx: Transaction, run: str) -> dict[str, Any]:
    rows = tx.execute(
        sa.select(params.c.key, params.c.value).where(params.c.run == run).order_by(params.c.key)
    )
    return {row.key: row.value for row in rows}


def add_params(tx: Transaction, run: str, values: dict[str, Any]) -> None:
    rows = [
        {"run": run, "key": key, "value": value, "number": _number(value)} for key, value in values.items()
    ]
    if rows:
        tx.execute(params.insert(), rows)


def _number(value: Any) -> float | None:
    """What a parameter is sorted by, where it is a number."""
    return float(value) if isinstance(value, int | float) else None


def set_tags(tx: Transaction, run: str, values: dict[str, str]) -> None:
    if values:
        tx.execute(tags.delete().where((tags.c.run == run) & tags.c.key.in_(list(values))))
        tx.execute(tags.insert(), [{"run": run, "key": key, "value": value} for key, value in values.items()])


def received(tx: Transaction, run: str, journal: str) -> int:
    """How many records of a journal are in the tables."""
    where = (cursors.c.run == run) & (cursors.c.journal == journal)
    return tx.execute(sa.select(cursors.c.records).where(where)).scalar_one_or_none() or 0


def set_received(tx: Transaction, run: str, journal: str, records: int) -> None:
    where = (cursors.c.run == run) & (cursors.c.journal == journal)
    if not tx.execute(cursors.update().where(where).values(records=records)).rowcount:
        tx.execute(cursors.insert().values(run=run, journal=journal, records=records))


def last_chunk(tx: Transaction, run: str, key: str) -> tuple[int, int, bytes] | None:
    """First index, count and bytes of the newest chunk of a metric."""
    query = sa.select(chunks.c.first, chunks.c.count, chunks.c.data).where(
        (chunks.c.run == run) & (chunks.c.key == key)
    )
    row = tx.execute(query.order_by(chunks.c.first.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else (row["first"], row["count"], row["data"])


def put_chunk(tx: Transaction, run: str, key: str, first: int, count: int, data: bytes) -> None:
    """Add the chunk that begins at the point `first`, or grow it."""
    where = (chunks.c.run == run) & (chunks.c.key == key) & (chunks.c.first == first)
    if not tx.execute(chunks.update().where(where).values(count=count, data=data)).rowcount:
        tx.execute(chunks.insert().values(run=run, key=key, first=first, count=count, data=data))


def all_chunks(tx: Transaction, run: str, key: str) -> list[bytes]:
    where = (chunks.c.run == run) & (chunks.c.key == key)
    return list(tx.execute(sa.select(chunks.c.data).where(where).order_by(chunks.c.first)).scalars())


def find_metrics(tx: Transaction, run: str) -> dict[str, Metric]:
    rows = tx.execute(sa.select(metrics).where(metrics.c.run == run).order_by(metrics.c.key)).mappings()
    return {
        row["key"]: Metric(
            key=row["key"],
            last=row["last"] if row["not_finite"] is None else row["not_finite"],
            step=row["step"],
            at=row["at"],
            low=row["low"],
            high=row["high"],
            count=row["count"],
        )
        for row in rows
    }


def put_metric(tx: Transaction, run: str, metric: Metric) -> None:
    fields = msgspec.structs.asdict(metric)
    last = written(float(metric.last))
    fields |= (
        {"last": None, "not_finite": last} if isinstance(last, str) else {"last": last, "not_finite": None}
    )
    key = fields.pop("key")
    where = (metrics.c.run == run) & (metrics.c.key == key)
    if not tx.execute(metrics.update().where(where).values(**fields)).rowcount:
        tx.execute(metrics.insert().values(run=run, key=key, **fields))


def put_artifact(tx: Transaction, run: str, artifact: Artifact) -> None:
    fields = msgspec.structs.asdict(artifact)
    where = (artifacts.c.run == run) & (artifacts.c.path == artifact.path)
    if not tx.execute(artifacts.update().where(where).values(**fields)).rowcount:
        tx.execute(artifacts.insert().values(run=run, **fields))


def list_artifacts(tx: Transaction, run: str) -> list[Artifact]:
    rows = tx.execute(
        sa.select(artifacts).where(artifacts.c.run == run).order_by(artifacts.c.path)
    ).mappings()
    return [Artifact(**{key: row[key] for key in row if key != "run"}) for row in rows]
