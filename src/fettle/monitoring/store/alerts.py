"""Alerts, by id and by what they are about."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.monitoring.records import Alert
from fettle.monitoring.store.tables import alerts

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def find_alert(tx: Transaction, id: str) -> Alert | None:
    row = tx.execute(sa.select(alerts).where(alerts.c.id == id)).mappings().one_or_none()
    return None if row is None else Alert(**row)


def alert_of(tx: Transaction, endpoint: str, start_at: datetime, kind: str) -> Alert | None:
    here = (alerts.c.endpoint == endpoint) & (alerts.c.start_at == start_at) & (alerts.c.kind == kind)
    row = tx.execute(sa.select(alerts).where(here)).mappings().one_or_none()
    return None if row is None else Alert(**row)


def put_alert(tx: Transaction, alert: Alert) -> None:
    """Keep an alert, or its new state."""
    fields = msgspec.structs.asdict(alert)
    if find_alert(tx, alert.id) is None:
        tx.execute(alerts.insert().values(**fields))
    else:
        tx.execute(alerts.update().where(alerts.c.id == alert.id).values(**fields))


def list_alerts(
    tx: Transaction,
    *,
    endpoint: str | None = None,
    status: str | None = None,
    kind: str | None = None,
    limit: int | None = None,
) -> list[Alert]:
    """Alerts, newest first."""
    query = sa.select(alerts).order_by(alerts.c.end_at.desc(), alerts.c.id.desc()).limit(limit)
    for column, value in ((alerts.c.endpoint, endpoint), (alerts.c.status, status), (alerts.c.kind, kind)):
        if value is not None:
            query = query.where(column == value)
    return [Alert(**row) for row in tx.execute(query).mappings()]


def alert_ids(tx: Transaction) -> list[str]:
    return list(tx.execute(sa.select(alerts.c.id).order_by(alerts.c.id.desc()).limit(50)).scalars())
