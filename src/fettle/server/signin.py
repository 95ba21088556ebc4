"""The door of the pages: as soon as the workspace has a token, whoever looks must have shown one.

A program sends its token as a bearer with each request. A person gives it once on the sign-in page; the browser then
keeps it in a cookie that no script can read and no other site can send.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote

from jinja2 import Environment, PackageLoader
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fettle.core.errors import FettleError, Invalid
from fettle.server.identity import TOKEN_COOKIE, Identity, Unauthenticated
from fettle.web.assets import Assets
from fettle.web.site import HEADERS

OPEN = ("/api/", "/static/", "/health", "/sign-in", "/sign-out")
LONGEST_FORM_BYTES = 4096


class Door:
    """Lets a page be seen only by who is known; the API asks for itself."""

    def __init__(self, app: ASGIApp, *, identity: Identity) -> None:
        self._app = app
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OPEN):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            await run_in_threadpool(self._identity.caller, request)
        except Unauthenticated as error:
            await _turned_away(request, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def routes(identity: Identity) -> list[Route]:
    """The sign-in page and the way out."""
    template = Environment(loader=PackageLoader("fettle.web"), autoescape=True).get_template(
        "server/signin.html"
    )
    asset = Assets.load()

    def form(back: str, error: FettleError | None = None) -> Response:
        text = template.render(asset=asset, back=back, error=error)
        return Response(text, 200 if error is None else error.status, HEADERS, "text/html; charset=utf-8")

    async def show(request: Request) -> Response:
        return form(local(request.query_params.get("back", "/")))

    async def enter(request: Request) -> Response:
        given = await _form(request)
        back, secret = local(given.get("back", "/")), given.get("token", "").strip()
        try:
            await run_in_threadpool(identity.known, secret)
        except Unauthenticated as error:
            return form(back, error)
        answer = RedirectResponse(back, status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(TOKEN_COOKIE, secret, httponly=True, samesite="strict", secure=secure, path="/")
        return answer

    async def leave(_: Request) -> Response:
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(TOKEN_COOKIE, path="/", httponly=True, samesite="strict")
        return answer

    return [
        Route("/sign-in", show, methods=["GET"]),
        Route("/sign-in", enter, methods=["POST"]),
        Route("/sign-out", leave, methods=["POST"]),
    ]


def local(path: str) -> str:
    """The path itself if it leads to a page of this server, else the first page."""
    plain = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if plain else "/"


async def _form(request: Request) -> dict[str, str]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM_BYTES:
            raise Invalid("That form is too long.", found=f"more than {LONGEST_FORM_BYTES} bytes")
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _turned_away(request: Request, error: Unauthenticated) -> Response:
    page = request.method in ("GET", "HEAD") and not request.url.path.endswith(".json")
    if page and "hx-request" not in request.headers:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?back={quote(back, safe='')}", status_code=303)
    return JSONResponse({"error": error.as_dict()}, status_code=error.status)
