"""The tables of pipelines and all its SQL."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.pipelines.records import Change, Earlier, FlowRun, Ingredient, Read, Result, StepRun
from fettle.storage.columns import At, Json
from fettle.storage.upserts import upsert

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

flows = sa.Table(
    "pipelines_flows",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("started_at", At, nullable=False, index=True),
    sa.Column("ended_at", At),
    sa.Index("pipelines_flows_name", "name", "started_at"),
)
steps = sa.Table(
    "pipelines_steps",
    metadata,
    sa.Column("flow", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("started_at", At, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("after", Json, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("pickled", sa.Boolean, nullable=False),
    sa.Column("made_by", sa.Text),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("since", At),
    sa.Column("changes", Json(list[Change]), nullable=False),
)
results = sa.Table(
    "pipelines_results",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("flow", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("output", Json, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("reads", Json(list[Read]), nullable=False),
    sa.Column("ingredients", Json(dict[str, Ingredient]), nullable=False),
    sa.Index("pipelines_results_step", "pipeline", "step", "id"),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(flows, steps, results)


MIGRATIONS = [m001_initial]


_FLOW = [column.name for column in flows.columns]
_PUT_STEP = upsert(steps)
_ADD_RESULT = results.insert()
_FIND = sa.select(results).where(results.c.key == sa.bindparam("key")).order_by(results.c.id.desc()).limit(5)
_RECENT = (
    sa.select(results.c.at, results.c.reads, results.c.ingredients)
    .where((results.c.pipeline == sa.bindparam("pipeline")) & (results.c.step == sa.bindparam("step")))
    .where(results.c.flow != sa.bindparam("flow"))
    .order_by(results.c.id.desc())
    .limit(5)
)
"""Statements of the hot path are built once: building one takes as long as running it."""


def add_flow(tx: Transaction, flow: FlowRun) -> None:
    fields = msgspec.structs.asdict(flow)
    tx.execute(flows.insert().values(**{name: fields[name] for name in _FLOW}))


def set_flow(tx: Transaction, flow: str, status: str, ended_at: datetime | None) -> None:
    tx.execute(flows.update().where(flows.c.id == flow).values(status=status, ended_at=ended_at))


def find_flow(tx: Transaction, flow: str) -> FlowRun | None:
    row = tx.execute(sa.select(flows).where(flows.c.id == flow)).mappings().one_or_none()
    return None if row is None else FlowRun(**row)


def flow_ids(tx: Transaction, most: int = 1000) -> list[str]:
    return list(tx.execute(sa.select(flows.c.id).order_by(flows.c.started_at.desc()).limit(most)).scalars())


def list_flows(tx: Transaction, name: str | None, limit: int) -> list[FlowRun]:
    """Pipeline runs, newest first, each with the number of its steps by status."""
    query = sa.select(flows).order_by(flows.c.started_at.desc(), flows.c.id.desc()).limit(limit)
    if name is not None:
        query = query.where(flows.c.name == name)
    rows = tx.execute(query).mappings().all()
    counts: dict[str, dict[str, int]] = {}
    for start in range(0, len(rows), 500):
        some = [row["id"] for row in rows[start : start + 500]]
        counting = sa.select(steps.c.flow, steps.c.status, sa.func.count().label("total"))
        for row in tx.execute(counting.where(steps.c.flow.in_(some)).group_by(steps.c.flow, steps.c.status)):
            counts.setdefault(row.flow, {})[row.status] = row.total
    return [FlowRun(**row, counts=counts.get(row["id"], {})) for row in rows]


def put_steps(tx: Transaction, flow: str, runs: list[StepRun]) -> None:
    """Write steps at their places, replacing what was there."""
    if runs:
        tx.execute(_PUT_STEP, [{"flow": flow, **msgspec.structs.asdict(each)} for each in runs])


def find_steps(tx: Transaction, flow: str) -> list[StepRun]:
    rows = tx.execute(sa.select(steps).where(steps.c.flow == flow).order_by(steps.c.seq)).mappings()
    return [StepRun(**{key: row[key] for key in row if key != "flow"}) for row in rows]


def add_result(tx: Transaction, result: Result) -> None:
    tx.execute(_ADD_RESULT, msgspec.structs.asdict(result))


def find_results(tx: Transaction, key: str) -> list[Result]:
    """Results made under a key, newest first."""
    return [Result(**row) for row in tx.execute(_FIND, {"key": key}).mappings()]


def recent_results(tx: Transaction, pipeline: str, step: str, flow: str) -> list[Earlier]:
    """The newest results of a step in other runs of a pipeline, under any key, newest first."""
    rows = tx.execute(_RECENT, {"pipeline": pipeline, "step": step, "flow": flow})
    return [Earlier(at=row.at, reads=row.reads, ingredients=row.ingredients) for row in rows]
