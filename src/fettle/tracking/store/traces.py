"""The tables of traces and of their spans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At, Json
from fettle.storage.upserts import upsert
from fettle.tracking.records.traces import Span, Trace

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

traces = sa.Table(
    "tracking_traces",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("experiment", sa.BigInteger, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("duration_ms", sa.BigInteger),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("response", sa.Text, nullable=False),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.Column("assessments", Json, nullable=False),
    sa.Index("tracking_traces_experiment", "experiment", "at"),
)
spans = sa.Table(
    "tracking_spans",
    metadata,
    sa.Column("trace", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("parent", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("started_ns", sa.BigInteger, nullable=False),
    sa.Column("ended_ns", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("said", Json, nullable=False),
)
_AT_ONCE = 500


def m009_traces(tx: Transaction) -> None:
    tx.create(traces, spans)


def put_trace(tx: Transaction, trace: Trace) -> None:
    """Write a trace, in place of what was known of it."""
    tx.execute(upsert(traces), msgspec.structs.asdict(trace))


def put_spans(tx: Transaction, some: Sequence[Span]) -> None:
    """Write spans, each in place of what was known of it."""
    if some:
        tx.execute(upsert(spans), [msgspec.structs.asdict(each) for each in some])


def find_traces(tx: Transaction, ids: Sequence[str]) -> list[Trace]:
    """The traces of these ids that are there, in no order."""
    found: list[Trace] = []
    for start in range(0, len(ids), _AT_ONCE):
        found += _read(tx, sa.select(traces).where(traces.c.id.in_(ids[start : start + _AT_ONCE])))
    return found


def list_traces(tx: Transaction, experiments: Sequence[int], most: int, start: int = 0) -> list[Trace]:
    """The traces of experiments, newest first."""
    query = sa.select(traces).where(traces.c.experiment.in_(experiments))
    return _read(tx, query.order_by(traces.c.at.desc(), traces.c.id).limit(most).offset(start))


def find_spans(tx: Transaction, ids: Sequence[str]) -> dict[str, list[Span]]:
    """The spans of traces, as they began."""
    found: dict[str, list[Span]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        query = sa.select(spans).where(spans.c.trace.in_(ids[start : start + _AT_ONCE]))
        for row in tx.execute(query.order_by(spans.c.started_ns, spans.c.id)).mappings():
            found.setdefault(row["trace"], []).append(Span(**row))
    return found


def older_traces(
    tx: Transaction, experiment: int, ids: Sequence[str] | None, before: datetime | None, most: int
) -> list[str]:
    """Ids of traces of an experiment, the oldest first."""
    query = sa.select(traces.c.id).where(traces.c.experiment == experiment)
    if ids is not None:
        query = query.where(traces.c.id.in_(ids))
    if before is not None:
        query = query.where(traces.c.at <= before)
    return list(tx.execute(query.order_by(traces.c.at, traces.c.id).limit(most)).scalars())


def drop_traces(tx: Transaction, ids: Sequence[str]) -> int:
    """Take traces away with their spans; how many."""
    gone = 0
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        tx.execute(spans.delete().where(spans.c.trace.in_(some)))
        gone += tx.execute(traces.delete().where(traces.c.id.in_(some))).rowcount
    return gone


def _read(tx: Transaction, query: sa.Select[Any]) -> list[Trace]:
    return [Trace(**row) for row in tx.execute(query).mappings()]
