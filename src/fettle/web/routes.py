"""All routes of the pages, in the order of the lifecycle."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fettle.acts import Surface
from fettle.core.errors import Invalid, NotFound
from fettle.web import (
    alerts,
    approvals,
    assets,
    comparison,
    curve_points,
    data,
    evaluation_sets,
    features,
    files,
    governance,
    labels,
    mentions,
    monitoring,
    notices,
    overview,
    pipelines,
    privacy,
    registry,
    reports,
    retraining,
    run,
    runs,
    serving,
    talk,
    traces,
    tracking,
)
from fettle.web.asked import local
from fettle.web.labels import Perform
from fettle.web.site import HEADERS, THEME_COOKIE, THEMES, Site, as_json

ROOMS = (
    overview,
    data,
    labels,
    features,
    pipelines,
    runs,
    comparison,
    curve_points,
    tracking,
    run,
    traces,
    evaluation_sets,
    reports,
    approvals,
    registry,
    serving,
    monitoring,
    alerts,
    retraining,
    governance,
    mentions,
)
LONGEST_FORM_BYTES = 4096


def pages(ws: Surface, perform: Perform | None = None) -> list[BaseRoute]:
    """Make the routes of all pages of a workspace, their JSON twins, and the scripts and styles they use.

    Put them last: what no page is called is answered with a page that says so.

    Args:
        ws: In process or remote; only its reading acts are called.
        perform: Performs an act for whoever sent a request, as a server that knows its callers does; None: the
            workspace itself does.

    Raises:
        Unavailable: The scripts and styles have not been built.
    """
    site = Site(ws, assets.Assets.load(), alerts.count_alarms)

    async def set_theme(request: Request) -> Response:
        return await choose_theme(site, request)

    def missing(request: Request) -> Response:
        path = request.url.path[:200]
        error = NotFound(f"There is no page at {path}", hint="Begin at / or choose a room.")
        if path.endswith(".json") or path.startswith("/api/"):
            return as_json({"error": error.as_dict()}, error.status)
        return site.refuse(error, request)

    return [
        assets.mount(),
        Route("/theme", set_theme, methods=["POST"]),
        *labels.screens(site, perform),
        *privacy.screens(site, perform),
        *talk.screens(site, perform),
        *runs.screens(site, perform),
        *run.screens(site, perform),
        *approvals.screens(site, perform),
        *reports.screens(site, perform),
        *notices.screens(site, perform),
        files.bytes_of(site),
        *(route for room in ROOMS for page in room.PAGES for route in site.routes(page)),
        Route("/{rest:path}", missing, methods=["GET"]),
    ]


async def choose_theme(site: Site, request: Request) -> Response:
    """Keep the chosen theme in a cookie and go back to the page that asked."""
    body = await request.body()
    if len(body) > LONGEST_FORM_BYTES:
        return site.refuse(Invalid("That form is too long.", found=f"{len(body)} bytes"), request)
    form = dict(parse_qsl(body.decode("utf-8", "replace")))
    theme, back = form.get("theme", ""), form.get("back", "/")
    if theme not in THEMES:
        return site.refuse(
            Invalid("There is no such theme.", found=theme[:40], hint=f"One of: {', '.join(THEMES)}"), request
        )
    response = RedirectResponse(local(back), 303, HEADERS)
    response.set_cookie(THEME_COOKIE, theme, max_age=31_536_000, samesite="lax")
    return response
