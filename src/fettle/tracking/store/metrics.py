"""The tables of metrics: summaries, chunks of points, and how much of each journal has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At
from fettle.tracking.records.metrics import Metric, written

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
