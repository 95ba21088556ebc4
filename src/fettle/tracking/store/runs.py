"""The tables of runs: what they are, their parameters, tags and files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At, Json
from fettle.tracking.records.runs import Artifact, Run
from fettle.tracking.store.metrics import metrics

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
    sa.Column("notes", sa.Text, nullable=False, server_default=""),
    sa.Column("archived_at", At),
    sa.Column("deleted_at", At, index=True),
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
artifacts = sa.Table(
    "tracking_artifacts",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("at", At, nullable=False),
)


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


def change_run(tx: Transaction, run: str, **fields: Any) -> None:
    """Set columns of a run, such as `status`, `notes` or `deleted_at`."""
    tx.execute(runs.update().where(runs.c.id == run).values(**fields))


def list_runs(
    tx: Transaction, where: dict[str, str | None], order: Order, limit: int, offset: int = 0
) -> list[Run]:
    """Runs in use whose columns equal `where` (None is no condition), sorted; those without the sorted value last."""
    query = sa.select(runs).where(runs.c.deleted_at.is_(None))
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
