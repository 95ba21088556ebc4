"""Files of registered versions, by content: `bundles/DIGEST/…` and `listings/DIGEST/…` below the root of all artifacts.

A bundle of fettle has two files more for MLflow's clients, `MLmodel` and `requirements.txt`: `mlflow.onnx.load_model`
takes the graph, `mlflow.pyfunc.load_model` the whole bundle, where fettle is installed.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fettle.core import canonical
from fettle.core.errors import NotFound
from fettle.protocols.mlflow import artifacts, entries, flavors, sources
from fettle.protocols.mlflow.calls import Call
from fettle.protocols.mlflow.downloads import attachment, kind_of, send
from fettle.protocols.mlflow.errors import Refused, missing
from fettle.protocols.mlflow.paths import safe
from fettle.storage.objects import get_object, object_key
from fettle.tracking.records.runs import Artifact

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PLACE = re.compile(r"(bundles|listings)/([0-9a-f]{64})(?:/(.*))?")


async def on_path(call: Call, request: Request) -> Response:
    """Send a file of a version; what lies elsewhere is answered as any artifact."""
    place = _PLACE.fullmatch(request.path_params["path"].rstrip("/"))
    if place is None:
        return await artifacts.on_path(call, request)
    if request.method not in ("GET", "HEAD"):
        raise Refused("PERMISSION_DENIED", "The files of a version never change.")
    return await run_in_threadpool(_send, call, request, place)


async def on_root(call: Call, request: Request) -> Response:
    """List a folder of a version; other folders are listed as any."""
    place = _PLACE.fullmatch(request.query_params.get("path", "").rstrip("/"))
    if place is None:
        return await artifacts.on_root(call, request)
    folder = safe(place.group(3) or "", folder=True)
    files = await run_in_threadpool(files_of, call, place.group(1), place.group(2))
    inside = [each for each in files if not folder or each.path.startswith(f"{folder}/")]
    body = {"files": artifacts.listed(inside, folder)} if inside else {}
    return Response(msgspec.json.encode(body), media_type="application/json")


async def get_artifact(call: Call, request: Request) -> Response:
    """Send a file of a version to a browser: `/model-versions/get-artifact?name=…&version=…&path=…`."""
    query = request.query_params
    path = safe(query.get("path", ""))

    def work() -> Response:
        version = entries.version_numbered(call, query.get("name", ""), query.get("version", ""))
        root = sources.download_uri(call, version)
        place = _PLACE.fullmatch(f"{root.removeprefix('mlflow-artifacts:/')}/{path}")
        if place is None:
            raise missing(f"The files of {version.ref} are not kept by version: they lie at {root[:300]}")
        return _send(call, request, place)

    return await run_in_threadpool(work)


def files_of(call: Call, kind: str, digest: str) -> list[Artifact]:
    """The files of a bundle, or of a list of files that versions have.

    Raises:
        Refused: No version has it.
    """
    versions = entries.versions_with(call, "bundle" if kind == "bundles" else "manifest", digest)
    known = [each for each in versions if each.kind == ("bundle" if kind == "bundles" else "foreign")]
    if not known:
        raise missing(f"No version has these files: {digest}")
    try:
        data = get_object(call.workspace.blobs, digest)
    except NotFound:
        raise missing(f"The files of {known[0].ref} are not kept in this workspace.") from None
    at = known[0].at
    try:
        if kind == "listings":
            return _listed(call, canonical.decode(data, dict[str, str]), at)
        bundle = flavors.read(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise missing(f"The files of {known[0].ref} cannot be read: {digest} is no list of files.") from None
    made = flavors.generated(known[0], bundle)
    return [
        *(Artifact(each.name, each.digest, each.size_bytes, at) for each in bundle.files),
        Artifact(flavors.MANIFEST_FILE, digest, len(data), at),
        *(Artifact(name, "", len(text), at) for name, text in made.items()),
    ]


def _listed(call: Call, files: dict[str, str], at: datetime) -> list[Artifact]:
    for path, digest in files.items():
        if safe(path) != path or not _DIGEST.fullmatch(digest):
            raise missing("These files have names that are no paths.")
    infos = {digest: call.workspace.blobs.info(object_key(digest)) for digest in set(files.values())}
    sizes = {digest: info.size_bytes for digest, info in infos.items() if info is not None}
    return [Artifact(path, digest, sizes.get(digest, 0), at) for path, digest in files.items()]


def _send(call: Call, request: Request, place: re.Match[str]) -> Response:
    kind, digest, path = place.groups()
    path = safe(path or "")
    for each in files_of(call, kind, digest):
        if each.path == path:
            return send(call.workspace, request, each) if each.digest else _generated(call, digest, path)
    raise missing(f"No such artifact: '{path[:300]}'")


def _generated(call: Call, digest: str, path: str) -> Response:
    known = entries.versions_with(call, "bundle", digest)[0]
    bundle = flavors.read(get_object(call.workspace.blobs, digest))
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": attachment(path)}
    return Response(flavors.generated(known, bundle)[path], 200, {**headers, "Content-Type": kind_of(path)})
