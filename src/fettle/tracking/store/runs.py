"""The tables of runs: what they are, their parameters, tags and files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import sqlalchemy as sa

from fettle.core.canonical import encode
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new, upsert
from fettle.tracking.records.runs import Artifact, Run
from fettle.tracking.store.gathered import among, pairs_of, read_pairs
from fettle.tracking.store.metrics import metrics

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

T = TypeVar("T")

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
_PIECE = 5000
"""Rows of one statement."""


def add_run(tx: Transaction, run: Run) -> None:
    fields = msgspec.structs.asdict(run)
    tx.execute(runs.insert().values(**{name: fields[name] for name in _RUN}))
    add_reads(tx, run.id, run.inputs)


def set_inputs(tx: Transaction, run: str, inputs: list[str]) -> None:
    """What the run reads, in this order."""
    change_run(tx, run, inputs=inputs)
    add_reads(tx, run, inputs)


def add_inputs(tx: Transaction, run: str, references: Sequence[str]) -> None:
    """Add to what the run reads what is not there yet."""
    known = tx.execute(_INPUTS, {"of": run}).scalar_one()
    set_inputs(tx, run, list(dict.fromkeys([*known, *references])))


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
        found = tx.execute(_SOME, _listed(some)).mappings().all()
        rows.update({row["id"]: row for row in found})
    return _complete(tx, [rows[each] for each in ids if each in rows])


def runs_using(tx: Transaction, reference: str, limit: int) -> list[Run]:
    """Runs of whose inputs one contains the text."""
    text = sa.type_coerce(runs.c.inputs, sa.Text)
    query = _WHOLE.where(text.contains(reference, autoescape=True)).order_by(runs.c.started_at.desc())
    return _complete(tx, tx.execute(query.limit(limit)).mappings().all())


def _listed(ids: Sequence[str]) -> dict[str, str]:
    """The parameter `some` of `gathered.among`."""
    return {"some": encode(ids).decode()}


def _portions(things: Sequence[T], size: int = 500) -> Iterable[Sequence[T]]:
    return (things[start : start + size] for start in range(0, len(things), size))


_SOME_RUNS = sa.bindparam("some", type_=sa.Text)
_WHOLE = sa.select(
    runs, pairs_of(params, runs.c.id).label("params"), pairs_of(tags, runs.c.id, as_text=True).label("tags")
)
_ONE = _WHOLE.where(runs.c.id == sa.bindparam("of"))
_INPUTS = sa.select(runs.c.inputs).where(runs.c.id == sa.bindparam("of"))
_SOME = _WHOLE.where(among(runs.c.id, _SOME_RUNS))
_PARAMS = sa.select(params.c.key, params.c.value).where(
    params.c.run == sa.bindparam("of"), among(params.c.key, _SOME_RUNS)
)
_ADD_PARAMS = params.insert()
_LAST = (
    sa.select(metrics.c.run, metrics.c.key, metrics.c.last, metrics.c.not_finite)
    .where(among(metrics.c.run, _SOME_RUNS))
    .order_by(metrics.c.run, metrics.c.key)
)


def _complete(tx: Transaction, rows: Sequence[Any]) -> list[Run]:
    """Runs from rows of `_WHOLE`, with their last values fetched in one query, however many runs."""
    last: dict[str, dict[str, dict[str, Any]]] = {row["id"]: {} for row in rows}
    for some in _portions(list(last)):
        for run, key, number, not_finite in map(tuple, tx.execute(_LAST, _listed(some)).all()):
            kind, value = ("metrics", number) if not_finite is None else ("not_finite", not_finite)
            last[run].setdefault(kind, {})[key] = value
    return [_run(row, last[row["id"]]) for row in rows]


def _run(row: Any, last: dict[str, Any]) -> Run:
    fields = dict(row)
    fields["params"], fields["tags"] = read_pairs(fields["params"]), read_pairs(fields["tags"])
    return Run(**fields, **last)


def params_of(tx: Transaction, run: str, keys: Sequence[str]) -> dict[str, Any]:
    """Those of these parameters that a run has."""
    found: dict[str, Any] = {}
    for some in _portions(keys, _PIECE):
        rows = tx.execute(_PARAMS, {"of": run, **_listed(some)})
        found.update((row.key, row.value) for row in rows)
    return found


def add_params(tx: Transaction, run: str, values: dict[str, Any]) -> None:
    """Add parameters that the run does not have, a statement for each few thousand."""
    for some in _portions(list(values), _PIECE):
        tx.execute(_ADD_PARAMS, [_param(run, key, values[key]) for key in some])


def _param(run: str, key: str, value: Any) -> dict[str, Any]:
    return {"run": run, "key": key, "value": value, **searched(value)}


_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def searched(value: Any) -> dict[str, Any]:
    """How a parameter is searched and sorted: as `text`, and as `number` where it is one or a text says one."""
    text = value if isinstance(value, str) else str(value)
    is_number = (
        isinstance(value, int | float | str) and len(text) < 400 and _NUMBER.fullmatch(text) is not None
    )
    number = float(text) if is_number else math.nan
    return {"text": text, "number": number if math.isfinite(number) else None}


def set_tags(tx: Transaction, run: str, values: Mapping[str, str]) -> None:
    """Set tags, in place of what was there."""
    for some in _portions(list(values), _PIECE):
        tx.execute(upsert(tags), [{"run": run, "key": key, "value": values[key]} for key in some])


def put_artifacts(tx: Transaction, run: str, files: Sequence[Artifact]) -> None:
    """Name objects as files of a run, in place of what was there; each path is named once."""
    for some in _portions(files, _PIECE):
        tx.execute(upsert(artifacts), [{"run": run, **msgspec.structs.asdict(each)} for each in some])


def list_artifacts(tx: Transaction, run: str) -> list[Artifact]:
    rows = tx.execute(
        sa.select(artifacts).where(artifacts.c.run == run).order_by(artifacts.c.path)
    ).mappings()
    return [_artifact(row) for row in rows]


def artifacts_of(tx: Transaction, ids: Sequence[str], paths: Sequence[str]) -> dict[str, list[Artifact]]:
    """The files of these names by run, in the order of their names."""
    found: dict[str, list[Artifact]] = {}
    for some in _portions(ids):
        query = sa.select(artifacts).where(among(artifacts.c.run, _SOME_RUNS), artifacts.c.path.in_(paths))
        for row in tx.execute(query.order_by(artifacts.c.path), _listed(some)).mappings():
            found.setdefault(row["run"], []).append(_artifact(row))
    return found


def _artifact(row: Any) -> Artifact:
    return Artifact(**{key: row[key] for key in row if key != "run"})
