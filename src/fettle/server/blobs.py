"""Blobs over HTTP, streamed in both directions, so that bulk bytes never pass through an act."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fettle.acts import Role
from fettle.core import canonical
from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.data import webhooks
from fettle.server.identity import Identity
from fettle.workspace import Workspace

_PAGE = 500


def routes(workspace: Workspace, identity: Identity) -> list[Route]:
    """Routes under `/api/v1/blobs`; see `fettle.remote.blobs` for the other end."""

    def allow(request: Request, needs: Role) -> None:
        caller = identity.caller(request)
        if caller.role < needs:
            raise Denied(f"This needs the role {needs.name.lower()}.", found=caller.role.name.lower())

    async def listing(request: Request) -> Response:
        await run_in_threadpool(allow, request, Role.VIEWER)
        prefix, after = request.query_params.get("prefix", ""), request.query_params.get("after", "")
        page = await run_in_threadpool(_page, workspace, prefix, after)
        return Response(canonical.encode(page), media_type="application/json")

    async def one(request: Request) -> Response:
        key = request.path_params["key"]
        await run_in_threadpool(allow, request, needed(request.method, key))
        if key.startswith(HIDDEN):
            raise NotFound(f"There is no blob {key!r}.")
        if request.method == "PUT" and key.startswith(LASTING):
            await run_in_threadpool(_refuse_other, workspace, key, identity.caller(request).role)
        if request.method == "DELETE":
            await run_in_threadpool(workspace.blobs.delete, key)
            return JSONResponse({"deleted": key})
        if request.method == "PUT":
            return await _receive(workspace, key, request)
        return await run_in_threadpool(_send, workspace, key, request)

    return [
        Route("/api/v1/blobs", listing, methods=["GET"]),
        Route("/api/v1/blobs/{key:path}", one, methods=["GET", "PUT", "DELETE"]),
    ]


LASTING = ("data/packs/", "data/index/", "data/commits/", "data/format.json", "objects/")
"""What is written once: versions rest on it, and their holds would mean nothing if it could be written over."""


HIDDEN = ("uploads/",)
"""Files of users on their way to their names: whoever may send them says so elsewhere (`fettle.protocols.mlflow`)."""


def needed(method: str, key: str) -> Role:
    """The least role for a method on a blob.

    Whoever writes versions adds blobs; what versions rest on is deleted by gc and repair alone, which an approver runs.
    """
    if method in ("GET", "HEAD"):
        return Role.VIEWER
    if key == webhooks.KEY:
        return Role.ADMIN
    return Role.APPROVER if method == "DELETE" and key.startswith(LASTING) else Role.EDITOR


def _refuse_other(workspace: Workspace, key: str, role: Role) -> None:
    if role < Role.APPROVER and workspace.blobs.info(key) is not None:
        raise Conflict(
            f"The blob {key!r} is there and is never written over.",
            hint="The same content needs no second upload; an approver repairs what is damaged (fettle data fsck).",
        )


def _page(workspace: Workspace, prefix: str, after: str) -> list:
    found = []
    for info in workspace.blobs.list(prefix):
        if info.key > after and not info.key.startswith(HIDDEN):
            found.append(info)
        if len(found) == _PAGE:
            break
    return found


def _send(workspace: Workspace, key: str, request: Request) -> Response:
    info = workspace.blobs.info(key)
    if info is None:
        raise NotFound(f"There is no blob {key!r}.")
    if request.query_params.get("info"):
        return Response(canonical.encode(info), media_type="application/json")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    kind = "application/octet-stream"
    if "start" in request.query_params:
        start, end = (_number(request.query_params.get(name)) for name in ("start", "end"))
        return Response(workspace.blobs.get(key, start=start or 0, end=end), media_type=kind, headers=headers)
    return StreamingResponse(workspace.blobs.stream(key), media_type=kind, headers=headers)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or len(text) > 18:
        raise Invalid(f"{text[:40]!r} is no byte position.", hint="Give a whole number.")
    return int(text)


async def _receive(workspace: Workspace, key: str, request: Request) -> Response:
    create, tag = request.headers.get("if-none-match") == "*", request.headers.get("if-match")
    if tag is not None:
        data = b"".join([piece async for piece in request.stream()])
        fresh = await run_in_threadpool(lambda: workspace.blobs.swap(key, data, tag=unquote(tag)))
        return JSONResponse({"tag": fresh})
    pieces: queue.Queue[bytes | None] = queue.Queue(maxsize=8)
    writing = asyncio.create_task(run_in_threadpool(workspace.blobs.put, key, _drain(pieces), create=create))
    try:
        async for piece in request.stream():
            while not writing.done():
                try:
                    pieces.put_nowait(piece)
                    break
                except queue.Full:
                    await asyncio.sleep(0.001)
    except BaseException:
        pieces.put(_BROKEN)
        raise
    await run_in_threadpool(pieces.put, None) if not writing.done() else None
    return JSONResponse({"tag": await writing})


_BROKEN = b"\x00broken"  # compared by identity: the client went away before the end


def _drain(pieces: queue.Queue[bytes | None]) -> Iterator[bytes]:
    while (piece := pieces.get()) is not None:
        if piece is _BROKEN:
            raise Invalid(
                "The upload broke off.", found="the connection closed before the end", hint="Send it again."
            )
        yield piece
