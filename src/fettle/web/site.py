"""Turn a page (what it reads, how it is drawn) into routes: the HTML, its fragments, and the JSON twin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core.errors import FettleError
from fettle.core.urls import shown
from fettle.web import evidence, formats, markdown
from fettle.web.asked import Asked
from fettle.web.assets import Assets
from fettle.web.tables import Table

THEMES = ("system", "light", "dark")
THEME_COOKIE = "fettle-theme"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Vary": "HX-Request, HX-Target, Cookie",
}
COMPRESSED = [Middleware(GZipMiddleware, minimum_size=900)]

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """One kind of page.

    Attributes:
        path: Its address, in Starlette's form: `/runs/{run}`.
        template: Its template; the block `live` is the fragment that is fetched again. Empty where there is only
            the JSON, such as the points of a curve.
        read: Asks the workspace; what it returns is the JSON twin.
        draw: Makes the pictures and tables of it; None where the template needs none.
        mend: What to show instead where `read` refused, such as the form with what was typed and what is wrong with
            it; None shows the error alone, as where it answers None itself.
    """

    path: str
    template: str
    read: Callable[[Surface, Asked], Facts]
    draw: Callable[[Facts, Asked], Facts] | None = None
    mend: Callable[[Surface, Asked, FettleError], Facts | None] | None = None


@dataclass
class Site:
    """What all pages of one workspace share."""

    ws: Surface
    assets: Assets
    alarms: Callable[[Surface], int] = lambda _: 0
    environment: Environment = field(init=False)

    def __post_init__(self) -> None:
        self.environment = Environment(
            loader=PackageLoader("fettle.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters |= {
            **formats.FILTERS,
            "evidence": evidence.arrange,
            "markdown": markdown.render,
        }
        self.environment.globals["asset"] = self.assets
        kit = self.environment.get_template("kit.html")
        self.environment.globals["kit"] = kit.module

    def routes(self, page: Page) -> list[Route]:
        """The page, and its twin."""
        path = "/overview.json" if page.path == "/" else f"{page.path}.json"
        twin = Route(path, partial(self._twin, page), methods=["GET"], middleware=COMPRESSED)
        if not page.template:
            return [twin]
        return [twin, Route(page.path, partial(self._page, page), methods=["GET"], middleware=COMPRESSED)]

    def _page(self, page: Page, request: Request) -> Response:
        asked = asked_of(request)
        try:
            try:
                facts, status = page.read(self.ws, asked), 200
            except FettleError as error:
                facts, status = self._mended(page, asked, error), error.status
            drawn = page.draw(facts, asked) if page.draw else {}
            text = self.render(page.template, request, asked, {**facts, **drawn})
        except FettleError as error:
            return self.refuse(error, request)
        # htmx shows what answers 200: what is wrong with a search appears where its runs would
        return tagged(text, request, 200 if "hx-request" in request.headers else status)

    def _mended(self, page: Page, asked: Asked, error: FettleError) -> Facts:
        facts = page.mend(self.ws, asked, error) if page.mend else None
        if facts is None:
            raise error
        return facts

    def _twin(self, page: Page, request: Request) -> Response:
        asked = asked_of(request)
        try:
            facts = page.read(self.ws, asked)
        except FettleError as error:
            return as_json({"error": error.as_dict()}, error.status)
        return as_json(facts)

    def refuse(self, error: FettleError, request: Request) -> Response:
        """The error as a page that says what to do."""
        text = self.render("error.html", request, asked_of(request), {"error": error})
        return Response(text, error.status, HEADERS, "text/html; charset=utf-8")

    def render(self, template: str, request: Request, asked: Asked, facts: Facts) -> str:
        """The page, or the one block of it that htmx asked for."""
        context = {**self._frame(request, asked), **facts}
        found = self.environment.get_template(template)
        block = found.blocks.get(request.headers.get("hx-target", ""))
        if block is None or request.headers.get("hx-history-restore-request") == "true":
            return found.render(context)
        return "".join(block(found.new_context(context)))

    def _frame(self, request: Request, asked: Asked) -> dict[str, Any]:
        theme = request.cookies.get(THEME_COOKIE, THEMES[0])
        now = self.ws.clock.now()
        return {
            "asked": asked,
            "theme": theme if theme in THEMES else THEMES[0],
            "workspace": shown(self.ws.url).partition("?")[0],
            "now": now,
            "ago": partial(formats.age, now=now),
            "ago_here": partial(formats.age, now=datetime.now(UTC)),
            "alarms": self.alarms(self.ws),
            "visitor": visitor_of(request),
        }


def visitor_of(request: Request) -> str:
    """The name of who has signed in, as Starlette's `user` of a request; empty where nobody had to."""
    user = request.scope.get("user")
    return user.display_name if user is not None else ""


def asked_of(request: Request) -> Asked:
    """Read the request's address."""
    path = request.url.path.removesuffix(".json")
    names = {key: str(value) for key, value in request.path_params.items()}
    params = request.query_params
    return Asked(path if path != "/overview" else "/", names, dict(params), tuple(params.multi_items()))


def tagged(text: str, request: Request, status: int = 200) -> Response:
    """Answer with the page, or with 304 where the browser has just this one."""
    body = text.encode()
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {**HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, "text/html; charset=utf-8")


def as_json(facts: Any, status: int = 200) -> Response:
    """Answer a program."""
    body = msgspec.json.encode(plain(facts))
    return Response(body, status, HEADERS, "application/json")


def plain(value: Any) -> Any:
    """The facts without what only a page needs: of a table, its rows and counts."""
    if isinstance(value, Table):
        return {"rows": plain(value.rows), "first": value.first, "found": value.found, "total": value.total}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(each) for each in value]
    return value
