"""What pages do: a form's fields go to acts of whoever sent them, and the answer leads to the next page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fettle.core.errors import FettleError, Invalid
from fettle.web.forms import fields_of
from fettle.web.labels import Perform
from fettle.web.site import HEADERS, Site

LONGEST_BYTES = 2 << 20
Call = Callable[..., Any]
"""Does an act: `call("tracking.archive", run=…)`."""
Work = Callable[[Call, Request, dict[str, str]], str]
"""Does what a form asks for; answers the address to go to."""


def form(site: Site, perform: Perform | None, path: str, work: Work) -> Route:
    """The route that takes a form.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
        path: Its address.
        work: What it does.
    """
    act = perform or (lambda _, name, arguments: site.ws.call(name, **arguments))

    def done(request: Request, fields: dict[str, str]) -> Response:
        def call(name: str, /, **arguments: Any) -> Any:
            return act(request, name, arguments)

        return RedirectResponse(work(call, request, fields), 303, HEADERS)

    async def take(request: Request) -> Response:
        try:
            return await run_in_threadpool(done, request, await fields_of(request, LONGEST_BYTES))
        except FettleError as error:
            return await run_in_threadpool(site.refuse, error, request)

    return Route(path, take, methods=["POST"])


def chosen(fields: dict[str, str], known: tuple[str, ...]) -> str:
    """What a form asks to do.

    Raises:
        Invalid: It is none of what is known.
    """
    doing = fields.get("do", "")
    if doing not in known:
        raise Invalid(
            "The form asks for nothing that is known.", found=repr(doing[:40]), hint=", ".join(known)
        )
    return doing
