"""Objects sent to clients as files: streamed, in ranges, never shown by a browser as a page of this server."""

from __future__ import annotations

import mimetypes
import posixpath
import re
from collections.abc import Iterator
from urllib.parse import quote

from blake3 import blake3
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fettle.core.errors import Unavailable
from fettle.storage.objects import object_key
from fettle.tracking.records.runs import Artifact
from fettle.workspace import Workspace

_CHUNK_BYTES = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_TEXTS = (
    ".py",
    ".r",
    ".md",
    ".rst",
    ".yaml",
    ".yml",
    ".log",
    ".txt",
    ".sh",
    ".cfg",
    ".toml",
    ".sql",
    ".jsonl",
)


def send(workspace: Workspace, request: Request, file: Artifact) -> Response:
    """The file as a response: whole, or the one range that was asked for."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": attachment(posixpath.basename(file.path)),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.digest}"',
        "Content-Type": kind_of(file.path),  # as a header: Starlette would add a charset
    }
    size = file.size_bytes
    chosen = _range(request.headers.get("range", ""), size)
    if chosen == ():
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    start, end = chosen or (0, size)
    headers["Content-Length"] = str(end - start)
    status = 206 if chosen else 200
    if chosen:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    if request.method == "HEAD":
        return Response(b"", status, headers)
    pieces = _part(workspace, file.digest, start, end) if chosen else _whole(workspace, file.digest)
    if end - start <= _CHUNK_BYTES:
        return Response(b"".join(pieces), status, headers)
    return StreamingResponse(pieces, status, headers)


def attachment(name: str) -> str:
    """A `Content-Disposition` that has the file saved under its name, whatever characters that has."""
    if re.fullmatch(r"[\w.\-+!#$&^`|~%]+", name, re.ASCII):
        return f"attachment; filename={name}"
    plain = re.sub(r"[^\w.\- ()]", "_", name, flags=re.ASCII) or "download"
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def kind_of(path: str) -> str:
    """The media type that a file's name suggests."""
    name = posixpath.basename(path).lower()
    if name in ("mlmodel", "mlproject") or name.endswith(_TEXTS):
        return "text/plain"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _range(text: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """First and last + 1 of the range asked for; None for the whole, () for one that lies outside."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    return (start, end) if start < end else ()


def _part(workspace: Workspace, digest: str, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, _CHUNK_BYTES):
        yield workspace.blobs.get(object_key(digest), start=at, end=min(end, at + _CHUNK_BYTES))


def _whole(workspace: Workspace, digest: str) -> Iterator[bytes]:
    """The object; its last piece is held back until all of it was seen to be right."""
    seen = blake3()
    held = b""
    for piece in workspace.blobs.stream(object_key(digest), chunk_bytes=_CHUNK_BYTES):
        seen.update(piece)
        if held:
            yield held
        held = piece
    if seen.hexdigest() != digest:
        raise Unavailable(f"The object {digest[:12]}… is damaged.", hint="fettle data fsck")
    yield held
