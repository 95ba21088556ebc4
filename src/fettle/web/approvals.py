"""What is done with a version and its approvals from its page, its files, and two versions side by side."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core.errors import FettleError, Invalid, Unavailable
from fettle.web import talk
from fettle.web.asked import Asked
from fettle.web.files import SANDBOX
from fettle.web.formats import segment
from fettle.web.labels import Perform
from fettle.web.posting import Call, chosen, form
from fettle.web.remembered import Remembered
from fettle.web.site import HEADERS, Facts, Page, Site, asked_of

DOINGS = ("request", "approve", "withdraw", "describe", "promote")
MODEL_DOINGS = ("describe", "rollback")
CHUNK_BYTES = 1 << 20
ABOUT = {
    "metrics": "Metrics", "params": "Parameters", "data": "Data", "code": "Code", "environment": "Environment",
    "schema": "Schema", "bundle": "Files",
}  # fmt: skip
_answers = Remembered(64)


def read_said(ws: Surface, version: Any) -> Facts:
    """What people said of a version: requests with who agreed, what aliases ask for, comments."""
    requests = ws.call("registry.approvals", model=version.model, version=version.version, every=True)
    return {
        "requests": list(reversed(requests)),
        "protections": ws.call("registry.protections", model=version.model),
        "edits": ws.call("registry.edits", model=version.model, version=version.version),
        **talk.heard(ws, f"version:{version.model}/{version.version}"),
    }


def read_pair(ws: Surface, asked: Asked) -> Facts:
    """Two versions of a model: what is known to differ, and if that is asked, their answers to the same rows."""
    model, a, b = asked.name("model"), asked.number("a"), asked.number("b")
    one, other = (ws.call("registry.show", model=model, version=each) for each in (a, b))
    found = ws.call("registry.differences", model=model, a=a, b=b)
    answers, refusal = None, None
    if asked.text("answers"):
        try:
            answers = _answers.get((one.bundle, other.bundle), lambda: _asked_both(ws, model, a, b))
        except FettleError as error:
            refusal = error.as_dict()
    return {"one": one, "other": other, "found": found, "answers": answers, "refusal": refusal}


def _asked_both(ws: Surface, model: str, a: int, b: int) -> Any:
    from fettle.registry.errands.versions import compare

    return compare(ws, model, str(a), str(b)).answers


def draw_pair(facts: Facts, _: Asked) -> Facts:
    """The differences in their sections."""
    rows = facts["found"].differences
    return {
        "sections": [(name, list(found)) for name, found in groupby(rows, key=lambda row: row.about)],
        "titles": ABOUT,
        "shell": shlex.quote,
    }


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """The form of a version's page, and its files as one archive.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """

    def send(request: Request) -> Response:
        asked = asked_of(request)
        try:
            return archive(site.ws, asked.name("model"), asked.number("version"))
        except FettleError as error:
            return site.refuse(error, request)

    def choose(request: Request) -> Response:
        asked = asked_of(request)
        try:
            a, b = (asked.whole(field, 0, low=1) for field in ("a", "b"))
        except FettleError as error:
            return site.refuse(error, request)
        address = f"/models/{segment(asked.name('model'))}"
        return RedirectResponse(f"{address}/compare/{a}/{b}" if a and b else address, 303, HEADERS)

    return [
        Route("/models/{model}/compare", choose, methods=["GET"]),
        Route("/models/{model}/{version}/download", send, methods=["GET"]),
        form(site, perform, "/models/{model}/{version}", work),
        form(site, perform, "/models/{model}", work_model),
    ]


def work(call: Call, request: Request, fields: dict[str, str]) -> str:
    """Ask people, agree, take back what one said, describe the version, or point an alias at it."""
    asked = asked_of(request)
    model, version, doing = asked.name("model"), asked.number("version"), chosen(fields, DOINGS)
    said = fields.get("note", "").strip()
    if doing == "request":
        alias = fields.get("alias", "").strip() or "champion"
        call("registry.request_approval", model=model, version=version, alias=alias, reason=said)
    elif doing == "approve":
        call("registry.approve", request=fields.get("request", ""), note=said)
    elif doing == "withdraw":
        call("registry.withdraw", request=fields.get("request", ""), reason=said)
    elif doing == "promote":
        alias = fields.get("alias", "").strip() or "champion"
        call("registry.promote", model=model, version=version, to=alias, reason=_reason(said))
    else:
        call("registry.change_version", model=model, version=version, note=_text(fields))
    return f"/models/{segment(model)}/{version}"


def work_model(call: Call, request: Request, fields: dict[str, str]) -> str:
    """Describe a model, or point an alias back; what is left is named, so that a form sent twice goes back once."""
    model, doing = asked_of(request).name("model"), chosen(fields, MODEL_DOINGS)
    if doing == "describe":
        call("registry.change", model=model, description=_text(fields))
    else:
        leaving = fields.get("leaving", "")
        if not (leaving.isascii() and leaving.isdigit()) or len(leaving) > 9:
            raise Invalid("The form does not say which version is left.", found=repr(leaving[:40]))
        reason = _reason(fields.get("note", "").strip())
        alias = fields.get("alias", "")
        call("registry.rollback", model=model, alias=alias, leaving=int(leaving), reason=reason)
    return f"/models/{segment(model)}"


def _text(fields: dict[str, str]) -> str:
    return fields.get("text", "").replace("\r\n", "\n").strip()


def _reason(said: str) -> str:
    if not said:
        raise Invalid("Moving an alias by hand needs a reason.", hint="It is kept with the move for good.")
    return said


def archive(ws: Surface, model: str, version: int) -> Response:
    """All files of a version, each checked against its digest, as one zip archive.

    Raises:
        Conflict: Its files are not kept in this workspace.
    """
    from fettle.registry import downloads

    found = ws.call("registry.show", model=model, version=version)
    folder = Path(tempfile.mkdtemp(prefix="fettle-download-"))
    try:
        files = downloads.write(ws, found, folder / "files")
        packed = folder / "files.zip"
        _pack(files, packed)
    except FettleError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Unavailable(
            "The files cannot be packed.", found=str(error), hint="Free some space on the server."
        ) from error
    name = quote(f"{model}-{version}.zip", safe="")
    headers = {
        **SANDBOX,
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Length": str(packed.stat().st_size),
    }
    return StreamingResponse(_sent(packed, folder), 200, headers, "application/zip")


def _pack(files: Path, to: Path) -> None:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as packed:
        for each in sorted(files.rglob("*")):
            if each.is_file():
                packed.write(each, each.relative_to(files).as_posix())


def _sent(packed: Path, folder: Path) -> Iterator[bytes]:
    try:
        with packed.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def has_agreed(actor: str, request: Any) -> bool:
    """Whether somebody has agreed to a request and not taken it back."""
    return any(each.actor == actor and each.withdrawn_at is None for each in request.approvals)


PAGES = (Page("/models/{model}/compare/{a}/{b}", "registry/compare.html", read_pair, draw_pair),)
