"""Multipart uploads: parts arrive at once, in any order, and become one object when all are there.

A part's URL names the upload by 256 random bits: who was given it may send that part, as with the presigned URLs that
clients expect here. Parts are blobs under `uploads/`, below a digest of these bits, so that whoever sees the blobs does
not learn them; and under the digest of their content, so that none is ever written over. The etags that a client was
given say which ones it means. Nothing of an upload is seen before it is complete.
"""

from __future__ import annotations

import posixpath
import re
import secrets
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from blake3 import blake3
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fettle.core.errors import NotFound
from fettle.protocols.mlflow.artifacts import check_owner, name, require_editor
from fettle.protocols.mlflow.calls import Call, body_of, taken
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.intake import Arrived, arrived, keep_parts
from fettle.protocols.mlflow.paths import place_of
from fettle.workspace import Workspace

MOST_PARTS = 10_000
LIFE = timedelta(days=1)
"""How long the parts of an upload may take."""
MOST_VERSIONS = 8
"""How often one part may be sent with another content: a client that repeats itself needs one."""
_MOST_PART_BYTES = 5 << 30
_SWEPT_EVERY = timedelta(hours=1)
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
    """What is known of an upload; when it is done nothing else is left of it, for clients that ask twice."""

    path: str
    parts: int
    actor: str
    at: datetime
    done: bool = False


async def create(call: Call, request: Request) -> Response:
    """Begin an upload: its id, and a URL for each part."""
    require_editor(call)
    asked = taken(request, await body_of(request), Create)
    if not 1 <= asked.num_parts <= MOST_PARTS:
        raise invalid(f"num_parts must be between 1 and {MOST_PARTS}. Got {asked.num_parts}.")
    path = _target(request, asked.path)
    await run_in_threadpool(check_owner, call, place_of(path))
    upload = secrets.token_hex(32)
    await run_in_threadpool(_sweep_at_times, call.workspace)
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
    if about.done:
        raise missing("That upload is complete.")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= about.parts):
        raise invalid(f"This upload has the parts 1 to {about.parts}.")
    async with arrived(workspace, request.stream(), most=_MOST_PART_BYTES) as found:
        await run_in_threadpool(_keep, workspace, _part(upload, int(number)), found)
    return Response(b"", headers={"ETag": f'"{found.kept.digest}"'})


async def complete(call: Call, request: Request) -> Response:
    """Make one object of the parts, and give it its name."""
    require_editor(call)
    asked = taken(request, await body_of(request), Complete)
    about = await run_in_threadpool(_own, call, request, asked.path, asked.upload_id)
    await run_in_threadpool(_finish, call, about, asked)
    return _json({})


async def abort(call: Call, request: Request) -> Response:
    """Forget an upload and its parts."""
    require_editor(call)
    asked = taken(request, await body_of(request), Abort)
    await run_in_threadpool(_own, call, request, asked.path, asked.upload_id)
    await run_in_threadpool(_forget, call.workspace, _folder(asked.upload_id))
    return _json({})


def find(workspace: Workspace, upload: str) -> About:
    """What is known of an upload.

    Raises:
        Refused: Nothing: there is none, or it took too long.
    """
    if not _ID.fullmatch(upload):
        raise missing("There is no such upload.")
    about = _known(workspace, _folder(upload))
    if about is None:
        raise missing("There is no such upload.")
    if workspace.clock.now() - about.at > LIFE:
        raise missing("That upload took longer than a day.")
    return about


def _known(workspace: Workspace, folder: str) -> About | None:
    try:
        return msgspec.json.decode(workspace.blobs.get(f"{folder}about.json"), type=About)
    except (NotFound, msgspec.DecodeError):
        return None


def _own(call: Call, request: Request, path: str, upload: str) -> About:
    about = find(call.workspace, upload)
    if about.actor != call.caller.actor:
        raise Refused("PERMISSION_DENIED", "That upload is somebody else's.")
    if about.path != _target(request, path):
        raise invalid("That upload is of another path.")
    return about


def _finish(call: Call, about: About, asked: Complete) -> None:
    if about.done:
        return
    if [each.part_number for each in asked.parts] != list(range(1, about.parts + 1)):
        raise invalid(
            f"All {about.parts} parts of this upload must be listed once each, in the order of their numbers."
        )
    place = place_of(about.path)
    check_owner(call, place)
    keys = [_meant(call.workspace, asked.upload_id, each) for each in asked.parts]
    name(call, place, keep_parts(call.workspace, keys))
    about.done = True
    call.workspace.blobs.put(_about(asked.upload_id), msgspec.json.encode(about))
    for number in range(1, about.parts + 1):
        _forget(call.workspace, _part(asked.upload_id, number))


def _keep(workspace: Workspace, part: str, found: Arrived) -> None:
    """Keep a part under its digest; what was sent before stays as it is."""
    known = {each.key for each in workspace.blobs.list(part)}
    key = part + found.kept.digest
    if key in known:
        return
    if len(known) >= MOST_VERSIONS:
        raise invalid("This part was sent with too many different contents.")
    workspace.blobs.put(key, found.data)


def _meant(workspace: Workspace, upload: str, part: Part) -> str:
    """The key of the part that a client means by number and etag.

    Raises:
        Refused: It has not arrived, or not so; or it arrived with several contents and there is no etag to tell.
    """
    folder = _part(upload, part.part_number)
    known = [each.key.removeprefix(folder) for each in workspace.blobs.list(folder)]
    if not known:
        raise invalid(f"Part {part.part_number} of this upload has not arrived.")
    etag = part.etag.strip().removeprefix("W/").strip('"')
    if (etag not in known) if etag else (len(known) > 1):
        raise invalid(f"Part {part.part_number} of this upload has not arrived with the etag {etag[:100]!r}.")
    return folder + (etag or known[0])


def sweep(workspace: Workspace) -> int:
    """Remove the uploads that nobody can complete any more; return how many.

    A part may be on its way into an object just when its day ends, so they stay for one more.
    """
    folders = {f"uploads/{info.key.split('/')[1]}/" for info in workspace.blobs.list("uploads/")}
    dead = [each for each in folders if _dead(workspace, each)]
    for each in dead:
        _forget(workspace, each)
    return len(dead)


def _sweep_at_times(workspace: Workspace) -> None:
    now = workspace.clock.now()
    if now - _SWEPT.get(workspace, now - _SWEPT_EVERY) >= _SWEPT_EVERY:
        _SWEPT[workspace] = now
        sweep(workspace)


_SWEPT: WeakKeyDictionary[Workspace, datetime] = WeakKeyDictionary()


def _dead(workspace: Workspace, folder: str) -> bool:
    about = _known(workspace, folder)
    return about is None or workspace.clock.now() - about.at > 2 * LIFE


def _forget(workspace: Workspace, folder: str) -> None:
    for info in list(workspace.blobs.list(folder)):
        workspace.blobs.delete(info.key)


def _target(request: Request, local: str) -> str:
    """The path of the artifact: the folder that the URL says, and the name of the client's own file."""
    base = posixpath.basename(local.replace("\\", "/"))
    return posixpath.join(request.path_params["path"], base)


def _folder(upload: str) -> str:
    return f"uploads/{blake3(upload.encode()).hexdigest()}/"


def _about(upload: str) -> str:
    return f"{_folder(upload)}about.json"


def _part(upload: str, number: int) -> str:
    """The folder of all contents that a part was sent with; normally one."""
    return f"{_folder(upload)}{number:05d}/"


def _json(answer: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
