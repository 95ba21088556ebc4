"""What people say to each other: comments under a thing, pins, and short addresses of a page as it is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core.errors import FettleError
from fettle.web.asked import local
from fettle.web.labels import Perform
from fettle.web.posting import Call, chosen, form
from fettle.web.site import HEADERS, Site, asked_of

DOINGS = ("say", "edit", "drop", "pin", "unpin", "share")


def heard(ws: Surface, subject: str) -> dict[str, Any]:
    """The comments about a thing, and whether it is pinned.

    Args:
        ws: The workspace.
        subject: What about, such as `run:ID`.
    """
    pins = ws.call("tracking.pins", kind=subject.partition(":")[0])
    return {
        "subject": subject,
        "comments": ws.call("tracking.comments", subject=subject),
        "pin": next((each for each in pins if each.subject == subject), None),
    }


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """The form behind every comment, pin and share, and the short addresses.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """
    return [
        form(site, perform, "/talk", work),
        Route("/s/{id}", _guarded(site, lambda request: _follow(site, request)), methods=["GET"]),
        Route("/shared/{id}", _guarded(site, lambda request: _tell(site, request)), methods=["GET"]),
    ]


def work(call: Call, request: Request, fields: dict[str, str]) -> str:
    """Do what the form asks, and go back to the page it came from, or to the short address that was made."""
    doing, subject = chosen(fields, DOINGS), fields.get("subject", "")
    back = local(fields.get("back", "/"))
    if doing == "share":
        return f"/shared/{call('tracking.share', path=back).id}"
    if doing == "say":
        answers = fields.get("answers") or None
        made = call("tracking.comment", subject=subject, text=_lines(fields), answers=answers)
        return f"{back}#comment-{made.id}"
    if doing == "edit":
        call("tracking.edit_comment", comment=fields.get("comment", ""), text=_lines(fields))
    elif doing == "drop":
        call("tracking.drop_comment", comment=fields.get("comment", ""))
    elif doing == "pin":
        call("tracking.pin", subject=subject, note=fields.get("note", "").strip())
    else:
        call("tracking.unpin", subject=subject)
    return back


def _lines(fields: dict[str, str]) -> str:
    """The text of a form with the line ends of texts, not of forms."""
    return fields.get("text", "").replace("\r\n", "\n").strip()


def _follow(site: Site, request: Request) -> Response:
    found = site.ws.call("tracking.link", id=str(request.path_params["id"]))
    return RedirectResponse(local(found.path), 302, HEADERS)


def _tell(site: Site, request: Request) -> Response:
    found = site.ws.call("tracking.link", id=str(request.path_params["id"]))
    whole = str(request.base_url.replace(path=f"/s/{found.id}", query="", fragment=""))
    text = site.render("tracking/shared.html", request, asked_of(request), {"link": found, "whole": whole})
    return Response(text, 200, HEADERS, "text/html; charset=utf-8")


def _guarded(site: Site, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def guarded(request: Request) -> Response:
        try:
            return answer(request)
        except FettleError as error:
            return site.refuse(error, request)

    return guarded
