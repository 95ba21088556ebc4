"""The tables of subscriptions and deliveries, and how far events were looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.acts.store import events
from fettle.governance.records.notices import Delivery, Subscription
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new, upsert

if TYPE_CHECKING:
    from datetime import datetime

    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

subscriptions = sa.Table(
    "governance_subscriptions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("events", Json, nullable=False),
    sa.Column("subjects", Json, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("created_at", At, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("updated_at", At, nullable=False),
    sa.Column("after", sa.BigInteger, nullable=False),  # events up to here are not its business
)
deliveries = sa.Table(
    "governance_deliveries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subscription", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("message", Json, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("next_at", At),
    sa.Column("done_at", At),
    sa.Column("code", sa.Integer),
    sa.Column("said", sa.Text, nullable=False),
    sa.UniqueConstraint("subscription", "event", name="governance_deliveries_once"),
    sa.Index("governance_deliveries_due", "status", "next_at"),
)
cursors = sa.Table(
    "governance_cursors",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

_CURSOR = "notices"
_PRIVATE = ("secret", "after")
_INNER = ("seq", "message")


def m002_notices(tx: Transaction) -> None:
    tx.create(subscriptions, deliveries, cursors)


def add_subscription(tx: Transaction, made: Subscription, *, secret: str, after: int) -> None:
    fields = msgspec.structs.asdict(made)
    del fields["waiting"], fields["failed"]
    tx.execute(subscriptions.insert().values(secret=secret, after=after, **fields))


def change_subscription(tx: Transaction, subscription: str, **fields: Any) -> None:
    tx.execute(subscriptions.update().where(subscriptions.c.id == subscription).values(**fields))


def drop_subscription(tx: Transaction, subscription: str) -> None:
    """Take a subscription away with its deliveries."""
    tx.execute(deliveries.delete().where(deliveries.c.subscription == subscription))
    tx.execute(subscriptions.delete().where(subscriptions.c.id == subscription))


def list_subscriptions(tx: Transaction) -> list[Subscription]:
    """All of them, oldest first, with how many of their notices wait or were given up."""
    asked = sa.select(deliveries.c.subscription, deliveries.c.status, sa.func.count().label("many"))
    asked = asked.where(deliveries.c.status != "delivered")
    counts: dict[tuple[str, str], int] = {}
    for row in tx.execute(asked.group_by(deliveries.c.subscription, deliveries.c.status)):
        counts[row.subscription, row.status] = row.many
    rows = tx.execute(sa.select(subscriptions).order_by(subscriptions.c.id)).mappings()
    return [
        Subscription(
            **{key: value for key, value in row.items() if key not in _PRIVATE},
            waiting=counts.get((row["id"], "waiting"), 0),
            failed=counts.get((row["id"], "failed"), 0),
        )
        for row in rows
    ]


def find_subscription(tx: Transaction, subscription: str) -> Subscription | None:
    return next((each for each in list_subscriptions(tx) if each.id == subscription), None)


def secret_of(tx: Transaction, subscription: str) -> str:
    where = subscriptions.c.id == subscription
    return tx.execute(sa.select(subscriptions.c.secret).where(where)).scalar_one()


def listening(tx: Transaction) -> list[tuple[int, Subscription]]:
    """The active subscriptions, each with the number of the last event that is not its business."""
    rows = tx.execute(sa.select(subscriptions.c.id, subscriptions.c.after))
    after: dict[str, int] = {row.id: row.after for row in rows}
    return [(after[each.id], each) for each in list_subscriptions(tx) if each.active]


def last_event(tx: Transaction) -> int:
    return tx.execute(sa.select(sa.func.max(events.c.seq))).scalar_one() or 0


def cursor(tx: Transaction) -> int:
    """The number of the last event that was turned into deliveries."""
    return tx.execute(sa.select(cursors.c.seq).where(cursors.c.name == _CURSOR)).scalar_one_or_none() or 0


def set_cursor(tx: Transaction, seq: int) -> None:
    tx.execute(upsert(cursors), {"name": _CURSOR, "seq": seq})


def add_delivery(tx: Transaction, made: Delivery, *, seq: int, message: dict[str, Any]) -> None:
    """Note a delivery; an event is noted once for each subscription."""
    fields = {**msgspec.structs.asdict(made), "seq": seq, "message": message}
    tx.execute(insert_new(deliveries, keys=["subscription", "event"]), fields)


def due(tx: Transaction, now: datetime, most: int) -> list[tuple[Delivery, dict[str, Any]]]:
    """Deliveries whose time has come, with their messages, in the order of the events."""
    where = (deliveries.c.status == "waiting") & (deliveries.c.next_at <= now)
    active = sa.select(subscriptions.c.id).where(subscriptions.c.active)
    query = sa.select(deliveries).where(where & deliveries.c.subscription.in_(active))
    rows = tx.execute(query.order_by(deliveries.c.next_at, deliveries.c.seq).limit(most)).mappings()
    return [(_delivery(row), row["message"]) for row in rows]


def find_delivery(tx: Transaction, delivery: str) -> tuple[Delivery, dict[str, Any]] | None:
    row = tx.execute(sa.select(deliveries).where(deliveries.c.id == delivery)).mappings().one_or_none()
    return None if row is None else (_delivery(row), row["message"])


def change_delivery(tx: Transaction, delivery: str, **fields: Any) -> None:
    tx.execute(deliveries.update().where(deliveries.c.id == delivery).values(**fields))


def list_deliveries(
    tx: Transaction, *, subscription: str | None, status: str | None, most: int
) -> list[Delivery]:
    """Deliveries, newest first."""
    query = sa.select(deliveries).order_by(deliveries.c.id.desc()).limit(most)
    if subscription is not None:
        query = query.where(deliveries.c.subscription == subscription)
    if status is not None:
        query = query.where(deliveries.c.status == status)
    return [_delivery(row) for row in tx.execute(query).mappings()]


def forget_deliveries(tx: Transaction, before: datetime) -> None:
    """Forget what was done long ago."""
    tx.execute(deliveries.delete().where(deliveries.c.done_at < before))


def _delivery(row: Any) -> Delivery:
    return Delivery(**{key: value for key, value in dict(row).items() if key not in _INNER})
