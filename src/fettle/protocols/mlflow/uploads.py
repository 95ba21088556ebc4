"""Multipart uploads: parts arrive at once, in any order, and become one object when all are there.

A part's URL names the upload by 256 random bits: who was given it may send that part, as with the presigned URLs that
clients expect here. Parts are blobs under `uploads/`; nothing of an upload is seen before it is complete.
"""

from __future__ import annotations

import posixpath
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fettle.core.errors import NotFound
from fettle.protocols.mlflow.artifacts import check_owner, name, require_editor
from fettle.protocols.mlflow.calls import Call, fields_of, read
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.intake import arrived, keep_parts
from fettle.protocols.mlflow.paths import place_of
from fettle.workspace import Workspace

MOST_PARTS = 10_000
LIFE = timedelta(days=1)
"""How long the parts of an upload may take."""
_MOST_PART_BYTES = 5 << 30
_ID = re.compile(r"[0-9a-f]{64}")


class Create(msgspec.Struct):
    """Fields of `mpu/create`."""

    path: str
    num_parts: int = 1


class Part(msgspec.Struct):
    """A part that was sent."""

    part_number: int
    etag: str = ""
    url: str = ""


class Complete(msgspec.Struct):
    """Fields of `mpu/complete`."""

    path: str
    upload_id: str
    parts: list[Part]


class Abort(msgspec.Struct):
    """Fields of `mpu/abort`."""

    path: str
    upload_id: str


class About(msgspec.Struct):
    """What is known of an upload."""

    path: str
    parts: int
    actor: str
    at: datetime


async def create(call: Call, request: Request) -> Response:
    """Begin an upload: its id, and a URL for each part."""
    require_editor(call)
    asked = read(await fields_of(request, Create), Create)
    if not 1 <= asked.num_parts <= MOST_PARTS:
        raise invalid(f"num_parts must be between 1 and {MOST_PARTS}. Got {asked.num_parts}.")
    path = _target(request, asked.path)
    await run_in_threadpool(check_owner, call, place_of(path))
    upload = secrets.token_hex(32)
    about = About(path, asked.num_parts, call.caller.actor, call.workspace.clock.now())
    await run_in_threadpool(call.workspace.blobs.put, _about(upload), msgspec.json.encode(about))
    base = str(request.base_url).rstrip("/")
    return _json(
        {
            "upload_id": upload,
            "credentials": [
                {"url": f"{base}/api/2.0/mlflow-artifacts/mpu/parts/{upload}/{number}", "part_number": number}
                for number in range(1, asked.num_parts + 1)
            ],
        }
    )


async def receive(workspace: Workspace, request: Request) -> Response:
    """Take one part from whoever knows its URL."""
    upload, number = request.path_params["upload"], request.path_params["number"]
    about = await run_in_threadpool(find, workspace, upload)
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= about.parts):
        raise invalid(f"This upload has the parts 1 to {about.parts}.")
    async with arrived(workspace, request.stream(), most=_MOST_PART_BYTES) as found:
        await run_in_threadpool(workspace.blobs.put, _part(upload, int(number)), found.data)
    return Response(b"", headers={"ETag": f'"{found.kept.digest}"'})


async def complete(call: Call, request: Request) -> Response:
    """Make one object of the parts, and give it its name."""
    require_editor(call)
    asked = read(await fields_of(request, Complete), Complete)
    about = await run_in_threadpool(_own, call, request, asked.path, asked.upload_id)
    await run_in_threadpool(_finish, call, about, asked)
    return _json({})


async def abort(call: Call, request: Request) -> Response:
    """Forget an upload and its parts."""
    require_editor(call)
    asked = read(await fields_of(request, Abort), Abort)
    await run_in_threadpool(_own, call, request, asked.path, asked.upload_id)
    await run_in_threadpool(_forget, call.workspace, asked.upload_id)
    return _json({})


def find(workspace: Workspace, upload: str) -> About:
    """What is known of an upload.

    Raises:
        Refused: Nothing: there is none, or it took too long.
    """
    if not _ID.fullmatch(upload):
        raise missing("There is no such upload.")
    try:
        about = msgspec.json.decode(workspace.blobs.get(_about(upload)), type=About)
    except NotFound:
        raise missing("There is no such upload.") from None
    if workspace.clock.now() - about.at > LIFE:
        raise missing("That upload took longer than a day.")
    return about


def _own(call: Call, request: Request, path: str, upload: str) -> About:
    about = find(call.workspace, upload)
    if about.actor != call.caller.actor:
        raise Refused("PERMISSION_DENIED", "That upload is somebody else's.")
    if about.path != _target(request, path):
        raise invalid("That upload is of another path.")
    return about


def _finish(call: Call, about: About, asked: Complete) -> None:
    numbers = [each.part_number for each in asked.parts]
    if numbers != sorted(set(numbers)) or any(not 1 <= each <= about.parts for each in numbers):
        raise invalid("Parts must be listed once each, in the order of their numbers.")
    keys = [_part(asked.upload_id, number) for number in numbers]
    place = place_of(about.path)
    check_owner(call, place)
    try:
        kept = keep_parts(call.workspace, keys)
    except NotFound:
        raise invalid("A part of this upload has not arrived.") from None
    name(call, place, kept)
    _forget(call.workspace, asked.upload_id)


def _forget(workspace: Workspace, upload: str) -> None:
    for info in list(workspace.blobs.list(f"uploads/{upload}/")):
        workspace.blobs.delete(info.key)


def _target(request: Request, local: str) -> str:
    """The path of the artifact: the folder that the URL says, and the name of the client's own file."""
    base = posixpath.basename(local.replace("\\", "/"))
    return posixpath.join(request.path_params["path"], base)


def _about(upload: str) -> str:
    return f"uploads/{upload}/about.json"


def _part(upload: str, number: int) -> str:
    return f"uploads/{upload}/{number:05d}"


def _json(answer: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
