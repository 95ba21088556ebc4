"""The door of the pages: as soon as the workspace has a token, whoever looks must have shown one.

A program sends its token as a bearer with each request. A person gives it once on the sign-in page; the browser then
keeps it in a cookie that no script can read and no other site can send.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.authentication import SimpleUser
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fettle.acts import Surface
from fettle.core.errors import Denied, FettleError, Invalid
from fettle.server.identity import Identity, Unauthenticated, cookie_of
from fettle.web.asked import local
from fettle.web.assets import Assets
from fettle.web.site import HEADERS, Site, asked_of

OPEN = ("/health", "/sign-in", "/sign-out")
OPEN_BELOW = ("/api/", "/ajax-api/", "/v1/traces", "/static/")
"""What asks for identity itself, in the words of its own clients, or shows nothing of the workspace."""
LONGEST_FORM_BYTES = 4096


class Door:
    """Lets a page be seen only by who is known; the API asks for itself.

    A page's request then carries who has signed in as Starlette's `user`.
    """

    def __init__(self, app: ASGIApp, *, identity: Identity) -> None:
        self._app = app
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN or scope["path"].startswith(OPEN_BELOW):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            caller = await run_in_threadpool(self._identity.caller, request)
        except Denied as error:
            await _turned_away(request, error)(scope, receive, send)
            return
        user = {"user": SimpleUser(caller.actor)} if caller.signed_in else {}
        await self._app({**scope, **user}, receive, send)


def routes(workspace: Surface, identity: Identity) -> list[Route]:
    """The sign-in page and the way out."""

    @cache
    def site() -> Site:
        return Site(workspace, Assets.load())

    def form(request: Request, back: str, error: FettleError | None = None) -> Response:
        text = site().render("server/signin.html", request, asked_of(request), {"back": back, "error": error})
        return Response(text, 200 if error is None else error.status, HEADERS, "text/html; charset=utf-8")

    async def show(request: Request) -> Response:
        back = local(request.query_params.get("back", "/"))
        try:
            await run_in_threadpool(identity.caller, request)
            answer: Response = RedirectResponse(back, 303, HEADERS)
        except Unauthenticated:
            asked = await run_in_threadpool(identity.asks)
            answer = form(request, back) if asked else RedirectResponse(back, 303, HEADERS)
            if cookie_of(request) in request.cookies:  # it is of no use; one that did not come may well be
                answer.delete_cookie(cookie_of(request), httponly=True, samesite="strict")
        return answer

    async def enter(request: Request) -> Response:
        given = await _form(request)
        back, secret = local(given.get("back", "/")), given.get("token", "").strip()
        try:
            await run_in_threadpool(identity.known, secret)
        except Unauthenticated as error:
            return form(request, back, error)
        answer = RedirectResponse(back, 303, HEADERS)
        secure = request.url.scheme == "https"
        answer.set_cookie(cookie_of(request), secret, httponly=True, samesite="strict", secure=secure)
        return answer

    async def leave(request: Request) -> Response:
        answer = RedirectResponse("/sign-in", 303, HEADERS)
        answer.delete_cookie(cookie_of(request), httponly=True, samesite="strict")
        return answer

    return [
        Route("/sign-in", show, methods=["GET"]),
        Route("/sign-in", enter, methods=["POST"]),
        Route("/sign-out", leave, methods=["POST"]),
    ]


async def _form(request: Request) -> dict[str, str]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM_BYTES:
            raise Invalid("That form is too long.", found=f"more than {LONGEST_FORM_BYTES} bytes")
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _turned_away(request: Request, error: Denied) -> Response:
    """A person is led to the sign-in page; a program, a twin and a fragment get the error."""
    headers = request.headers
    fragment = "hx-request" in headers
    program = "authorization" in headers or request.url.path.endswith(".json")
    if not isinstance(error, Unauthenticated) or program:
        return JSONResponse({"error": error.as_dict()}, status_code=error.status)
    if fragment:  # htmx then leaves the page that its fragment belongs to
        page = urlsplit(headers.get("hx-current-url", "/"))
        way = {"HX-Redirect": _sign_in(page.path, page.query)}
        return JSONResponse({"error": error.as_dict()}, status_code=error.status, headers=way)
    looks = request.method in ("GET", "HEAD")
    way_in = _sign_in(request.url.path, request.url.query) if looks else "/sign-in"
    return RedirectResponse(way_in, 303, HEADERS)


def _sign_in(path: str, query: str) -> str:
    back = local(f"{path}?{query}" if query else path)
    return f"/sign-in?{urlencode({'back': back})}"
