"""Acts over HTTP: `POST /api/v1/<room>/<act>` with a JSON object; reads also by `GET` with a query string."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fettle.acts import Act
from fettle.core import canonical
from fettle.core.errors import FettleError, Invalid, status_of
from fettle.server.identity import Caller, Identity
from fettle.serving.forms import TooLarge
from fettle.workspace import Workspace

BODY_LIMIT_BYTES = 8 << 20


def routes(workspace: Workspace, identity: Identity) -> list[Route]:
    """One route that serves every act of the catalog."""

    async def endpoint(request: Request) -> Response:
        act = workspace.catalog.find(f"{request.path_params['room']}.{request.path_params['verb']}")
        if request.method == "GET" and not act.reads:
            raise Invalid(f"{act.name} changes something.", found="GET", hint="Send it with POST.")
        lax = request.method == "GET"
        arguments = query_arguments(request, act) if lax else await body_arguments(request)
        work = _work(workspace, identity, request, act, arguments, lax)
        return await run_in_threadpool(work)

    return [Route("/api/v1/{room}/{verb}", endpoint, methods=["GET", "POST"])]


def _work(
    workspace: Workspace, identity: Identity, request: Request, act: Act, arguments: dict[str, Any], lax: bool
) -> Callable[[], Response]:
    def work() -> Response:
        caller: Caller = identity.caller(request)
        result = workspace.perform(
            act.name,
            arguments,
            actor=caller.actor,
            role=caller.role,
            idempotency_key=request.headers.get("idempotency-key"),
            lax=lax,
        )
        return Response(canonical.encode(result), media_type="application/json")

    return work


def query_arguments(request: Request, act: Act) -> dict[str, Any]:
    """Arguments from a query string; a repeated key makes a list where the act takes one."""
    lists = {each.name for each in act.parameters if str(each.type).startswith("list")}
    query = request.query_params
    return {key: query.getlist(key) if key in lists else query[key] for key in query}


async def body_arguments(request: Request) -> dict[str, Any]:
    """Arguments from a JSON body of limited size; an empty body means none."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT_BYTES:
            raise TooLarge(
                "The request is too large.",
                found=f"more than {BODY_LIMIT_BYTES:,} bytes",
                hint="Send bytes to /api/v1/blobs/… and pass their digest.",
            )
    try:
        arguments = canonical.decode(bytes(body), dict[str, Any]) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(
            "The body is not a JSON object.", found=str(error)[:200], hint="Send the act's arguments."
        ) from error
    return arguments


async def refuse(_: Request, error: Exception) -> Response:
    """Answer any of our errors in its one form."""
    fields = error.as_dict() if isinstance(error, FettleError) else {"code": "error", "message": str(error)}
    return JSONResponse({"error": fields}, status_code=status_of(error))
