"""Subscriptions to events, and what became of each notice."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Channel = Literal["webhook", "apprise"]
DeliveryStatus = Literal["waiting", "delivered", "failed"]


class Subscription(msgspec.Struct, frozen=True):
    """Who is told of which events.

    Attributes:
        id: Sorts by time.
        name: What people call it.
        channel: `webhook`: a signed request; `apprise`: one of the channels that Apprise knows.
        target: Where notices go; who is no administrator sees only the host.
        events: Patterns of kinds, such as `registry.*`; one that fits is enough.
        subjects: Patterns of subjects, such as `model:fraud`; one that fits is enough.
        active: False: nothing is sent, and what happens meanwhile is not sent later.
        form: How a request is written; `fettle`, or that of another tool.
        description: What it is for.
        created_at: Since when.
        created_by: By whom.
        updated_at: When it last changed.
        waiting: Notices that are still to be delivered.
        failed: Notices that were given up.
    """

    id: str
    name: str
    channel: Channel
    target: str
    events: list[str]
    subjects: list[str]
    active: bool
    form: str
    description: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    waiting: int = 0
    failed: int = 0


class NewSubscription(msgspec.Struct, frozen=True):
    """A subscription with its secret, which is shown this once.

    Attributes:
        subscription: Its record.
        secret: What requests are signed with.
    """

    subscription: Subscription
    secret: str


class Delivery(msgspec.Struct, frozen=True):
    """One notice to one subscriber.

    Attributes:
        id: Sent with every attempt, so that a receiver knows it again.
        subscription: To whom.
        event: Id of the event.
        kind: What happened.
        subject: To what.
        status: `waiting`, `delivered`, or `failed` after the last attempt.
        attempts: How often it was tried.
        at: When it was noted.
        next_at: When it is tried next; None when it is done.
        done_at: When it was delivered or given up.
        code: The HTTP status of the last answer.
        said: The beginning of the last answer, or what went wrong.
    """

    id: str
    subscription: str
    event: str
    kind: str
    subject: str
    status: DeliveryStatus
    attempts: int
    at: datetime
    next_at: datetime | None = None
    done_at: datetime | None = None
    code: int | None = None
    said: str = ""


class Parcel(msgspec.Struct, frozen=True):
    """A notice ready to be sent: signed, so that whoever carries it needs no secret.

    Attributes:
        delivery: The delivery's id.
        attempt: Which attempt this is, from 1.
        channel: By which way.
        target: Where to.
        headers: What is sent besides the body.
        body: What is sent.
        title: One line for people, for channels to people.
    """

    delivery: str
    attempt: int
    channel: Channel
    target: str
    headers: dict[str, str]
    body: str
    title: str


class Carried(msgspec.Struct, frozen=True):
    """What one round of delivering did.

    Attributes:
        delivered: How many notices arrived.
        postponed: How many are tried again later.
    """

    delivered: int = 0
    postponed: int = 0

    def __str__(self) -> str:
        return f"{self.delivered} delivered, {self.postponed} to be tried again"
