"""The tables of monitoring and all its SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from fettle.monitoring.records import Alert, Baseline, Segment, Watch, Window
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


MIGRATIONS = [m001_initial]


class Served(NamedTuple):
    """A request that was counted: where its row went."""

    slot: int
    model: str
    version: int
    answer: str | None
    label: str | None


class SlotKey(NamedTuple):
    """One version in one slot."""

    model: str
    version: int
    slot: int


# watches


def find_watch(tx: Transaction, endpoint: str) -> tuple[Watch, int] | None:
    row = tx.execute(sa.select(watches).where(watches.c.endpoint == endpoint)).one_or_none()
    return None if row is None else (row.watch, row.epoch)


def list_watches(tx: Transaction) -> list[Watch]:
    return list(tx.execute(sa.select(watches.c.watch).order_by(watches.c.endpoint)).scalars())


def put_watch(tx: Transaction, watch: Watch, epoch: int) -> None:
    tx.execute(watches.delete().where(watches.c.endpoint == watch.endpoint))
    tx.execute(watches.insert().values(endpoint=watch.endpoint, watch=watch, epoch=epoch))


def find_cursors(tx: Transaction, endpoint: str) -> dict[str, str]:
    rows = tx.execute(sa.select(cursors.c.worker, cursors.c.position).where(cursors.c.endpoint == endpoint))
    return {row.worker: row.position for row in rows}


def put_cursors(tx: Transaction, endpoint: str, positions: dict[str, str]) -> None:
    for worker, position in positions.items():
        tx.execute(cursors.delete().where((cursors.c.endpoint == endpoint) & (cursors.c.worker == worker)))
        tx.execute(cursors.insert().values(endpoint=endpoint, worker=worker, position=position))


def find_baselines(tx: Transaction, endpoint: str) -> dict[tuple[str, int], Baseline]:
    rows = tx.execute(sa.select(baselines.c.baseline).where(baselines.c.endpoint == endpoint)).scalars()
    return {(each.model, each.version): each for each in rows}


def put_baseline(tx: Transaction, baseline: Baseline) -> None:
    here = (
        (baselines.c.endpoint == baseline.endpoint)
        & (baselines.c.model == baseline.model)
        & (baselines.c.version == baseline.version)
    )
    tx.execute(baselines.delete().where(here))
    tx.execute(
        baselines.insert().values(
            endpoint=baseline.endpoint, model=baseline.model, version=baseline.version, baseline=baseline
        )
    )


# requests and labels


def find_requests(tx: Transaction, endpoint: str, ids: Iterable[str]) -> dict[tuple[str, int], Served]:
    """The counted rows of some requests."""
    found: dict[tuple[str, int], Served] = {}
    for chunk in _chunks(sorted(set(ids))):
        query = sa.select(requests).where((requests.c.endpoint == endpoint) & requests.c.request.in_(chunk))
        for row in tx.execute(query):
            found[row.request, row.row] = Served(row.slot, row.model, row.version, row.answer, row.label)
    return found


def add_requests(tx: Transaction, endpoint: str, served: dict[tuple[str, int], Served]) -> None:
    if served:
        tx.execute(
            requests.insert(),
            [
                {"endpoint": endpoint, "request": request, "row": row} | each._asdict()
                for (request, row), each in served.items()
            ],
        )


def set_labels(tx: Transaction, endpoint: str, labels: dict[tuple[str, int], str | None]) -> None:
    if labels:
        here = (
            (requests.c.endpoint == endpoint)
            & (requests.c.request == sa.bindparam("for_request"))
            & (requests.c.row == sa.bindparam("for_row"))
        )
        tx.execute(
            requests.update().where(here).values(label=sa.bindparam("told")),
            [
                {"for_request": request, "for_row": row, "told": told}
                for (request, row), told in labels.items()
            ],
        )


def take_early_labels(
    tx: Transaction, endpoint: str, ids: Iterable[str]
) -> dict[tuple[str, int], str | None]:
    """The labels that came before their requests; they are removed."""
    found: dict[tuple[str, int], str | None] = {}
    if (
        tx.execute(sa.select(early_labels.c.row).where(early_labels.c.endpoint == endpoint).limit(1)).first()
        is None
    ):
        return found
    for chunk in _chunks(sorted(set(ids))):
        here = (early_labels.c.endpoint == endpoint) & early_labels.c.request.in_(chunk)
        taken = {(row.request, row.row): row.label for row in tx.execute(sa.select(early_labels).where(here))}
        if taken:
            tx.execute(early_labels.delete().where(here))
        found |= taken
    return found


def add_early_labels(tx: Transaction, endpoint: str, labels: dict[tuple[str, int], str | None]) -> None:
    take_early_labels(tx, endpoint, [request for request, _ in labels])
    if labels:
        tx.execute(
            early_labels.insert(),
            [
                {"endpoint": endpoint, "request": request, "row": row, "label": label}
                for (request, row), label in labels.items()
            ],
        )


def count_labelled(tx: Transaction, endpoint: str, from_slot: int | None) -> int:
    query = sa.select(sa.func.count()).where(
        (requests.c.endpoint == endpoint) & requests.c.label.is_not(None)
    )
    if from_slot is not None:
        query = query.where(requests.c.slot >= from_slot)
    return tx.execute(query).scalar_one()


def _chunks(values: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


# slots


def find_slots(
    tx: Transaction, endpoint: str, first: int, last: int, version: tuple[str, int] | None = None
) -> dict[SlotKey, tuple[bytes, datetime]]:
    """Sums of the slots first … last, of one version or of all."""
    here = (slots.c.endpoint == endpoint) & slots.c.slot.between(first, last)
    if version is not None:
        here &= (slots.c.model == version[0]) & (slots.c.version == version[1])
    rows = tx.execute(sa.select(slots).where(here))
    return {SlotKey(row.model, row.version, row.slot): (row.sums, row.last_at) for row in rows}


def put_slots(tx: Transaction, endpoint: str, sums: dict[SlotKey, tuple[bytes, datetime]]) -> None:
    if not sums:
        return
    keys = [key._asdict() for key in sums]
    here = (
        (slots.c.endpoint == endpoint)
        & (slots.c.model == sa.bindparam("of_model"))
        & (slots.c.version == sa.bindparam("of_version"))
        & (slots.c.slot == sa.bindparam("of_slot"))
    )
    tx.execute(
        slots.delete().where(here), [{f"of_{name}": value for name, value in key.items()} for key in keys]
    )
    tx.execute(
        slots.insert(),
        [
            {"endpoint": endpoint, "sums": data, "last_at": last_at} | key._asdict()
            for key, (data, last_at) in sums.items()
        ],
    )


# windows


class WindowRow(NamedTuple):
    """A window as it is kept: ``window`` is None until it was first judged."""

    model: str
    version: int
    slot: int
    start_at: datetime
    end_at: datetime
    due_at: datetime | None
    window: Window | None


def touch_windows(tx: Transaction, endpoint: str, touched: dict[SlotKey, tuple[datetime, datetime]]) -> None:
    """Make windows due at their end, so that the next pass judges them (again)."""
    if not touched:
        return
    known: set[SlotKey] = set()
    for chunk in _chunks(sorted({key.slot for key in touched})):
        query = sa.select(windows.c.model, windows.c.version, windows.c.slot).where(
            (windows.c.endpoint == endpoint) & windows.c.slot.in_(chunk)
        )
        known |= {SlotKey(*row) for row in tx.execute(query)}
    fresh = [
        {"endpoint": endpoint, "start_at": start_at, "end_at": end_at, "due_at": end_at, "window": None}
        | key._asdict()
        for key, (start_at, end_at) in touched.items()
        if key not in known
    ]
    if fresh:
        tx.execute(windows.insert(), fresh)
    for key in touched.keys() & known:
        tx.execute(windows.update().where(_window(endpoint, key)).values(due_at=windows.c.end_at))


def put_window(tx: Transaction, endpoint: str, key: SlotKey, window: Window, due_at: datetime | None) -> None:
    tx.execute(windows.update().where(_window(endpoint, key)).values(window=window, due_at=due_at))


def _window(endpoint: str, key: SlotKey) -> sa.ColumnElement[bool]:
    return (
        (windows.c.endpoint == endpoint)
        & (windows.c.model == key.model)
        & (windows.c.version == key.version)
        & (windows.c.slot == key.slot)
    )


def find_windows(
    tx: Transaction,
    endpoint: str,
    *,
    due_at: datetime | None = None,
    slots_in: Sequence[int] | None = None,
    newest: int | None = None,
) -> list[WindowRow]:
    """Windows by start: those due at a time, those that begin in some slots, or the newest."""
    query = sa.select(windows).where(windows.c.endpoint == endpoint)
    if due_at is not None:
        query = query.where(windows.c.due_at <= due_at)
    if slots_in is not None:
        query = query.where(windows.c.slot.in_(slots_in))
    query = query.order_by(windows.c.slot.desc(), windows.c.version.desc()).limit(newest)
    rows = [
        WindowRow(row.model, row.version, row.slot, row.start_at, row.end_at, row.due_at, row.window)
        for row in tx.execute(query)
    ]
    return rows[::-1]


def is_due(tx: Transaction, endpoint: str, at: datetime) -> bool:
    query = (
        sa.select(windows.c.slot).where((windows.c.endpoint == endpoint) & (windows.c.due_at <= at)).limit(1)
    )
    return tx.execute(query).first() is not None


# segments


def add_segment(tx: Transaction, endpoint: str, epoch: int, segment: Segment) -> None:
    tx.execute(segments.insert().values(endpoint=endpoint, epoch=epoch, **msgspec.structs.asdict(segment)))


def find_segments(
    tx: Transaction, endpoint: str, since: datetime | None, until: datetime | None
) -> list[Segment]:
    """Files that may hold requests of [since, until) or labels told since then, oldest first."""
    query = sa.select(segments).where(segments.c.endpoint == endpoint).order_by(segments.c.epoch)
    if since is not None:
        query = query.where(segments.c.end_at >= since)
    if until is not None:
        query = query.where((segments.c.start_at < until) | (segments.c.kind == "labels"))
    return [Segment(row.digest, row.kind, row.start_at, row.end_at, row.rows) for row in tx.execute(query)]


# alerts


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
