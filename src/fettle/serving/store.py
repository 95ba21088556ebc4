"""The tables of serving: endpoints, the workers last seen, and traffic by the minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.serving.records import Endpoint, Traffic, Worker
from fettle.storage.columns import At

if TYPE_CHECKING:
    from fettle.storage.ports import Migration, Transaction

metadata = sa.MetaData()

endpoints = sa.Table(
    "serving_endpoints",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("alias", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("deployed_at", At, nullable=False),
    sa.Column("deployed_by", sa.Text, nullable=False),
)
workers = sa.Table(
    "serving_workers",
    metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("endpoint", sa.Text, nullable=False, index=True),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("started_at", At, nullable=False),
    sa.Column("seen_at", At, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("errors", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("p50_ms", sa.Float, nullable=False),
    sa.Column("p99_ms", sa.Float, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
)
traffic = sa.Table(
    "serving_traffic",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("at", At, primary_key=True),
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("errors", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("p50_ms", sa.Float, nullable=False),
    sa.Column("p99_ms", sa.Float, nullable=False),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(endpoints, workers, traffic)


MIGRATIONS: list[Migration] = [m001_initial]

KEPT = timedelta(days=7)


def put_endpoint(tx: Transaction, endpoint: Endpoint) -> None:
    """Write an endpoint, replacing one of the same name; its workers are not touched."""
    fields = {column.name: getattr(endpoint, column.name) for column in endpoints.columns}
    tx.execute(endpoints.delete().where(endpoints.c.name == endpoint.name))
    tx.execute(endpoints.insert().values(**fields))


def find_endpoint(tx: Transaction, name: str) -> Endpoint | None:
    row = tx.execute(sa.select(endpoints).where(endpoints.c.name == name)).mappings().one_or_none()
    return None if row is None else Endpoint(**row)


def list_endpoints(tx: Transaction) -> list[Endpoint]:
    """All endpoints by name."""
    return [Endpoint(**row) for row in tx.execute(sa.select(endpoints).order_by(endpoints.c.name)).mappings()]


def drop_endpoint(tx: Transaction, name: str) -> None:
    """Remove the endpoint and what was known of its workers; traffic stays, it is history."""
    tx.execute(workers.delete().where(workers.c.endpoint == name))
    tx.execute(endpoints.delete().where(endpoints.c.name == name))


def put_worker(tx: Transaction, worker: Worker) -> None:
    """Write what a worker reports of itself, and forget workers of its endpoint that were not seen for long."""
    gone = sa.and_(workers.c.endpoint == worker.endpoint, workers.c.seen_at < worker.seen_at - KEPT)
    tx.execute(workers.delete().where(sa.or_(workers.c.worker == worker.worker, gone)))
    tx.execute(workers.insert().values(**msgspec.structs.asdict(worker)))


def list_workers(tx: Transaction, endpoint: str) -> list[Worker]:
    """Workers of an endpoint, the newest first."""
    query = sa.select(workers).where(workers.c.endpoint == endpoint)
    newest_first = query.order_by(workers.c.started_at.desc(), workers.c.worker)
    return [Worker(**row) for row in tx.execute(newest_first).mappings()]


def add_traffic(tx: Transaction, endpoint: str, worker: str, minute: datetime, spent: Traffic) -> None:
    """Add an interval to its minute: counts are summed; of the latencies the median of the last and the worst stay."""
    key = sa.and_(
        traffic.c.endpoint == endpoint,
        traffic.c.at == minute,
        traffic.c.worker == worker,
        traffic.c.version == spent.version,
    )
    known = tx.execute(sa.select(traffic).where(key)).mappings().one_or_none()
    if known is None:
        fields = msgspec.structs.asdict(spent) | {"endpoint": endpoint, "worker": worker, "at": minute}
        tx.execute(traffic.insert().values(**fields))
        return
    tx.execute(
        traffic.update()
        .where(key)
        .values(
            requests=known["requests"] + spent.requests,
            errors=known["errors"] + spent.errors,
            rows=known["rows"] + spent.rows,
            p50_ms=spent.p50_ms,
            p99_ms=max(known["p99_ms"], spent.p99_ms),
        )
    )


def list_traffic(tx: Transaction, endpoint: str, since: datetime) -> list[Traffic]:
    """Traffic of an endpoint by minute, worker and version, oldest first."""
    query = (
        sa.select(*(column for column in traffic.columns if column.name != "endpoint"))
        .where(traffic.c.endpoint == endpoint, traffic.c.at >= since)
        .order_by(traffic.c.at, traffic.c.worker, traffic.c.version)
    )
    return [Traffic(**row) for row in tx.execute(query).mappings()]
