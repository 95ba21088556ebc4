"""Labels: the projects, how far each is and how far its annotators agree, and the screen on which they label."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.web.asked import Asked
from fettle.web.formats import segment
from fettle.web.site import COMPRESSED, HEADERS, Facts, Page, Site, as_json, asked_of
from fettle.web.tables import Column, arrange

Perform = Callable[[Request, str, dict[str, Any]], Any]
"""Performs an act for whoever sent the request: `perform(request, "labels.skip", {"project": …})`."""

SHOWN_ITEMS = 100
AHEAD = 4
LONGEST_FORM_BYTES = 1 << 20
DOINGS = ("next", "submit", "skip", "undo")


def read_projects(ws: Surface, _: Asked) -> Facts:
    """All labelling projects."""
    return {"projects": ws.call("labels.projects")}


def draw_projects(facts: Facts, asked: Asked) -> Facts:
    """The table of projects."""
    columns = [
        Column("name", "Project", lambda each: each.project.name),
        Column("dataset", "Rows of", lambda each: each.project.dataset),
        Column("kind", "Asks for", lambda each: each.project.kind),
        Column("done", "Done", lambda each: each.done / max(each.project.items, 1), number=True),
        Column("answers", "Answers", lambda each: each.answers, number=True),
        Column("annotators", "Annotators", lambda each: each.annotators, number=True),
        Column("disputed", "Disputed", lambda each: each.disputed, number=True),
        Column("last", "Last answer", lambda each: each.last_at),
    ]
    table = arrange(facts["projects"], columns, asked, words=lambda each: each.project.name)
    return {"table": table, "asks": ASKS}


ASKS = {"single": "one class", "multi": "several classes", "text": "free text", "spans": "spans of a text"}


def read_project(ws: Surface, asked: Asked) -> Facts:
    """One project: progress, agreement, what is disputed, flagged and suspected."""
    name = asked.name("project")
    return {
        "project": ws.call("labels.show", project=name),
        "progress": ws.call("labels.progress", project=name),
        "agreement": ws.call("labels.agreement", project=name),
        "disputed": ws.call("labels.answers", project=name, only="disputed", limit=SHOWN_ITEMS),
        "flagged": ws.call("labels.answers", project=name, only="flagged", limit=SHOWN_ITEMS),
        "suspects": _kept(ws, "labels.suspects", name),
        "functions": _kept(ws, "labels.guesses", name),
    }


def _kept(ws: Surface, act: str, project: str) -> Any:
    """A report that is kept with a project; None where there is none. What is long is left to its act."""
    try:
        found = ws.call(act, project=project)
    except NotFound:
        return None
    if hasattr(found, "guesses"):
        return msgspec.structs.replace(found, guesses=[])
    return msgspec.structs.replace(found, found=found.found[:SHOWN_ITEMS])


def draw_project(facts: Facts, _: Asked) -> Facts:
    """The matrix of agreement, and each item's answers in words."""
    project, progress, agreement = facts["project"], facts["progress"], facts["agreement"]
    names = sorted({each.one for each in agreement.pairs} | {each.two for each in agreement.pairs})
    cells = {(each.one, each.two): each for each in agreement.pairs}
    cells |= {(two, one): each for (one, two), each in cells.items()}
    return {
        "asks": ASKS,
        "names": names,
        "cells": cells,
        "most": max([*progress.classes.values(), 1]),
        "shown": partial(excerpt, show=project.show),
        "said": in_words,
    }


def excerpt(values: dict[str, Any], show: list[str]) -> str:
    """An item in one line: its first text, else its first values."""
    texts = [values[name] for name in show if isinstance(values.get(name), str) and len(values[name]) > 12]
    line = texts[0] if texts else ", ".join(f"{name} {values.get(name)}" for name in show[:4])
    return line if len(line) <= 120 else line[:119] + "…"


def in_words(annotation: Any) -> str:
    """An answer in one line."""
    if annotation.state == "skipped":
        return "skipped"
    answer = annotation.answer
    if answer.spans:
        return ", ".join(f"{each.label} {each.start}–{each.end}" for each in answer.spans)
    return answer.text or ", ".join(answer.labels) or "none of them"


PAGES = (
    Page("/labels", "labels/projects.html", read_projects, draw_projects),
    Page("/labels/{project}", "labels/project.html", read_project, draw_project),
)


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """The labelling screen: shown and twinned by GET, worked by POST of its form.

    Answered are the form's own posts with a redirect to the next item, and those of its script (`Accept:
    application/json`) with the next items themselves.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """
    act = perform or (lambda _, name, arguments: site.ws.call(name, **arguments))

    def show(request: Request) -> Response:
        try:
            facts = read_screen(act, request)
        except FettleError as error:
            return site.refuse(error, request)
        text = site.render("labels/screen.html", request, asked_of(request), {**facts, **_coded(facts)})
        return Response(text, 200, HEADERS, "text/html; charset=utf-8")

    def twin(request: Request) -> Response:
        try:
            return as_json(read_screen(act, request))
        except FettleError as error:
            return as_json({"error": error.as_dict()}, error.status)

    async def work(request: Request) -> Response:
        program = "application/json" in request.headers.get("accept", "")
        try:
            form = await _form(request)
            return await run_in_threadpool(_worked, act, request, form, program)
        except FettleError as error:
            if program:
                return as_json({"error": error.as_dict()}, error.status)
            return await run_in_threadpool(site.refuse, error, request)

    path = "/labels/{project}/screen"
    return [
        Route(f"{path}.json", twin, methods=["GET"], middleware=COMPRESSED),
        Route(path, show, methods=["GET"], middleware=COMPRESSED),
        Route(path, work, methods=["POST"]),
    ]


def _coded(facts: Facts) -> Facts:
    """What the script of the screen reads, as JSON."""
    task = facts["task"]
    spans = task.annotation.answer.spans if task is not None and task.annotation is not None else []
    parts = {"task": task, "show": facts["project"].show, "spans": spans}
    return {"asks": ASKS, "coded": {name: msgspec.json.encode(part).decode() for name, part in parts.items()}}


def read_screen(act: Perform, request: Request) -> Facts:
    """The item that the address names, else the first that is kept for who asks; None where there is none."""
    asked = asked_of(request)
    name = asked.name("project")
    project = act(request, "labels.show", {"project": name})
    number = asked.whole("item", 0)
    if number:
        task = act(request, "labels.task", {"project": name, "item": number})
    else:
        task = next(iter(act(request, "labels.kept", {"project": name})), None)
    progress = act(request, "labels.progress", {"project": name})
    return {"project": project, "task": task, "progress": progress, "ended": asked.text("ended") != ""}


def _worked(act: Perform, request: Request, form: list[tuple[str, str]], program: bool) -> Response:
    name = str(request.path_params["project"])
    fields = dict(form)
    doing = fields.get("do", "submit")
    if doing not in DOINGS:
        raise Invalid(
            "The form asks for nothing that is known.", found=repr(doing[:40]), hint=", ".join(DOINGS)
        )
    address = f"/labels/{segment(name)}/screen"
    if doing == "undo":
        task = act(request, "labels.undo", {"project": name})
        return (
            as_json({"task": task})
            if program
            else RedirectResponse(f"{address}?item={task.item}", 303, HEADERS)
        )
    if doing in ("submit", "skip"):
        _answer(act, request, name, doing, form)
    tasks = act(request, "labels.next", {"project": name, "count": AHEAD if program else 1})
    if program:
        return as_json({"tasks": tasks})
    return RedirectResponse(
        f"{address}?item={tasks[0].item}" if tasks else f"{address}?ended=1", 303, HEADERS
    )


def _answer(act: Perform, request: Request, project: str, doing: str, form: list[tuple[str, str]]) -> None:
    fields = dict(form)
    item = _whole(fields.get("item", ""))
    shared = {
        "project": project,
        "item": item,
        "flag": fields.get("flag", "") != "",
        "note": fields.get("note", ""),
        "seconds": _seconds(fields.get("seconds", "")),
    }
    if doing == "skip":
        act(request, "labels.skip", shared)
        return
    spans = _spans(fields.get("spans", ""))
    if marks := fields.get("marks", "").strip():
        terms = act(request, "labels.show", {"project": project})
        task = act(request, "labels.task", {"project": project, "item": item})
        spans = spans + read_marks(marks, str(task.values.get(terms.text) or ""))
    given = {"labels": [value for key, value in form if key == "label"], "text": fields.get("text", "")}
    act(request, "labels.label", {**shared, **given, "spans": spans})


def read_marks(marks: str, text: str) -> list[dict[str, Any]]:
    """Spans as the form without script takes them: a line each, the words, an arrow and the class.

    The same words on a second line mean their second place in the text.

    Raises:
        Invalid: A line has no arrow, or its words are not in the text.
    """
    found, after = [], {}
    for line in filter(None, map(str.strip, marks.splitlines())):
        words, arrow, label = (part.strip() for part in line.rpartition("->"))
        start = text.find(words, after.get(words, 0)) if words else -1
        if not arrow or start < 0:
            raise Invalid(
                "A marked part cannot be found in the text.",
                found=line[:80],
                hint="Write the words as they stand in the text, an arrow and the class: Ada Lovelace -> PERSON",
            )
        after[words] = start + len(words)
        found.append({"start": start, "end": start + len(words), "label": label})
    return found


def _spans(text: str) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(text, type=list[dict[str, Any]]) if text else []
    except msgspec.DecodeError as error:
        raise Invalid("The spans cannot be read.", found=str(error)) from error


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Invalid("The form names no item.", found=repr(text[:40]), hint="Begin again at /labels.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 86_400.0) if text else 0.0
    except ValueError:
        return 0.0


async def _form(request: Request) -> list[tuple[str, str]]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM_BYTES:
            raise Invalid("That form is too long.", found=f"more than {LONGEST_FORM_BYTES:,} bytes")
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
