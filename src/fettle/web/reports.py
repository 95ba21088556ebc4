"""Reports: pages of text with curves, runs and comparisons that are drawn when the page is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core import ids
from fettle.core.errors import Conflict, FettleError, Invalid, NotFound
from fettle.web import report_blocks, talk
from fettle.web.asked import Asked
from fettle.web.formats import segment
from fettle.web.forms import fields_of
from fettle.web.labels import Perform
from fettle.web.posting import LONGEST_BYTES, chosen, form
from fettle.web.report_drawing import bests, pieces
from fettle.web.report_files import file_of
from fettle.web.report_syntax import KEYS
from fettle.web.site import COMPRESSED, HEADERS, Facts, Page, Site, asked_of
from fettle.web.tables import Column, arrange

DOINGS = ("write", "look", "drop")
LONGEST_TITLE = 200
BEGUN = """What was tried, and what came of it.

```chart
where: status = "finished"
metrics: loss
```

```runs
limit: 10
```
"""


def read_reports(ws: Surface, _: Asked) -> Facts:
    """All reports, and which of them are pinned."""
    pins = {each.subject for each in ws.call("tracking.pins", kind="report")}
    reports = ws.call("tracking.reports")
    return {"reports": reports, "pinned": [each.name for each in reports if f"report:{each.name}" in pins]}


def draw_reports(facts: Facts, asked: Asked) -> Facts:
    """The table of reports, pinned ones first."""
    columns = [
        Column("title", "Report", lambda each: each.title),
        Column("updated_at", "Changed", lambda each: each.updated_at),
        Column("updated_by", "By", lambda each: each.updated_by),
        Column("revision", "Revision", lambda each: each.revision, number=True),
    ]
    rows = sorted(facts["reports"], key=lambda each: each.name not in facts["pinned"])
    return {
        "table": arrange(rows, columns, asked, words=lambda each: f"{each.title} {each.name} {each.text}")
    }


def read_report(ws: Surface, asked: Asked) -> Facts:
    """One report: its text, what its blocks show now, and what is said about it."""
    report = ws.call("tracking.report", name=asked.name("report"))
    blocks = report_blocks.read(ws, report.text)
    return {"report": report, "blocks": blocks, **talk.heard(ws, f"report:{report.name}")}


def draw_report(facts: Facts, _: Asked) -> Facts:
    """The report as pieces of HTML with its blocks between them."""
    return {"pieces": pieces(facts["report"].text, facts["blocks"]), "bests": bests}


def read_edit(ws: Surface, asked: Asked) -> Facts:
    """A report to be changed."""
    return {"report": ws.call("tracking.report", name=asked.name("report"))}


def draw_edit(_: Facts, __: Asked) -> Facts:
    """Nothing but the form: no preview, no conflict."""
    return {"theirs": None, "pieces": None, "bests": bests, "keys": KEYS}


PAGES = (
    Page("/reports", "reports/reports.html", read_reports, draw_reports),
    Page("/reports/{report}/edit", "reports/edit.html", read_edit, draw_edit),
    Page("/reports/{report}", "reports/report.html", read_report, draw_report),
)


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """A report as one file, and the forms by which reports are made and changed.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """
    act = perform or (lambda _, name, arguments: site.ws.call(name, **arguments))

    async def change(request: Request) -> Response:
        try:
            return await run_in_threadpool(
                _changed, site, act, request, await fields_of(request, LONGEST_BYTES)
            )
        except FettleError as error:
            return await run_in_threadpool(site.refuse, error, request)

    def file(request: Request) -> Response:
        try:
            facts = read_report(site.ws, asked_of(request))
            return file_of(site, request, {**facts, **draw_report(facts, asked_of(request))})
        except NotFound as error:
            return _named_so(site, request) or site.refuse(error, request)
        except FettleError as error:
            return site.refuse(error, request)

    return [
        form(site, perform, "/reports", _made),
        Route("/reports/{report}.html", file, methods=["GET"], middleware=COMPRESSED),
        Route("/reports/{report}", change, methods=["POST"]),
    ]


def _named_so(site: Site, request: Request) -> Response | None:
    """The page of a report whose name itself ends with `.html`; None where there is none."""
    name = f"{request.path_params['report']}.html"
    if not any(each.name == name for each in site.ws.call("tracking.reports")):
        return None
    return RedirectResponse(f"/reports/{segment(name)}/edit", 302, HEADERS)


def _made(call: Callable[..., Any], _: Request, fields: dict[str, str]) -> str:
    """Begin a report.

    Raises:
        Conflict: There is one of that name; it is not written over.
    """
    title = _title(fields)
    if not title:
        raise Invalid("A report needs a title.", hint="Such as: What the depth of trees does")
    name = fields.get("name", "").strip() or ids.slug(title)
    try:
        made = call("tracking.write_report", name=name, title=title, text=BEGUN, revision=0)
    except Conflict as error:
        hint = f"Change that one at /reports/{name}, or choose another title."
        raise Conflict(f"There is a report {name!r} already.", found=error.found, hint=hint) from error
    return f"/reports/{segment(made.name)}/edit"


def _title(fields: dict[str, str]) -> str:
    title = fields.get("title", "").strip()
    if len(title) > LONGEST_TITLE or not title.isprintable():
        raise Invalid(
            f"A title is one line of at most {LONGEST_TITLE} characters.", found=f"{len(title)} characters"
        )
    return title


def _changed(site: Site, act: Perform, request: Request, fields: dict[str, str]) -> Response:
    """Write a new revision, look how it would be, or take the report away."""
    name, doing = str(request.path_params["report"]), chosen(fields, DOINGS)
    if doing == "drop":
        act(request, "tracking.drop_report", {"name": name})
        return RedirectResponse("/reports", 303, HEADERS)
    text, revision = fields.get("text", "").replace("\r\n", "\n"), fields.get("revision", "")
    if not (revision.isascii() and revision.isdigit()) or len(revision) > 9:
        raise Invalid("The form does not say which revision was changed.", found=repr(revision[:40]))
    given = {"name": name, "title": _title(fields), "text": text, "revision": int(revision)}
    if doing == "look":
        return _form(site, request, given)
    try:
        act(request, "tracking.write_report", given)
    except Conflict:
        return _form(site, request, given, conflict=True)
    return RedirectResponse(f"/reports/{segment(name)}", 303, HEADERS)


def _form(site: Site, request: Request, given: dict[str, Any], *, conflict: bool = False) -> Response:
    """The form with what was typed: beside what somebody else wrote meanwhile, or above how it would look."""
    known = site.ws.call("tracking.report", name=given["name"])
    revision = known.revision if conflict else given["revision"]
    mine = msgspec.structs.replace(
        known, text=given["text"], title=given["title"] or known.title, revision=revision
    )
    shown = None if conflict else pieces(mine.text, report_blocks.read(site.ws, mine.text))
    facts = {
        "report": mine,
        "theirs": known if conflict else None,
        "pieces": shown,
        "bests": bests,
        "keys": KEYS,
    }
    text = site.render("reports/edit.html", request, asked_of(request), facts)
    return Response(text, Conflict.status if conflict else 200, HEADERS, "text/html; charset=utf-8")
