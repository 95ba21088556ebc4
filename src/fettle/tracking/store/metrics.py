"""The tables of metrics: summaries, chunks of points with their outlines, and how much of each journal has arrived."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert

from fettle.core.canonical import encode
from fettle.storage.columns import At
from fettle.storage.upserts import upsert
from fettle.tracking.records.metrics import Metric, written
from fettle.tracking.store.gathered import among

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

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
    sa.Column("mean", sa.Double),
    sa.Column("total", sa.Double),
    sa.Column("finite", sa.BigInteger),
    sa.Column("first_step", sa.BigInteger),
    sa.Index("tracking_metrics_last_run", "key", "last", "run"),
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
# Beside the chunks and not in them: SQLite would read through the points of a chunk to come to what lies behind them.
outlines = sa.Table(
    "tracking_outlines",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("first_step", sa.BigInteger, nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("first_at", At, nullable=False),
    sa.Column("last_at", At, nullable=False),
    sa.Column("low", sa.Double),
    sa.Column("low_step", sa.BigInteger),
    sa.Column("high", sa.Double),
    sa.Column("high_step", sa.BigInteger),
    sa.Column("last", sa.Double),
    sa.Column("finite", sa.Integer, nullable=False),
    sa.Column("total", sa.Double, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
cursors = sa.Table(
    "tracking_cursors",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("journal", sa.Text, primary_key=True),
    sa.Column("records", sa.BigInteger, nullable=False),
)

_MANY = 500
_OF_A_CHUNK = ("run", "key", "first")


def m003_columns(tx: Transaction) -> None:
    """Means and outlines; what earlier versions kept is summed up when a series grows (`points.add`)."""
    tx.extend(metrics)
    tx.create(outlines)
    tx.execute(sa.text("DROP INDEX IF EXISTS tracking_metrics_last"))


@cache
def _put(table: sa.Table) -> Insert:
    """The statement that adds or replaces rows; making it takes longer than running it."""
    return upsert(table)


# --- journals


def received(tx: Transaction, run: str, journal: str) -> int:
    """How many records of a journal are in the tables."""
    where = (cursors.c.run == run) & (cursors.c.journal == journal)
    return tx.execute(sa.select(cursors.c.records).where(where)).scalar_one_or_none() or 0


def set_received(tx: Transaction, run: str, journal: str, records: int) -> None:
    tx.execute(_put(cursors), {"run": run, "journal": journal, "records": records})


# --- chunks: first point, number of points, bytes

Chunk = tuple[int, int, bytes]


@cache
def _chunks_from() -> sa.Executable:
    its_run, its_keys = _of(chunks)
    query = sa.select(chunks.c.key, chunks.c.first, chunks.c.count, chunks.c.data)
    query = query.where(its_run, its_keys, chunks.c.first >= sa.bindparam("start"))
    return query.order_by(chunks.c.key, chunks.c.first)


def _of(table: sa.Table) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """The rows of some metrics of a run, by the parameters `run` and `keys`."""
    return table.c.run == sa.bindparam("run"), table.c.key.in_(sa.bindparam("keys", expanding=True))


def chunks_from(tx: Transaction, run: str, starts: dict[str, int]) -> dict[str, list[Chunk]]:
    """For each metric its chunks that begin at a point or behind it, in order."""
    found: dict[str, list[Chunk]] = {}
    alike: dict[int, list[str]] = {}
    for key, start in starts.items():
        alike.setdefault(start, []).append(key)
    for start, keys in alike.items():
        for some in _some(keys):
            rows = tx.execute(_chunks_from(), {"run": run, "keys": some, "start": start}).mappings()
            for row in rows:
                found.setdefault(row["key"], []).append((row["first"], row["count"], row["data"]))
    return found


def chunks_of(
    tx: Transaction, run: str, key: str, firsts: Iterable[int] | None = None, *, behind: int = 0
) -> Iterator[Chunk]:
    """Chunks of one metric in order: all that end behind a point, or those that begin at given ones."""
    query = sa.select(chunks.c.first, chunks.c.count, chunks.c.data).order_by(chunks.c.first)
    query = query.where((chunks.c.run == run) & (chunks.c.key == key))
    if firsts is None:
        wanted = [chunks.c.first + chunks.c.count > behind]
    else:
        wanted = [chunks.c.first.in_(some) for some in _some(sorted(firsts))]
    for where in wanted:
        for row in tx.execute(query.where(where)).mappings():
            yield row["first"], row["count"], row["data"]


def chunk_sizes(tx: Transaction, run: str, key: str) -> dict[int, int]:
    """Where the chunks of a metric begin, and how many points each holds; reads no points."""
    query = sa.select(chunks.c.first, chunks.c.count).where((chunks.c.run == run) & (chunks.c.key == key))
    return {row["first"]: row["count"] for row in tx.execute(query.order_by(chunks.c.first)).mappings()}


def put_chunks(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Add chunks, or replace those that begin at the same point."""
    if rows:
        tx.execute(_put(chunks), rows)


def drop_chunks(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Remove chunks and their outlines; `rows` name run, key and first."""
    for table in (chunks, outlines) if rows else ():
        where = sa.and_(*(table.c[name] == sa.bindparam(f"its_{name}") for name in _OF_A_CHUNK))
        tx.execute(
            table.delete().where(where), [{f"its_{name}": row[name] for name in _OF_A_CHUNK} for row in rows]
        )


def put_outlines(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        tx.execute(_put(outlines), rows)


def outlines_of(tx: Transaction, run: str, key: str) -> list[sa.RowMapping]:
    """The outlines of a metric's large chunks, in order."""
    query = sa.select(outlines).where((outlines.c.run == run) & (outlines.c.key == key))
    return list(tx.execute(query.order_by(outlines.c.first)).mappings())


def steps_of(tx: Transaction, run: str, key: str) -> dict[int, tuple[int, int]]:
    """The lowest and highest step of a metric's large chunks, by where they begin."""
    query = sa.select(outlines.c.first, outlines.c.first_step, outlines.c.last_step)
    rows = tx.execute(query.where((outlines.c.run == run) & (outlines.c.key == key)))
    return {row.first: (row.first_step, row.last_step) for row in rows}


# --- summaries


def find_metrics(tx: Transaction, run: str, keys: Sequence[str] | None = None) -> dict[str, Metric]:
    """The summaries of a run's metrics, or of some of them, by key."""
    if keys is None:
        rows = tx.execute(sa.select(metrics).where(metrics.c.run == run).order_by(metrics.c.key)).mappings()
    else:
        rows = tx.execute(_some_metrics(), {"run": run, "some": encode(keys).decode()}).mappings()
    return {row["key"]: _metric(row) for row in rows}


@cache
def _some_metrics() -> sa.Executable:
    its_keys = among(metrics.c.key, sa.bindparam("some", type_=sa.Text))
    return sa.select(metrics).where(metrics.c.run == sa.bindparam("run"), its_keys).order_by(metrics.c.key)


def _metric(row: sa.RowMapping) -> Metric:
    fields = {name: row[name] for name in Metric.__struct_fields__}
    if row["not_finite"] is not None:
        fields["last"] = row["not_finite"]
    return Metric(**fields)


def put_metrics(tx: Transaction, run: str, summaries: Iterable[Metric]) -> None:
    """Add summaries, or replace those of the same keys."""
    rows = [_row(run, each) for each in summaries]
    if rows:
        tx.execute(_put(metrics), rows)


def _row(run: str, metric: Metric) -> dict[str, Any]:
    fields = msgspec.structs.asdict(metric)
    last = float(metric.last)
    shown = written(last)
    fields |= {
        "run": run,
        "last": None if math.isnan(last) else last,  # infinities are sorted where they belong
        "not_finite": shown if isinstance(shown, str) else None,
    }
    return fields


def _some(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]
