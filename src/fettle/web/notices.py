"""Notices: who is told of which events, and what became of each message. Never an address whole, never a secret."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fettle.core.errors import FettleError
from fettle.governance.channels import shown
from fettle.web.asked import Asked
from fettle.web.labels import Perform
from fettle.web.posting import Call, chosen, form
from fettle.web.site import COMPRESSED, Facts, Site, as_json, asked_of, tagged
from fettle.web.tables import Column, arrange

SHOWN_DELIVERIES = 500
STATUSES = ("", "waiting", "delivered", "failed")
DOINGS = ("redeliver", "stop", "go")
TONES = {"delivered": "ok", "waiting": "busy", "failed": "bad"}


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """The page of notices, read with the role of whoever asks, and its form.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """
    act = perform or (lambda _, name, arguments: site.ws.call(name, **arguments))

    def show(request: Request) -> Response:
        asked = asked_of(request)
        try:
            facts = read(act, request, asked)
        except FettleError as error:
            return site.refuse(error, request)
        return tagged(
            site.render("notices/notices.html", request, asked, {**facts, **draw(facts, asked)}), request
        )

    def twin(request: Request) -> Response:
        try:
            return as_json(read(act, request, asked_of(request)))
        except FettleError as error:
            return as_json({"error": error.as_dict()}, error.status)

    return [
        Route("/notices.json", twin, methods=["GET"], middleware=COMPRESSED),
        Route("/notices", show, methods=["GET"], middleware=COMPRESSED),
        form(site, perform, "/notices", _work),
    ]


def read(act: Perform, request: Request, asked: Asked) -> Facts:
    """The subscriptions, and the newest messages that fit the address."""
    subscriptions = [
        msgspec.structs.replace(each, target=shown(each.target))
        for each in act(request, "governance.subscriptions", {})
    ]
    status = asked.choice("status", STATUSES)
    deliveries = act(
        request,
        "governance.deliveries",
        {
            "subscription": asked.text("to") or None,
            "status": status or None,
            "limit": SHOWN_DELIVERIES,
        },
    )
    return {"subscriptions": subscriptions, "deliveries": deliveries}


def draw(facts: Facts, asked: Asked) -> Facts:
    """The table of messages, the newest first."""
    names = {each.id: name_of(each) for each in facts["subscriptions"]}
    columns = [
        Column("kind", "Event", lambda each: each.kind),
        Column("subject", "About", lambda each: each.subject),
        Column("to", "To", lambda each: names.get(each.subscription, each.subscription)),
        Column("status", "Status", lambda each: each.status),
        Column("attempts", "Attempts", lambda each: each.attempts, number=True),
        Column("", "Last answer"),
        Column("at", "Noted", lambda each: each.at),
        Column("", "Again"),
    ]
    return {
        "table": arrange(
            facts["deliveries"],
            columns,
            asked,
            words=lambda each: f"{each.kind} {each.subject} {each.said} {each.code or ''}",
        ),
        "names": names,
        "tones": TONES,
        "cut": len(facts["deliveries"]) == SHOWN_DELIVERIES,
    }


def name_of(subscription: Any) -> str:
    """What a subscription is called: its name, else where it leads."""
    return subscription.name or subscription.target


def _work(call: Call, _: Request, fields: dict[str, str]) -> str:
    """Send a message again, or stop and go on telling somebody."""
    doing = chosen(fields, DOINGS)
    if doing == "redeliver":
        call("governance.redeliver", delivery=fields.get("delivery", ""))
        return "/notices#deliveries"
    call(
        "governance.change_subscription",
        subscription=fields.get("subscription", ""),
        active=doing == "go",
    )
    return "/notices"
