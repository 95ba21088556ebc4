"""From events to notices: who is told of what, what is due, and what became of it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.acts.store import list_events
from fettle.core import ids
from fettle.governance import mlflow_form, schedule
from fettle.governance.channels import MOST_SAID
from fettle.governance.forms import FORMS, own, title
from fettle.governance.records.notices import Delivery, Parcel, Subscription
from fettle.governance.store import notices as store

if TYPE_CHECKING:
    from fettle.acts import Event
    from fettle.storage.ports import Transaction

PAGE = 1000
KEPT = timedelta(days=30)
"""For so long it stays on record what became of a notice."""

_chance = random.Random()


def fan_out(tx: Transaction, now: datetime) -> int:
    """Turn the next events into deliveries, each once for every subscription that wants it; how many events were read.

    The cursor moves in the same transaction: a kill leaves both or neither.
    """
    listening = store.listening(tx)
    at = store.cursor(tx)
    if not listening:
        return 0
    start = max(at, min(after for after, _ in listening))
    page = list_events(tx, after=start, most=PAGE)
    for seq, event in page:
        for after, subscription in listening:
            if seq > after and wants(subscription, event):
                note(tx, subscription.id, event, seq=seq, now=now)
    reached = page[-1][0] if page else start
    if reached > at:
        store.set_cursor(tx, reached)
        store.forget_deliveries(tx, now - KEPT)
    return len(page)


def wants(subscription: Subscription, event: Event) -> bool:
    """Whether a subscription is about an event: one of its kinds and one of its subjects fit."""
    fits = any(fnmatchcase(event.kind, each) for each in subscription.events) and any(
        fnmatchcase(event.subject, each) for each in subscription.subjects
    )
    if not fits or subscription.form != "mlflow":
        return fits
    return mlflow_form.wanted(subscription.events, msgspec.to_builtins(event, str_keys=True))


def note(tx: Transaction, subscription: str, event: Event, *, seq: int, now: datetime) -> Delivery:
    """Note that a subscription is to be told of an event."""
    made = Delivery(
        id=ids.event_id(now),
        subscription=subscription,
        event=event.id,
        kind=event.kind,
        subject=event.subject,
        status="waiting",
        attempts=0,
        at=now,
        next_at=now,
    )
    store.add_delivery(tx, made, seq=seq, message=msgspec.to_builtins(event, str_keys=True))
    return made


def take(tx: Transaction, now: datetime, most: int) -> list[Parcel]:
    """Take what is due, signed and ready; it belongs to the caller for two minutes."""
    known = {each.id: each for each in store.list_subscriptions(tx)}
    return [
        prepare(tx, known[delivery.subscription], delivery, message, now)
        for delivery, message in store.due(tx, now, most)
    ]


def prepare(
    tx: Transaction, subscription: Subscription, delivery: Delivery, message: dict[str, Any], now: datetime
) -> Parcel:
    """Sign a notice and note that it is on its way."""
    attempt = delivery.attempts + 1
    store.change_delivery(tx, delivery.id, attempts=attempt, next_at=now + schedule.LEASE)
    secret = store.secret_of(tx, subscription.id)
    written = FORMS.get(subscription.form, own)
    headers, body = written(secret, delivery.id, int(now.timestamp()), message)
    if subscription.channel == "apprise":
        headers, body = {}, title(message)
    heading = f"fettle: {message['kind']}"
    return Parcel(delivery.id, attempt, subscription.channel, subscription.target, headers, body, heading)


def settle(
    tx: Transaction,
    delivery: Delivery,
    attempt: int,
    *,
    good: bool,
    code: int | None,
    said: str,
    now: datetime,
) -> None:
    """Note how an attempt went. One that was taken over by another carrier counts only if it arrived."""
    if delivery.status == "delivered" or (attempt != delivery.attempts and not good):
        return
    told = {"code": code, "said": said.replace("\0", "")[:MOST_SAID]}
    wait = None if good else schedule.wait(attempt, _chance)
    if good or wait is None:
        status = "delivered" if good else "failed"
        store.change_delivery(tx, delivery.id, status=status, done_at=now, next_at=None, **told)
    else:
        store.change_delivery(tx, delivery.id, next_at=now + wait, **told)
