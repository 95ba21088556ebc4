"""A report as one file: styles and drawings inside, no script, nothing asked of any server when it is opened."""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from urllib.parse import parse_qs, quote, unquote, urlsplit

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from fettle.acts import Surface
from fettle.core.errors import FettleError
from fettle.web import run_files
from fettle.web.assets import STATIC, Assets
from fettle.web.site import HEADERS, Facts, Site, asked_of

IMAGE_BYTES = 4 << 20
ALL_IMAGES_BYTES = 24 << 20
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

_IMAGE = re.compile(r'<img class="preview" src="(?P<source>[^"]*)" alt="(?P<said>[^"]*)">')
_RAW = re.compile(r"/runs/(?P<run>[^/]+)/raw")


def file_of(site: Site, request: Request, facts: Facts) -> Response:
    """The answer that carries a report as a file; with `download` in the address to be saved.

    Args:
        site: What pages share.
        request: Whose address the links of the file begin with.
        facts: The report, its pieces, and what its template needs.
    """
    name = facts["report"].name
    base = str(request.base_url).rstrip("/")
    context = {"style": styles(site.assets), "policy": POLICY, "source": f"{base}/reports/{quote(name)}"}
    text = site.render("reports/file.html", request, asked_of(request), {**facts, **context})
    headers = {**HEADERS, "Content-Security-Policy": f"{POLICY}; sandbox"}
    if "download" in request.query_params:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}.html"
    return Response(settled(site.ws, text, base), 200, headers, "text/html; charset=utf-8")


def settled(ws: Surface, text: str, base: str) -> str:
    """The page with its images inside and its links leading back to the server.

    In rendered pages quotes in texts are escaped, so what is replaced here is only ever an attribute.

    Args:
        ws: The workspace that holds the images.
        text: The page.
        base: The server's address without a slash at the end.
    """
    left = ALL_IMAGES_BYTES

    def image(found: re.Match[str]) -> str:
        nonlocal left
        data = _image(ws, html.unescape(found["source"]), min(left, IMAGE_BYTES))
        left -= len(data)
        said = found["said"]
        return f'<img class="preview" src="{data}" alt="{said}">' if data else f"<em>[{said}]</em>"

    return _IMAGE.sub(image, text).replace(' href="/', f' href="{html.escape(base)}/')


def _image(ws: Surface, source: str, most: int) -> str:
    """An image of a run as a `data:` address; empty where it is none, too large, or not here."""
    parts = urlsplit(source)
    match, paths = _RAW.fullmatch(parts.path), parse_qs(parts.query).get("path", [])
    if match is None or not paths:
        return ""
    try:
        artifact = run_files.find(ws.call("tracking.show", run=unquote(match["run"])), paths[0])
        if not 0 < artifact.size_bytes <= most:
            return ""
        data = run_files.beginning(ws, artifact, most)
    except FettleError:
        return ""
    media = run_files.media_of(artifact.path, data[:4096])
    return f"data:{media};base64,{base64.b64encode(data).decode()}" if media else ""


def styles(assets: Assets) -> Markup:
    """The styles of the pages, to stand inside a file."""
    return Markup(_styles(assets["pages.css"].rpartition("/")[2]).replace("</", "<\\/"))


@cache
def _styles(name: str) -> str:
    return (STATIC / name).read_text("utf-8")
