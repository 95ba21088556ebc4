"""Webhooks: subscriptions to the registry's events, written and signed as MLflow's own."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import msgspec

from fettle.acts import Role
from fettle.core.errors import Denied, Invalid, NotFound
from fettle.governance.mlflow_form import KINDS, MARK
from fettle.governance.records.notices import Delivery, Subscription
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.paging import page
from fettle.protocols.mlflow.translate import milliseconds
from fettle.storage import outgoing

BOOK = Book()
FORM = "mlflow"
MOST_PAGE = 1000
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_ELSEWHERE = re.compile(
    r"(prompt|prompt_version|prompt_tag|prompt_version_tag|prompt_alias|budget_policy)\..+"
)


class Event(msgspec.Struct):
    """What is told: something of the registry, and what happened to it."""

    entity: str
    action: str

    @property
    def name(self) -> str:
        """Such as `model_version.created`."""
        return f"{self.entity}.{self.action}".lower()


class Create(msgspec.Struct):
    """Fields of `webhooks`."""

    name: str
    url: str
    events: list[Event] = []
    description: str = ""
    secret: str = ""
    status: str = "ACTIVE"


class List(msgspec.Struct):
    """Fields of `webhooks`."""

    max_results: int = 100
    page_token: str = ""


class One(msgspec.Struct):
    """A webhook by its id."""

    webhook_id: str


class Update(msgspec.Struct):
    """Fields of `webhooks/{webhook_id}`."""

    webhook_id: str
    name: str | None = None
    url: str | None = None
    events: list[Event] = []
    description: str | None = None
    secret: str | None = None
    status: str | None = None


class Try(msgspec.Struct):
    """Fields of `webhooks/{webhook_id}/test`."""

    webhook_id: str
    event: Event | None = None


@BOOK.on("POST", "webhooks")
def create(call: Call, asked: Create) -> Any:
    """Have an address told of events."""
    _require_admin(call)
    made = call.perform(
        "governance.subscribe",
        target=_address(asked.url),
        events=_patterns(asked.events),
        subjects=["model:*"],
        name=_named(asked.name),
        description=asked.description,
        secret=asked.secret,
        active=_active(asked.status),
        form=FORM,
    )
    return {"webhook": _shown(made.subscription)}


@BOOK.on("GET", "webhooks")
def list_webhooks(call: Call, asked: List) -> Any:
    """List the webhooks, newest first."""
    if not 1 <= asked.max_results <= MOST_PAGE:
        raise invalid(f"max_results must be between 1 and {MOST_PAGE}.")
    known: list[Subscription] = call.perform("governance.subscriptions")
    ours = [each for each in reversed(known) if each.form == FORM]
    some, token = page(ours, asked.page_token, asked.max_results)
    answer: dict[str, Any] = {"webhooks": [_shown(each) for each in some]} if some else {}
    return {**answer, "next_page_token": token} if token else answer


@BOOK.on("GET", "webhooks/{webhook_id}")
def get(call: Call, asked: One) -> Any:
    """Show a webhook."""
    return {"webhook": _shown(_found(call, asked.webhook_id))}


@BOOK.on("PATCH", "webhooks/{webhook_id}")
def update(call: Call, asked: Update) -> Any:
    """Change a webhook; what is not given stays."""
    _require_admin(call)
    changed = call.perform(
        "governance.change_subscription",
        subscription=_found(call, asked.webhook_id).id,
        target=None if asked.url is None else _address(asked.url),
        events=_patterns(asked.events) if asked.events else None,
        name=None if asked.name is None else _named(asked.name),
        description=asked.description,
        secret=asked.secret,
        active=None if asked.status is None else _active(asked.status),
    )
    return {"webhook": _shown(changed)}


@BOOK.on("DELETE", "webhooks/{webhook_id}")
def delete(call: Call, asked: One) -> None:
    """End a webhook."""
    call.perform("governance.unsubscribe", subscription=_found(call, asked.webhook_id).id)


@BOOK.on("POST", "webhooks/{webhook_id}/test")
def test(call: Call, asked: Try) -> Any:
    """Send an example of an event, at once, and say how it went."""
    from fettle.governance.carrier import deliver

    parcel = call.perform("governance.take_test", subscription=_found(call, asked.webhook_id).id)
    deliver(call.workspace, parcel)
    done: Delivery = call.perform("governance.delivery", delivery=parcel.delivery)
    good = done.status == "delivered"
    result: dict[str, Any] = {"success": good}
    if done.code is not None:
        result |= {"response_status": done.code, "response_body": done.said}
    elif not good:
        result["error_message"] = f"Failed to test webhook: {done.said}"
    return {"result": result}


def _require_admin(call: Call) -> None:
    """Refuse everybody else before an address is looked at: what is wrong with it tells of the network here."""
    if call.caller.role < Role.ADMIN:
        raise Denied("This needs the role admin.", found=call.caller.role.name.lower())


def _found(call: Call, webhook_id: str) -> Subscription:
    try:
        known: Subscription = call.perform("governance.subscription", subscription=webhook_id)
    except NotFound:
        known = None  # type: ignore[assignment]  # told with those of another form
    if known is None or known.form != FORM:
        raise missing(f"Webhook with ID {webhook_id[:200]} not found.")
    return known


def _shown(known: Subscription) -> dict[str, Any]:
    names = [each.removeprefix(MARK) for each in known.events if each.startswith(MARK)]
    fields = {
        "webhook_id": known.id,
        "name": known.name,
        "description": known.description,
        "url": known.target,
        "events": [dict(zip(("entity", "action"), each.upper().split("."), strict=True)) for each in names],
        "status": "ACTIVE" if known.active else "DISABLED",
        "creation_timestamp": milliseconds(known.created_at),
        "last_updated_timestamp": milliseconds(known.updated_at),
    }
    return {name: value for name, value in fields.items() if value != ""}


def _patterns(events: list[Event]) -> list[str]:
    """Our kinds of events for MLflow's, and its names behind them, so that they can be shown again."""
    if not events:
        raise invalid("Webhook events must be a non-empty list.")
    names = list(dict.fromkeys(each.name for each in events))
    for name in names:
        if name not in KINDS and _ELSEWHERE.fullmatch(name):
            raise Refused("NOT_IMPLEMENTED", f"There are no events '{name[:80]}' here.")
        if name not in KINDS:
            raise invalid(f"Invalid webhook event '{name[:80]}'. Valid events are {sorted(KINDS)}.")
    kinds = dict.fromkeys(kind for name in names for kind in KINDS[name])
    return [*kinds, *(f"{MARK}{name}" for name in names)]


def _address(url: str) -> str:
    """The address, if a request may go there; what a name leads to is looked at when something is sent.

    Raises:
        FettleError: It is no `http(s)` address, or that of a private network which was not allowed.
    """
    if not url.strip():
        raise invalid(f"Webhook URL cannot be empty or just whitespace: {url[:80]!r}")
    scheme = url.partition(":")[0].lower()
    if scheme not in ("http", "https"):
        raise invalid(f"Invalid webhook URL scheme: {scheme[:40]!r}. Allowed schemes are: http, https.")
    try:
        parts = outgoing.checked(url)
    except Invalid as error:
        raise invalid(f"Invalid webhook URL {url[:200]!r}: {error.message}") from None
    try:
        ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return url
    outgoing.resolved(parts)
    return url


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise invalid(
            f"Webhook name {name[:80]!r} is invalid. It must start and end with a letter or digit, be less than 63 "
            "characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-)."
        )
    return name


def _active(status: str) -> bool:
    if status.upper() not in ("ACTIVE", "DISABLED"):
        raise invalid(f"Invalid webhook status '{status[:80]}'. Valid statuses are ACTIVE, DISABLED.")
    return status.upper() == "ACTIVE"
