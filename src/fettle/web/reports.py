"""Reports: Markdown with live charts, written in a form that loses nothing, and sent as one file."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core.errors import Conflict, FettleError, Invalid, NotFound
from fettle.web import assets, blocks, markdown, talk
from fettle.web.asked import Asked
from fettle.web.formats import segment
from fettle.web.forms import fields_of
from fettle.web.labels import Perform
from fettle.web.posting import LONGEST_BYTES
from fettle.web.site import HEADERS, Facts, Page, Site, asked_of
from fettle.web.tables import Column, arrange

FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"
"""Of a report as a file: its own styles, and nothing that runs or is loaded."""
EXAMPLE = """What was tried, and what came out.

```chart
experiment: %s
smoothing: 0.6
```

```runs
experiment: %s
limit: 10
```
"""


def read_reports(ws: Surface, _: Asked) -> Facts:
    """All reports, and which of them the team keeps at the top."""
    pins = ws.call("tracking.pins", kind="report")
    return {
        "reports": ws.call("tracking.reports"),
        "pinned": [each.subject.partition(":")[2] for each in pins],
        "experiments": [each.name for each in ws.call("tracking.experiments")],
    }


def draw_reports(facts: Facts, asked: Asked) -> Facts:
    """The table of reports, those that are pinned first."""
    columns = [
        Column("title", "Report", lambda each: each.title.casefold()),
        Column("author", "By", lambda each: each.author),
        Column("updated", "Changed", lambda each: each.updated_at),
        Column("revision", "Revision", lambda each: each.revision, number=True),
    ]
    rows = sorted(facts["reports"], key=lambda each: each.name not in facts["pinned"])
    return {"table": arrange(rows, columns, asked, words=lambda each: f"{each.title} {each.name} {each.text}")}


def read_report(ws: Surface, asked: Asked) -> Facts:
    """One report as it was written, and what is said of it."""
    name = asked.name("report")
    return {"report": ws.call("tracking.report", name=name), **talk.heard(ws, f"report:{name}")}


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """The page of a report, drawn from what there is now; the form it is written in; and the report as one file.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """
    act = perform or (lambda _, name, arguments: site.ws.call(name, **arguments))

    def shown(request: Request) -> Response:
        return _told(site, request, lambda asked: _show(site, request, asked))

    def written(request: Request) -> Response:
        return _told(site, request, lambda asked: _form(site, request, asked))

    def sent(request: Request) -> Response:
        return _told(site, request, lambda asked: _file(site, request, asked))

    async def taken(request: Request) -> Response:
        try:
            fields = await fields_of(request, LONGEST_BYTES)
            return await run_in_threadpool(_take, site, act, request, fields)
        except FettleError as error:
            return await run_in_threadpool(site.refuse, error, request)

    return [
        Route("/reports/{report}/edit", written, methods=["GET"]),
        Route("/reports/{report}/edit", taken, methods=["POST"]),
        Route("/reports/{report}.html", sent, methods=["GET"]),
        *site.routes(Page("/reports", "tracking/reports.html", read_reports, draw_reports)),
        *[each for each in site.routes(Page("/reports/{report}", "x", read_report)) if each.path.endswith(".json")],
        Route("/reports/{report}", shown, methods=["GET"]),
    ]


def _told(site: Site, request: Request, answer: Any) -> Response:
    try:
        return answer(asked_of(request))
    except FettleError as error:
        return site.refuse(error, request)


def _show(site: Site, request: Request, asked: Asked) -> Response:
    facts = read_report(site.ws, asked)
    drawn = markdown.render_with(facts["report"].text, blocks.drawer(site.ws))
    return _page(site.render("tracking/report.html", request, asked, {**facts, "drawn": drawn}))


def _form(site: Site, request: Request, asked: Asked) -> Response:
    name = str(request.path_params["report"])
    if name == "new":
        first = next((each.name for each in site.ws.call("tracking.experiments")), "NAME")
        draft = {"name": "", "title": "", "text": EXAMPLE % (first, first), "revision": ""}
    else:
        report = site.ws.call("tracking.report", name=name)
        draft = {"name": name, "title": report.title, "text": report.text, "revision": str(report.revision)}
    facts = {"draft": draft, "refusal": None, "newer": None, "preview": ""}
    return _page(site.render("tracking/report_form.html", request, asked, facts))


def _take(site: Site, act: Perform, request: Request, fields: dict[str, str]) -> Response:
    """Keep what was written; what cannot be kept is shown again with the reason, so that nothing is lost."""
    asked = asked_of(request)
    draft = {key: fields.get(key, "").replace("\r\n", "\n") for key in ("name", "title", "text", "revision")}
    name = str(request.path_params["report"])
    name = draft["name"].strip() if name == "new" else name
    if fields.get("do") == "drop":
        act(request, "tracking.drop_report", {"name": name})
        return RedirectResponse("/reports", 303, HEADERS)
    facts: dict[str, Any] = {"draft": {**draft, "name": name}, "refusal": None, "newer": None, "preview": ""}
    if fields.get("do") == "preview":
        facts["preview"] = markdown.render_with(draft["text"], blocks.drawer(site.ws))
        return _page(site.render("tracking/report_form.html", request, asked, facts))
    given = {"name": name, "title": draft["title"].strip(), "text": draft["text"], "revision": _revision(draft["revision"])}
    try:
        if given["revision"] is None:
            _check_new(site.ws, name)
        act(request, "tracking.write_report", given)
    except Conflict as error:
        newer = site.ws.call("tracking.report", name=name)
        facts |= {"refusal": error, "newer": newer}
        return _page(site.render("tracking/report_form.html", request, asked, facts), error.status)
    except Invalid as error:
        facts["refusal"] = error
        return _page(site.render("tracking/report_form.html", request, asked, facts), error.status)
    return RedirectResponse(f"/reports/{segment(name)}", 303, HEADERS)


def _check_new(ws: Surface, name: str) -> None:
    """A new report takes no other's name."""
    try:
        known = ws.call("tracking.report", name=name)
    except NotFound:
        return
    raise Conflict(
        f"There is a report {name!r} already.",
        found=f"revision {known.revision} by {known.updated_by}",
        hint="Give yours another name.",
    )


def _revision(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _file(site: Site, request: Request, asked: Asked) -> Response:
    """The report as one file that needs nothing from elsewhere: styles within, charts as drawings, no scripts."""
    report = site.ws.call("tracking.report", name=str(request.path_params["report"]))
    drawn = markdown.render_with(report.text, blocks.drawer(site.ws))
    style = (assets.STATIC / site.assets["pages.css"].rpartition("/")[2]).read_text("utf-8")
    facts = {"report": report, "drawn": drawn, "style": style.replace("</", "<\\/"), "home": str(request.base_url)}
    text = site.render("tracking/report_file.html", request, asked, facts)
    headers = {
        **HEADERS,
        "Content-Security-Policy": FILE_POLICY,
        "Content-Disposition": f'attachment; filename="{report.name}.html"',
    }
    return Response(text, 200, headers, "text/html; charset=utf-8")


def _page(text: str, status: int = 200) -> Response:
    return Response(text, status, HEADERS, "text/html; charset=utf-8")
