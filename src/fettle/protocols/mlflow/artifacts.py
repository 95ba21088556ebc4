"""Artifacts through the server: `mlflow-artifacts:/` paths as files of runs and models, kept by content."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fettle.acts import Role
from fettle.core.errors import Conflict, Denied, NotFound
from fettle.protocols.mlflow import runs
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.downloads import send
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.intake import Kept, keep
from fettle.protocols.mlflow.paths import Place, place_of, safe
from fettle.tracking.records.runs import Artifact

BOOK = Book()
MOST_BY_BROWSER = 10 << 20


class ListArtifacts(msgspec.Struct):
    """Fields of `artifacts/list`."""

    run_id: str
    path: str = ""
    page_token: str = ""


@BOOK.on("GET", "artifacts/list")
def list_artifacts(call: Call, asked: ListArtifacts) -> Any:
    """List the files of a folder of a run."""
    folder = safe(asked.path, folder=True)
    root = runs.info(call, asked.run_id).artifact_uri
    files = call.perform("tracking.artifacts", run=asked.run_id, folder=folder)
    shown = listed(files, folder, whole=True)
    return {"root_uri": root, "files": shown} if shown else {"root_uri": root}


def listed(files: Iterable[Artifact], folder: str, *, whole: bool = False) -> list[dict[str, Any]]:
    """What lies right in a folder, as MLflow lists it.

    Args:
        files: All files in it, at any depth.
        folder: The folder.
        whole: Name them from the root on, not from the folder on.
    """
    found: dict[str, dict[str, Any]] = {}
    start = len(folder) + 1 if folder else 0
    for each in files:
        if each.path == folder:
            continue
        name, deeper, _ = each.path[start:].partition("/")
        path = f"{folder}/{name}" if whole and folder else name
        if deeper:
            found.setdefault(name, {"path": path, "is_dir": True})
        else:
            found[name] = {"path": path, "is_dir": False, "file_size": each.size_bytes}
    return [found[name] for name in sorted(found)]


async def on_path(call: Call, request: Request) -> Response:
    """GET, HEAD, PUT or DELETE a path below the root of all artifacts."""
    path = request.path_params["path"]
    if request.method == "PUT":
        require_editor(call)
        place = place_of(path)
        await run_in_threadpool(check_owner, call, place)
        kept = await keep(call.workspace, request.stream())
        await run_in_threadpool(name, call, place, kept)
        return Response(b"{}", media_type="application/json")
    if request.method == "DELETE":
        await run_in_threadpool(remove, call, place_of(path, folder=True))
        return Response(b"{}", media_type="application/json")
    file = await run_in_threadpool(find, call, place_of(path))
    return await run_in_threadpool(send, call.workspace, request, file)


async def on_root(call: Call, request: Request) -> Response:
    """List a folder below the root of all artifacts, by the names in it."""
    place = place_of(request.query_params.get("path", ""), folder=True)
    files = await run_in_threadpool(files_in, call, place)
    body = msgspec.json.encode({"files": listed(files, place.path)} if files else {})
    return Response(body, media_type="application/json")


async def get_artifact(call: Call, request: Request) -> Response:
    """Send a file of a run to a browser."""
    query = request.query_params
    place = Place(f"run:{query.get('run_id') or query.get('run_uuid') or ''}", safe(query.get("path", "")))
    await run_in_threadpool(check_owner, call, place)
    file = await run_in_threadpool(find, call, place)
    return await run_in_threadpool(send, call.workspace, request, file)


async def upload_artifact(call: Call, request: Request) -> Response:
    """Take a file of a run from a browser."""
    require_editor(call)
    query = request.query_params
    for field in ("run_uuid", "path"):
        if not query.get(field):
            raise invalid(f"Request must specify {field}.")
    place = Place(f"run:{query['run_uuid']}", safe(query["path"]))
    await run_in_threadpool(check_owner, call, place)
    kept = await keep(call.workspace, request.stream(), most=MOST_BY_BROWSER)
    if not kept.size_bytes:
        raise invalid("Request must specify data.")
    await run_in_threadpool(name, call, place, kept)
    return Response(b"{}", media_type="application/json")


def require_editor(call: Call) -> None:
    """Refuse a caller who may not change anything, before their bytes are read."""
    if call.caller.role < Role.EDITOR:
        raise Denied("This needs the role editor.", found=call.caller.role.name.lower())


def check_owner(call: Call, place: Place) -> None:
    """Refuse a run that is not there, or in the bin."""
    if place.run is not None:
        run = runs.found(call, place.run)
        if run.deleted_at is not None:
            raise invalid(f"The run {run.id} must be in the 'active' state. Current state is deleted.")


def name(call: Call, place: Place, kept: Kept) -> None:
    """Give an object that was kept its place."""
    fields = {"path": place.path, "digest": kept.digest, "size_bytes": kept.size_bytes}
    if place.run is None:
        call.perform("tracking.file", owner=place.owner, **fields)
        return
    try:
        call.perform("tracking.artifact", run=place.run, **fields)
    except (NotFound, Conflict) as error:
        raise runs.explained(error, place.run) from None


def files_in(call: Call, place: Place) -> list[Artifact]:
    """The files in a place, at any depth."""
    if place.run is None:
        return call.perform("tracking.files", owner=place.owner, folder=place.path)
    return call.perform("tracking.artifacts", run=place.run, folder=place.path)


def find(call: Call, place: Place) -> Artifact:
    """The one file of a place.

    Raises:
        Refused: There is none, or it is a folder.
    """
    files = files_in(call, place)
    for each in files:
        if each.path == place.path:
            return each
    if files:
        shown = posixpath.basename(place.path)
        raise invalid(f"Artifact path refers to a directory, not a file: '{shown}'")
    raise missing(f"No such artifact: '{place.path[:300]}'")


def remove(call: Call, place: Place) -> None:
    """Take a file or a folder away."""
    require_editor(call)
    if not place.path and place.run is None:
        raise invalid("Invalid path")
    if place.run is None:
        call.perform("tracking.remove_files", owner=place.owner, folder=place.path)
        return
    try:
        call.perform("tracking.remove_artifacts", run=place.run, folder=place.path)
    except (NotFound, Conflict) as error:
        raise runs.explained(error, place.run) from None


async def not_presigned(_call: Call, _request: Request) -> Response:
    """Say that files go through the server."""
    raise Refused("NOT_IMPLEMENTED", "Presigned URLs are not supported: files go through the server.")


class Presigned(msgspec.Struct):
    """A request for a presigned URL; what it names does not matter."""


@BOOK.on("POST", "artifacts/presigned-upload-url")
@BOOK.on("POST", "artifacts/presigned-download-url")
def presigned(_call: Call, asked: Presigned) -> None:
    """Say that files go through the server."""
    raise Refused("NOT_IMPLEMENTED", "Presigned URLs are not supported: files go through the server.")
