"""The tables of runs: what they are, their parameters, tags and files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.core.canonical import encode
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new
from fettle.tracking.records.runs import Artifact, Run
from fettle.tracking.store.metrics import metrics

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()


class _Given(Json):
    """JSON in which None is a value like others."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        return encode(value).decode()


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
    sa.Column("value", _Given, nullable=False),
    sa.Column("number", sa.Double),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
)
_is_number = params.c.number.is_not(None)
sa.Index(
    "tracking_params_numbers",
    params.c.key,
    params.c.number,
    params.c.run,
    sqlite_where=_is_number,
    postgresql_where=_is_number,
)
tags = sa.Table(
    "tracking_tags",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
reads = sa.Table(
    "tracking_reads",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Index("tracking_reads_name", "name", "version", "run"),
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
    add_reads(tx, run.id, run.inputs)


def set_inputs(tx: Transaction, run: str, inputs: list[str]) -> None:
    """What the run reads, in this order."""
    change_run(tx, run, inputs=inputs)
    add_reads(tx, run, inputs)


def add_reads(tx: Transaction, run: str, references: Sequence[str]) -> None:
    """Make a run be found by the datasets it reads."""
    rows = [
        {"run": run, "ref": each, **dict(zip(("name", "version"), reference_parts(each), strict=True))}
        for each in dict.fromkeys(references)
    ]
    if rows:
        tx.execute(insert_new(reads), rows)


def reference_parts(reference: str) -> tuple[str, str]:
    """Dataset and version of `data://churn@v3/path`; an empty version where none is said."""
    name, _, rest = reference.removeprefix("data://").partition("@")
    return name, rest.partition("/")[0]


def reopen_run(tx: Transaction, run: str) -> None:
    tx.execute(runs.update().where(runs.c.id == run).values(status="running", ended_at=None))


def end_run(tx: Transaction, run: str, status: str, at: datetime) -> None:
    tx.execute(runs.update().where(runs.c.id == run).values(status=status, ended_at=at))


def find_run(tx: Transaction, run: str) -> Run | None:
    found = _complete(tx, tx.execute(_ONE, {"of": run}).mappings().all())
    return found[0] if found else None


def run_ids(tx: Transaction, most: int = 1000) -> list[str]:
    """Ids of the newest runs, for a hint."""
    return list(tx.execute(sa.select(runs.c.id).order_by(runs.c.started_at.desc()).limit(most)).scalars())


def change_run(tx: Transaction, run: str, **fields: Any) -> None:
    """Set columns of a run, such as `status`, `notes` or `deleted_at`."""
    tx.execute(runs.update().where(runs.c.id == run).values(**fields))


def find_runs(tx: Transaction, ids: Sequence[str]) -> list[Run]:
    """The runs of these ids that exist, in the order of the ids."""
    rows: dict[str, Any] = {}
    for some in _portions(list(dict.fromkeys(ids))):
        found = tx.execute(_SOME, {"some": list(some)}).mappings().all()
        rows.update({row["id"]: row for row in found})
    return _complete(tx, [rows[each] for each in ids if each in rows])


def runs_using(tx: Transaction, reference: str, limit: int) -> list[Run]:
    """Runs of whose inputs one contains the text."""
    text = sa.type_coerce(runs.c.inputs, sa.Text)
    query = (
        sa.select(runs).where(text.contains(reference, autoescape=True)).order_by(runs.c.started_at.desc())
    )
    return _complete(tx, tx.execute(query.limit(limit)).mappings().all())


def _portions(ids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _of_some(table: sa.Table, *values: sa.Column[Any]) -> sa.Select[Any]:
    """Values by run and key, of the runs in the parameter `some`; built once, as it is asked with each run."""
    columns = (table.c.run, table.c.key)
    return (
        sa.select(*columns, *values)
        .where(table.c.run.in_(sa.bindparam("some", expanding=True)))
        .order_by(*columns)
    )


_PARAMS, _TAGS = _of_some(params, params.c.value), _of_some(tags, tags.c.value)
_LAST = _of_some(metrics, metrics.c.last, metrics.c.not_finite)
_SOME = sa.select(runs).where(runs.c.id.in_(sa.bindparam("some", expanding=True)))
_ONE = sa.select(runs).where(runs.c.id == sa.bindparam("of"))


def _complete(tx: Transaction, rows: Sequence[Any]) -> list[Run]:
    """Runs from their rows, with parameters, tags and last values fetched in three queries, however many runs."""
    extra: dict[str, dict[str, dict[str, Any]]] = {row["id"]: {} for row in rows}
    for some in _portions(list(extra)):
        these = {"some": list(some)}
        for query, name in ((_PARAMS, "params"), (_TAGS, "tags")):
            for run, key, found in map(tuple, tx.execute(query, these).all()):
                extra[run].setdefault(name, {})[key] = found
        for run, key, last, not_finite in map(tuple, tx.execute(_LAST, these).all()):
            kind, found = ("metrics", last) if not_finite is None else ("not_finite", not_finite)
            extra[run].setdefault(kind, {})[key] = found
    return [Run(**{**row, **extra[row["id"]]}) for row in rows]


def get_params(tx: Transaction, run: str) -> dict[str, Any]:
    rows = tx.execute(
        sa.select(params.c.key, params.c.value).where(params.c.run == run).order_by(params.c.key)
    )
    return {row.key: row.value for row in rows}


def add_params(tx: Transaction, run: str, values: dict[str, Any]) -> None:
    rows = [{"run": run, "key": key, "value": value, **searched(value)} for key, value in values.items()]
    if rows:
        tx.execute(params.insert(), rows)


_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def searched(value: Any) -> dict[str, Any]:
    """How a parameter is searched and sorted: as `text`, and as `number` where it is one or a text says one."""
    text = value if isinstance(value, str) else str(value)
    is_number = (
        isinstance(value, int | float | str) and len(text) < 400 and _NUMBER.fullmatch(text) is not None
    )
    number = float(text) if is_number else math.nan
    return {"text": text, "number": number if math.isfinite(number) else None}


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
