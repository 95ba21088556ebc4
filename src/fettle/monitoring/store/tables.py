"""The tables of monitoring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from fettle.monitoring.records import Baseline, Watch, Window
from fettle.storage.columns import At, Json

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()
CHUNK = 500
"""Values in one IN (…): below the parameter limit of every database."""

watches = sa.Table(
    "monitoring_watches",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("watch", Json(Watch), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
)
cursors = sa.Table(
    "monitoring_cursors",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("position", sa.Text, nullable=False),
)
baselines = sa.Table(
    "monitoring_baselines",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("baseline", Json(Baseline), nullable=False),
)
requests = sa.Table(
    "monitoring_requests",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.BigInteger, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("label", sa.Text),
    sa.Index("monitoring_requests_slot", "endpoint", "slot"),
)
early_labels = sa.Table(
    "monitoring_early_labels",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("label", sa.Text),
)
slots = sa.Table(
    "monitoring_slots",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last_at", At, nullable=False),
    sa.Column("sums", sa.LargeBinary, nullable=False),
)
windows = sa.Table(
    "monitoring_windows",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("start_at", At, nullable=False),
    sa.Column("end_at", At, nullable=False),
    sa.Column("due_at", At),
    sa.Column("window", Json(Window)),
    sa.Index("monitoring_windows_due", "endpoint", "due_at"),
)
segments = sa.Table(
    "monitoring_segments",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("start_at", At, nullable=False),
    sa.Column("end_at", At, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
)
alerts = sa.Table(
    "monitoring_alerts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("start_at", At, nullable=False),
    sa.Column("end_at", At, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("evidence", Json, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.UniqueConstraint("endpoint", "start_at", "kind", name="monitoring_alerts_once"),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(watches, cursors, baselines, requests, early_labels, slots, windows, segments, alerts)


class SlotKey(NamedTuple):
    """One version in one slot."""

    model: str
    version: int
    slot: int


def chunks(values: list[Any]) -> Iterator[list[Any]]:
    """The values in lists short enough for one statement."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
