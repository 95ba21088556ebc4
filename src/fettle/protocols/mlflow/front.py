"""The way of a call that is short: from the socket's bytes to an act and back, past the router and its layers.

An MLflow client makes thousands of small calls, one after the other; what a web framework spends on each (matching
patterns, wrapping requests and answers) would be the greater part of the time a call takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from fettle.core.errors import FettleError
from fettle.protocols.mlflow import errors
from fettle.protocols.mlflow.calls import Call, Caller, body_of, taken, write
from fettle.protocols.mlflow.errors import Refused
from fettle.protocols.mlflow.table import Table
from fettle.workspace import Workspace

Identify: TypeAlias = Callable[[Request], Caller]
"""Tells who sent a request; raises `Denied` for nobody."""

_THREADS = ThreadPoolExecutor(40, "mlflow")
_FILES = ("/upload-artifact",)
"""What lies below `/api/2.0/mlflow` and is no JSON call."""
_SPELLED = "2.0mlflow"
"""As clients spell the path of one endpoint."""
_JSON = (b"content-type", b"application/json")


class Front:
    """Answers the JSON calls of MLflow's clients, and passes all else on.

    Args:
        app: What answers the rest.
        workspace: What is asked and changed.
        identify: Who sent a request.
        table: The endpoints.
    """

    def __init__(self, app: ASGIApp, *, workspace: Workspace, identify: Identify, table: Table) -> None:
        self._app = app
        self._workspace = workspace
        self._identify = identify
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = _place(scope["path"]) if scope["type"] == "http" else None
        if place is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await self._answer(request, *place)
        except FettleError as error:
            await errors.answer(error)(scope, receive, send)
        except ClientDisconnect:
            gone = Refused("BAD_REQUEST", "The connection closed before the end.")
            await errors.answer(gone)(scope, receive, send)
        else:
            headers = [_JSON, (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _answer(self, request: Request, version: str, path: str) -> bytes:
        endpoint, named = self._table.find(request.method, version, path)
        body = await body_of(request)

        def work() -> bytes:
            call = Call(self._workspace, self._identify(request))
            return write(endpoint.answer(call, taken(request, body, endpoint.asks, named)))

        return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def _place(path: str) -> tuple[str, str] | None:
    """Version and path of an endpoint: `("2.0", "runs/get")` of `/api/2.0/mlflow/runs/get`; None for other paths."""
    parts = path.split("/", 4)
    if len(parts) < 4 or parts[0] or parts[1] not in ("api", "ajax-api"):
        return None
    if parts[2] == _SPELLED:
        return "2.0", "/".join(parts[3:]).strip("/")
    if parts[3] != "mlflow" or path.endswith(_FILES):
        return None
    return parts[2], parts[4].strip("/") if len(parts) == 5 else ""
