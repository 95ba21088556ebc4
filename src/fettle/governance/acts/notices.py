"""What can be done about notices: subscribe to events, look what was delivered, and what the carrier needs."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.acts import Context, Event, Role, act
from fettle.acts import store as acts_store
from fettle.core import ids
from fettle.core.clock import SystemClock
from fettle.core.errors import Invalid, NotFound
from fettle.governance import outbox
from fettle.governance.channels import channel_of, shown
from fettle.governance.forms import FORMS
from fettle.governance.records.notices import (
    Delivery,
    DeliveryStatus,
    NewSubscription,
    Parcel,
    Subscription,
)
from fettle.governance.signatures import new_secret
from fettle.governance.store import notices as store

MOST_PATTERNS = 100
MOST_SECRET = 500

# When something is tried again is a matter of the machine's time, not of a replay's clock; receivers compare it too.
MACHINE = SystemClock()


@act("governance.subscribe", needs=Role.ADMIN, audited=False, keeps_answer=False)
def subscribe(
    ctx: Context,
    target: str,
    events: list[str],
    *,
    subjects: list[str] | None = None,
    name: str = "",
    description: str = "",
    secret: str = "",
    form: str = "fettle",
    active: bool = True,
) -> NewSubscription:
    """Have somebody told of events: a webhook, or one of the channels that Apprise knows. Shows the secret, this once.

    The audit keeps who subscribed whom to what, without the secret and the address's own secrets.

    Args:
        target: `https://…` for a signed request; `slack://…`, `mailto://…`, … by way of Apprise.
        events: Patterns of kinds, such as `registry.*` or `monitoring.alert*`.
        subjects: Patterns of subjects, such as `model:fraud`; None means all.
        name: What people call it.
        description: What it is for.
        secret: What requests are signed with; empty makes one.
        form: How requests are written; `fettle` has the event as JSON.
        active: False: nothing is sent before it is activated.

    Raises:
        Invalid: The address, a pattern or the form cannot be used.
        Denied: The address leads to a place that was not allowed.
    """
    channel = channel_of(target)
    _check(events, subjects, secret, form)
    made = Subscription(
        id=ids.event_id(ctx.now),
        name=name,
        channel=channel,
        target=target,
        events=events,
        subjects=subjects or ["*"],
        active=active,
        form=form,
        description=description,
        created_at=ctx.now,
        created_by=ctx.actor,
        updated_at=ctx.now,
    )
    secret = secret or new_secret()
    store.add_subscription(ctx.tx, made, secret=secret, after=store.last_event(ctx.tx))
    ctx.emit("governance.subscribed", f"subscription:{made.id}", events=events, to=shown(target))
    _audit(
        ctx, "governance.subscribe", {"target": shown(target), "events": events, "subjects": subjects}, made
    )
    return NewSubscription(made, secret)


@act("governance.change_subscription", needs=Role.ADMIN, audited=False, keeps_answer=False)
def change_subscription(
    ctx: Context,
    subscription: str,
    *,
    target: str | None = None,
    events: list[str] | None = None,
    subjects: list[str] | None = None,
    name: str | None = None,
    description: str | None = None,
    secret: str | None = None,
    active: bool | None = None,
) -> Subscription:
    """Change who is told of what. What is not given stays.

    What happens while a subscription is not active is not sent later.

    Args:
        subscription: Its id.
        target: Where notices go from now on.
        events: Patterns of kinds.
        subjects: Patterns of subjects.
        name: What people call it.
        description: What it is for.
        secret: What requests are signed with from now on.
        active: False stops it.
    """
    known = find_subscription(ctx, subscription)
    _check(known.events if events is None else events, subjects, secret or "", known.form)
    given = {
        "events": events, "subjects": subjects, "name": name, "description": description, "active": active,
    }  # fmt: skip
    fields: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    told = dict(fields)
    if target is not None:
        fields |= {"target": target, "channel": channel_of(target)}
        told["target"] = shown(target)
    if secret:
        fields["secret"], told["secret"] = secret, "changed"
    if active and not known.active:
        fields["after"] = store.last_event(ctx.tx)
    store.change_subscription(ctx.tx, subscription, updated_at=ctx.now, **fields)
    ctx.emit("governance.subscription_changed", f"subscription:{subscription}", fields=sorted(told))
    changed = find_subscription(ctx, subscription)
    _audit(ctx, "governance.change_subscription", {"subscription": subscription, **told}, changed)
    return changed


@act("governance.unsubscribe", needs=Role.ADMIN)
def unsubscribe(ctx: Context, subscription: str) -> None:
    """End a subscription; what still waited for it is not sent.

    Args:
        subscription: Its id.
    """
    find_subscription(ctx, subscription)
    store.drop_subscription(ctx.tx, subscription)
    ctx.emit("governance.unsubscribed", f"subscription:{subscription}")


@act("governance.subscriptions", reads=True)
def subscriptions(ctx: Context) -> list[Subscription]:
    """List who is told of what, oldest first; whole addresses are for administrators, secrets for nobody."""
    return [_as_seen(ctx, each) for each in store.list_subscriptions(ctx.tx)]


@act("governance.subscription", reads=True)
def subscription(ctx: Context, subscription: str) -> Subscription:
    """Show one subscription.

    Args:
        subscription: Its id.
    """
    return _as_seen(ctx, find_subscription(ctx, subscription))


@act("governance.deliveries", reads=True)
def deliveries(
    ctx: Context,
    subscription: str | None = None,
    *,
    status: DeliveryStatus | None = None,
    limit: int = 100,
) -> list[Delivery]:
    """List what became of notices, newest first; those done stay on record for 30 days.

    Args:
        subscription: To one subscriber only.
        status: `waiting`, `delivered` or `failed` only.
        limit: At most so many.
    """
    return store.list_deliveries(ctx.tx, subscription=subscription, status=status, most=max(0, limit))


@act("governance.redeliver", needs=Role.ADMIN)
def redeliver(ctx: Context, delivery: str) -> Delivery:
    """Send a notice again, under the same id, whether it was given up or arrived.

    Args:
        delivery: Its id.
    """
    find_delivery(ctx, delivery)
    store.change_delivery(
        ctx.tx, delivery, status="waiting", attempts=0, next_at=MACHINE.now(), done_at=None, said=""
    )
    return find_delivery(ctx, delivery)[0]


@act("governance.due", reads=True, needs=Role.ADMIN, plumbing=True)
def due(ctx: Context) -> bool:
    """Tell whether there may be something to deliver now: an event nobody has looked at, or a notice that is due."""
    listening = store.listening(ctx.tx)
    if not listening:
        return False
    seen = max(store.cursor(ctx.tx), min(after for after, _ in listening))
    return store.last_event(ctx.tx) > seen or bool(store.due(ctx.tx, MACHINE.now(), 1))


@act("governance.take", needs=Role.ADMIN, audited=False, keeps_answer=False, plumbing=True)
def take(ctx: Context, *, most: int = 8) -> list[Parcel]:
    """Take notices to carry: they are signed, and belong to the caller for two minutes.

    Args:
        most: At most so many.
    """
    now = MACHINE.now()
    while outbox.fan_out(ctx.tx, now) == outbox.PAGE:
        pass
    return outbox.take(ctx.tx, now, max(0, min(most, 100)))


@act("governance.settle", needs=Role.ADMIN, audited=False, plumbing=True)
def settle(
    ctx: Context, delivery: str, attempt: int, *, good: bool, code: int | None = None, said: str = ""
) -> None:
    """Tell how an attempt went; a notice that did not arrive is tried again later.

    Args:
        delivery: Its id.
        attempt: Which attempt.
        good: Whether it arrived.
        code: The HTTP status, if there was one.
        said: What was answered.
    """
    found = store.find_delivery(ctx.tx, delivery)
    if found is not None:  # else the subscription has ended meanwhile
        outbox.settle(ctx.tx, found[0], attempt, good=good, code=code, said=said, now=MACHINE.now())


@act("governance.take_test", needs=Role.ADMIN, keeps_answer=False, plumbing=True)
def take_test(ctx: Context, subscription: str) -> Parcel:
    """Prepare a notice that says only that it is a test; also to a subscription that is not active.

    Args:
        subscription: Its id.
    """
    known, now = find_subscription(ctx, subscription), MACHINE.now()
    body = {"message": "This is a test."}
    event = Event(ids.event_id(now), now, "governance.test", f"subscription:{subscription}", ctx.actor, body)
    made = outbox.note(ctx.tx, subscription, event, seq=0, now=now)
    return outbox.prepare(ctx.tx, known, made, msgspec.to_builtins(event), now)


@act("governance.delivery", reads=True)
def delivery(ctx: Context, delivery: str) -> Delivery:
    """Show what became of one notice.

    Args:
        delivery: Its id.
    """
    return find_delivery(ctx, delivery)[0]


def find_subscription(ctx: Context, subscription: str) -> Subscription:
    """The subscription of that id.

    Raises:
        NotFound: There is none.
    """
    found = store.find_subscription(ctx.tx, subscription)
    if found is None:
        known = [each.id for each in store.list_subscriptions(ctx.tx)]
        raise NotFound.among("subscription", subscription, known, hint="fettle governance subscriptions")
    return found


def find_delivery(ctx: Context, delivery: str) -> tuple[Delivery, dict[str, Any]]:
    """The delivery of that id, with its message.

    Raises:
        NotFound: There is none.
    """
    found = store.find_delivery(ctx.tx, delivery)
    if found is None:
        raise NotFound(f"There is no delivery {delivery!r}.", hint="fettle governance deliveries")
    return found


def _as_seen(ctx: Context, each: Subscription) -> Subscription:
    return each if ctx.role >= Role.ADMIN else msgspec.structs.replace(each, target=shown(each.target))


def _check(events: list[str], subjects: list[str] | None, secret: str, form: str) -> None:
    patterns = [*events, *(subjects or [])]
    if not events or len(patterns) > MOST_PATTERNS or any(not each or len(each) > 300 for each in patterns):
        raise Invalid(
            "A subscription needs at least one kind of event.",
            found=f"{len(patterns)} patterns",
            hint="For example registry.* and monitoring.*; `fettle governance events` lists what happened.",
        )
    if len(secret) > MOST_SECRET or "\0" in secret:
        raise Invalid("This cannot be a secret.", hint=f"Use at most {MOST_SECRET} characters.")
    if form not in FORMS:
        raise NotFound.among("form", form, FORMS)


def _audit(ctx: Context, name: str, arguments: dict[str, Any], made: Subscription) -> None:
    """The audit entry of an act whose own arguments must not be written down."""
    outcome = ids.digest_of(msgspec.structs.replace(made, target=shown(made.target)))
    acts_store.add_audit(ctx.tx, at=ctx.now, actor=ctx.actor, act=name, arguments=arguments, outcome=outcome)
