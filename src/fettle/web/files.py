"""The files of a version: folders, sizes, and a look into text and images; nothing a user stored is ever run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core.errors import FettleError, NotFound
from fettle.web.asked import Asked
from fettle.web.formats import segment
from fettle.web.site import Facts, Page, Site, asked_of
from fettle.web.tables import Column, arrange
from fettle.web.versions import ref_of

if TYPE_CHECKING:
    from fettle.data.records.versions import Commit

SHOWN_ENTRIES = 5000
TEXT_BYTES = 64 << 10
IMAGE_BYTES = 16 << 20
IMAGES = {
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "gif": ("image/gif", b"GIF8"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    "webp": ("image/webp", b"RIFF"),
}
"""What is shown as an image: by its suffix, and only if its first bytes say the same. SVG is shown as text."""
SANDBOX = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}


class Listed(msgspec.Struct, frozen=True):
    """What lies in a folder: a file, or a folder with how many files are below it."""

    name: str
    path: str
    folder: bool
    files: int
    size_bytes: int


class Preview(msgspec.Struct, frozen=True):
    """A look at a file: its first characters, or that it is an image; neither where it is something else.

    Attributes:
        text: The first characters; None if it is no text.
        cut: Whether there are more.
        image: The media type of an image; empty if it is none.
        link: Where a symbolic link leads; empty if it is none.
    """

    text: str | None = None
    cut: bool = False
    image: str = ""
    link: str = ""


def read_files(ws: Surface, asked: Asked) -> Facts:
    """A folder of a version, or a file in it."""
    from fettle.data.engine import trees
    from fettle.data.repositories import repository

    commit = ws.call("data.show", ref=ref_of(asked))
    path = asked.text("path").strip("/")
    repo = repository(ws)
    entry = trees.find(commit.tree, path, repo.node) if path else None
    if entry is not None:
        facts = {"entry": entry._asdict(), "preview": look(repo, entry), "entries": [], "cut": False}
        return {"commit": commit, "path": path, **facts}
    found = list(islice(trees.listing(commit.tree, repo.node, path), SHOWN_ENTRIES + 1))
    if path and not found:
        raise NotFound(
            f"There is nothing at {path!r} in {commit.dataset}@{commit.id[:12]}.",
            hint=f"fettle data ls {commit.dataset}@{commit.id[:12]}",
        )
    entries = [_listed(each, path) for each in found[:SHOWN_ENTRIES]]
    return {
        "commit": commit,
        "path": path,
        "entry": None,
        "preview": None,
        "entries": entries,
        "cut": len(found) > SHOWN_ENTRIES,
    }


def _listed(each: Any, folder: str) -> Listed:
    from fettle.data.engine import trees

    if isinstance(each, trees.Folder):
        return Listed(each.name, f"{folder}/{each.name}".lstrip("/"), True, each.files, each.size_bytes)
    return Listed(each.path.rpartition("/")[2], each.path, False, 1, each.size_bytes)


def look(repo: Any, entry: Any) -> Preview:
    """A first look at a file; reads at most `TEXT_BYTES` of it."""
    from fettle.data.engine import trees

    head = repo.read(entry.digest, 0, TEXT_BYTES) if entry.size_bytes else b""
    if entry.mode == trees.SYMLINK:
        return Preview(link=head.decode("utf-8", "replace"))
    if media := image_type(entry.path, head):
        return Preview(image=media if entry.size_bytes <= IMAGE_BYTES else "")
    return Preview(text=text_of(head), cut=entry.size_bytes > len(head))


def image_type(path: str, head: bytes) -> str:
    """The media type of an image that browsers draw; empty if it is none or its bytes say otherwise."""
    media, start = IMAGES.get(PurePosixPath(path).suffix.lower().lstrip("."), ("", b""))
    return media if media and head.startswith(start) else ""


def text_of(head: bytes) -> str | None:
    """The beginning of a file as text; None if it is no UTF-8, or holds zero bytes."""
    if b"\0" in head:
        return None
    for cut in range(4):  # the last sign may have been cut
        try:
            return head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError as error:
            if error.end < len(head) - cut:
                return None
    return None


def draw_files(facts: Facts, asked: Asked) -> Facts:
    """The table of a folder, and the way to it."""
    columns = [
        Column("name", "Name", lambda each: each.name.casefold()),
        Column("files", "Files", lambda each: each.files if each.folder else None, number=True),
        Column("size", "Size", lambda each: each.size_bytes, number=True),
    ]
    parts = [each for each in facts["path"].split("/") if each]
    way = [
        (part, asked.link(path="/".join(parts[: place + 1]), page=None, q=None, sort=None))
        for place, part in enumerate(parts)
    ]
    entries = sorted(facts["entries"], key=lambda each: not each.folder)
    return {
        "table": arrange(entries, columns, asked, words=lambda each: each.name),
        "way": way,
        "top": asked.link(path=None, page=None, q=None, sort=None),
        "raw": raw_address(facts["commit"], facts["path"]),
        "links": {each.path: asked.link(path=each.path, page=None, q=None) for each in entries},
    }


def raw_address(commit: Commit, path: str) -> str:
    """Where the bytes of a file are."""
    return f"/data/{segment(commit.dataset)}@{commit.id}/raw?path={quote(path)}"


def bytes_of(site: Site) -> Route:
    """The route of the bytes of a file: images to be drawn, all else to be saved, in a sandbox either way."""

    def serve(request: Request) -> Response:
        try:
            return _bytes(site.ws, asked_of(request))
        except FettleError as error:
            return site.refuse(error, request)

    return Route("/data/{name}@{at}/raw", serve, methods=["GET"])


def _bytes(ws: Surface, asked: Asked) -> Response:
    from fettle.data.engine import trees
    from fettle.data.repositories import repository

    commit = ws.call("data.show", ref=ref_of(asked))
    path, repo = asked.text("path").strip("/"), repository(ws)
    entry = trees.find(commit.tree, path, repo.node)
    if entry is None:
        raise NotFound(
            f"There is no file {path!r} in {commit.dataset}@{commit.id[:12]}.", hint="Begin at /data."
        )
    head = repo.read(entry.digest, 0, 16) if entry.size_bytes else b""
    media = image_type(path, head)
    name = quote(PurePosixPath(path).name, safe="")
    headers = {
        **SANDBOX,
        "Content-Disposition": f"{'inline' if media else 'attachment'}; filename*=UTF-8''{name}",
        "Content-Length": str(entry.size_bytes),
    }
    body: Iterator[bytes] = repo.stream(entry.digest) if entry.size_bytes else iter(())
    return StreamingResponse(body, 200, headers, media or "application/octet-stream")


PAGES = (Page("/data/{name}@{at}/files", "data/files.html", read_files, draw_files),)
