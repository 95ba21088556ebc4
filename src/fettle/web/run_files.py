"""The files of a run: a folder of them, a look into one, and its bytes; nothing a user stored is ever run."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from fettle.core.errors import FettleError, NotFound
from fettle.storage.objects import object_key
from fettle.web.files import IMAGE_BYTES, SANDBOX, TEXT_BYTES, image_type, text_of
from fettle.web.formats import segment
from fettle.web.site import Site, asked_of

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.tracking.records.runs import Artifact, Run

TABLE_BYTES = 64 << 20
TABLE_ROWS = 100
JSON_BYTES = 256 << 10
SVG = "image/svg+xml"
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox"
"""A drawing may have styles and nothing else: as an image it runs nothing, and opened alone it is in a sandbox."""
_STEP = re.compile(r"^images/(?P<name>.+)/(?P<step>\d+)\.\w+$")


class Look(msgspec.Struct, frozen=True):
    """A look into a file; all empty where it is something else.

    Attributes:
        image: Whether it is drawn.
        text: Its first characters.
        markdown: Whether the text is Markdown.
        columns: The columns of a table.
        rows: Its first rows.
        more: What is not shown, in words.
    """

    image: bool = False
    text: str | None = None
    markdown: bool = False
    columns: list[str] = []
    rows: list[list[Any]] = []
    more: str = ""


class Images(msgspec.Struct, frozen=True):
    """Images of one name, by step; a single image has the step None."""

    name: str
    steps: list[tuple[int | None, str]]


def find(run: Run, path: str) -> Artifact:
    """A file of a run.

    Raises:
        NotFound: It has none of that name.
    """
    for each in run.artifacts:
        if each.path == path:
            return each
    raise NotFound.among(
        "file", path[:200], [each.path for each in run.artifacts], hint=f"See /runs/{run.id}?tab=files"
    )


def beginning(ws: Surface, artifact: Artifact, most: int = TEXT_BYTES) -> bytes:
    """The first bytes of a file.

    Raises:
        NotFound: Its content is not kept here.
    """
    if artifact.size_bytes == 0:
        return b""
    return ws.blobs.get(object_key(artifact.digest), start=0, end=min(most, artifact.size_bytes))


def look(ws: Surface, artifact: Artifact) -> Look:
    """A first look into a file: an image, the first rows of a table, or the beginning of a text."""
    suffix = PurePosixPath(artifact.path).suffix.lower()
    try:
        if suffix == ".parquet":
            return _table(ws, artifact)
        head = beginning(ws, artifact, JSON_BYTES if suffix == ".json" else TEXT_BYTES)
    except NotFound:
        return Look(more="Its content is not kept in this workspace.")
    if media_of(artifact.path, head):
        small = artifact.size_bytes <= IMAGE_BYTES
        return Look(image=small, more="" if small else "The image is too large to be shown.")
    text = text_of(head)
    if text is None:
        return Look(more="The file is neither text nor an image nor a table that is shown here.")
    cut = artifact.size_bytes > len(head)
    if suffix == ".json" and not cut:
        text = _indented(text)
    more = f"The first {len(head) >> 10} KiB are shown." if cut else ""
    return Look(text=text, markdown=suffix == ".md", more=more)


def media_of(path: str, head: bytes) -> str:
    """The media type of an image; empty if it is none, or if its first bytes say otherwise."""
    if path.lower().endswith(".svg"):
        return SVG if b"<svg" in head[:4096] else ""
    return image_type(path, head)


def _table(ws: Surface, artifact: Artifact) -> Look:
    if artifact.size_bytes > TABLE_BYTES:
        return Look(more="The table is too large to be shown here: save it.")
    import polars as pl

    data = ws.blobs.get(object_key(artifact.digest))
    try:
        rows = pl.scan_parquet(io.BytesIO(data)).select(pl.len()).collect().item()
        frame = pl.read_parquet(io.BytesIO(data), n_rows=TABLE_ROWS)
    except (pl.exceptions.PolarsError, OSError) as error:
        return Look(more=f"The file cannot be read as Parquet: {str(error)[:200]}")
    shown = [[_cell(value) for value in row] for row in frame.rows()]
    more = f"The first {TABLE_ROWS} of {rows:,} rows are shown." if rows > TABLE_ROWS else f"{rows:,} rows"
    return Look(columns=frame.columns, rows=shown, more=more)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float | bool):
        return value
    text = (
        value if isinstance(value, str) else f"{len(value)} bytes" if isinstance(value, bytes) else str(value)
    )
    return text if len(text) <= 200 else text[:199] + "…"


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def sequences(artifacts: Sequence[Artifact]) -> list[Images]:
    """The images and figures of a run by name, each with its steps."""
    found: dict[str, list[tuple[int | None, str]]] = {}
    for each in artifacts:
        if not each.path.startswith(("images/", "figures/")):
            continue
        suffix = PurePosixPath(each.path).suffix.lower()
        if suffix not in (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"):
            continue
        if step := _STEP.match(each.path):
            found.setdefault(step["name"], []).append((int(step["step"]), each.path))
        else:
            name = each.path.partition("/")[2].removesuffix(suffix)
            before = found.get(name)
            if before is None or suffix == ".svg":  # of two forms of a figure the sharper one
                found[name] = [(None, each.path)]
    return [Images(name, sorted(steps, key=lambda step: step[0] or 0)) for name, steps in found.items()]


def raw_address(run: str, path: str) -> str:
    """Where the bytes of a file are."""
    return f"/runs/{segment(run)}/raw?path={quote(path)}"


def bytes_of(site: Site) -> Route:
    """The route of the bytes of a file: images to be drawn, all else to be saved, in a sandbox either way."""

    def serve(request: Request) -> Response:
        asked = asked_of(request)
        try:
            run = site.ws.call("tracking.show", run=asked.name("run"))
            artifact = find(run, asked.query.get("path", ""))
            return stored(site.ws, artifact.path, artifact.digest, artifact.size_bytes)
        except FettleError as error:
            return site.refuse(error, request)

    return Route("/runs/{run}/raw", serve, methods=["GET"])


def stored(ws: Surface, path: str, digest: str, size_bytes: int) -> Response:
    """The answer that carries an object of the store under the name of a file.

    Raises:
        NotFound: The object is not kept here.
    """
    key = object_key(digest)
    head = ws.blobs.get(key, start=0, end=4096) if size_bytes else b""
    media = media_of(path, head)
    name = quote(PurePosixPath(path).name, safe="")
    headers = {
        **SANDBOX,
        **({"Content-Security-Policy": SVG_POLICY} if media == SVG else {}),
        "Content-Disposition": f"{'inline' if media else 'attachment'}; filename*=UTF-8''{name}",
        "Content-Length": str(size_bytes),
    }
    body = ws.blobs.stream(key) if size_bytes else iter(())
    return StreamingResponse(body, 200, headers, media or "application/octet-stream")
