"""The ASGI application: acts, blobs, pages, in one place."""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fettle.core.errors import FettleError, NotFound
from fettle.protocols import mlflow
from fettle.server import blobs, routes, signin
from fettle.server.guard import Guard
from fettle.server.identity import Identity
from fettle.server.openapi import describe
from fettle.web import pages
from fettle.web.labels import Perform
from fettle.workspace import Workspace

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(
    workspace: Workspace, *, hosts: tuple[str, ...] = (), require_token: bool = False
) -> Starlette:
    """Make the server of one workspace.

    Args:
        workspace: Opened in process.
        hosts: Host names it answers to besides the loopback names; `*` for any.
        require_token: True: refuse requests without a token even from this machine.
    """
    identity = Identity(workspace, require_token=require_token)

    @cache
    def document() -> JSONResponse:
        return JSONResponse(describe(workspace.catalog))

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def specification(_: Request) -> Response:
        return await run_in_threadpool(document)

    async def nothing(request: Request) -> Response:
        raise NotFound(
            f"There is nothing at {request.url.path[:200]}.",
            found="no act and no blob of that name",
            hint="/api/v1/openapi.json lists all acts.",
        )

    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/api/v1/openapi.json", specification),
            *blobs.routes(workspace, identity),
            *routes.routes(workspace, identity),
            *mlflow.routes(workspace, identity.caller),
            *(Route(f"{base}/{{path:any}}", nothing, methods=METHODS) for base in ("/api", "/ajax-api")),
            *signin.routes(workspace, identity),
            *pages(workspace, perform_by(workspace, identity)),
        ],
        exception_handlers={FettleError: routes.refuse},
    )
    app.add_middleware(signin.Door, identity=identity)
    app.add_middleware(
        mlflow.Front, workspace=workspace, identify=identity.caller, table=mlflow.Table(mlflow.BOOKS)
    )
    app.add_middleware(Guard, hosts=hosts)
    return app


def perform_by(workspace: Workspace, identity: Identity) -> Perform:
    """What a page's form does is done by who sent it, with their role."""

    def perform(request: Request, name: str, arguments: dict[str, Any]) -> Any:
        caller = identity.caller(request)
        return workspace.perform(name, arguments, actor=caller.actor, role=caller.role)

    return perform
