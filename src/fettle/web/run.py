"""One run: its curves, what went in and came out, its files, what it recorded by itself, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.web import captured, curves, run_files, talk
from fettle.web.asked import Asked
from fettle.web.formats import segment
from fettle.web.labels import Perform
from fettle.web.overlay import AXES, Look, look_of, overlay, read_curves
from fettle.web.posting import Call, chosen, form
from fettle.web.site import Facts, Page, Site
from fettle.web.tables import Column, arrange
from fettle.web.tracking import MINOR, SYSTEM, best_of, frequent_metrics, less_is_better, varied_params

SHOWN_CURVES = 8
MOST_CURVES = 40
SHOWN_PARTS = 200
TABS = ("overview", "files", "images", "code", "environment", "console", "system")
DOINGS = ("archive", "unarchive", "delete", "restore", "note")


def read_run(ws: Surface, asked: Asked) -> Facts:
    """One run, and what the chosen tab shows of it."""
    run = ws.call("tracking.show", run=asked.name("run"))
    tab = asked.choice("tab", TABS)
    facts = {"run": run, "tab": tab, "tabs": tabs_of(run), "look": look_of(asked)}
    return {**facts, **_READ[tab](ws, run, asked), **talk.heard(ws, f"run:{run.id}")}


def tabs_of(run: Any) -> list[tuple[str, int]]:
    """The tabs that have something to show, each with how much."""
    paths = [each.path for each in run.artifacts]
    system = sum(each.key.startswith(SYSTEM) for each in run.summaries)
    there = {
        "overview": 1,
        "files": len(paths),
        "images": len(run_files.sequences(run.artifacts)),
        "code": captured.CHANGES in paths or any(key.startswith(captured.CODE_TAGS) for key in run.tags),
        "environment": captured.ENVIRONMENT in paths
        or any(key.startswith(captured.PLACE_TAGS) for key in run.tags),
        "console": any(path.startswith(captured.CONSOLE) for path in paths),
        "system": system,
    }
    return [(tab, int(there[tab]) if tab in ("files", "images") else 0) for tab in TABS if there[tab]]


def _overview(ws: Surface, run: Any, asked: Asked) -> Facts:
    parts = ws.call("tracking.runs", parent=run.id, order_by="started_at", limit=SHOWN_PARTS, archived=None)
    parts.sort(key=lambda part: part.id)  # ids tell the order also within one instant
    return {
        "parts": parts,
        "versions": ws.call("registry.made_from", run_id=run.id),
        "traces": sum(ws.call("tracking.trace_page", run=run.id, limit=0).states.values()),
        **_curves(ws, run, look_of(asked), asked, system=False),
    }


def _system(ws: Surface, run: Any, asked: Asked) -> Facts:
    return _curves(ws, run, look_of(asked), asked, system=True)


def _curves(ws: Surface, run: Any, look: Look, asked: Asked, *, system: bool) -> Facts:
    keys = [each.key for each in run.summaries if each.count > 1 and each.key.startswith(SYSTEM) is system]
    epochs = any(each.key == "epoch" for each in run.summaries)
    if look.x == "epoch" and not epochs:
        raise Invalid(
            "The run cannot be drawn over epochs.",
            found="no metric 'epoch'",
            hint="Log it: run.log(loss=…, epoch=epoch), or draw over steps or time.",
        )
    keys.sort(key=lambda key: key in MINOR)
    shown = keys[: MOST_CURVES if asked.text("curves") == "all" else SHOWN_CURVES]
    found = {key: read_curves(ws, [run.id], key, look) for key in shown}
    return {
        "curves": found,
        "left": len(keys) - len(shown),
        "all_fit": len(keys) <= MOST_CURVES,
        "more_curves": asked.link(curves="all") if len(shown) == SHOWN_CURVES else "",
        "axes": [x for x in AXES if x != "epoch" or epochs],
    }


def _files(ws: Surface, run: Any, asked: Asked) -> Facts:
    path = asked.query.get("path", "")
    artifact = run_files.find(run, path) if path else None
    return {"file": artifact, "preview": run_files.look(ws, artifact) if artifact else None}


_READ = {
    "overview": _overview,
    "files": _files,
    "images": lambda ws, run, asked: {"images": run_files.sequences(run.artifacts)},
    "code": lambda ws, run, asked: {"code": captured.code(ws, run)},
    "environment": lambda ws, run, asked: {"environment": captured.environment(ws, run)},
    "console": lambda ws, run, asked: {"console": captured.console(ws, run)},
    "system": _system,
}


def draw_run(facts: Facts, asked: Asked) -> Facts:
    """The pictures and tables of the chosen tab."""
    return {"raw": run_files.raw_address, **_DRAW.get(facts["tab"], lambda *_: {})(facts, asked)}


def _draw_overview(facts: Facts, asked: Asked) -> Facts:
    keys = frequent_metrics(facts["parts"])
    return {
        **_draw_curves(facts, asked),
        "part_keys": keys,
        "part_params": varied_params(facts["parts"]),
        "part_best": {key: best_of(key, [part.metrics.get(key) for part in facts["parts"]]) for key in keys},
        "progress": _progress(facts["parts"], keys),
    }


def _draw_curves(facts: Facts, _: Asked) -> Facts:
    run, look = facts["run"], facts["look"]
    names = {run.id: run.name}
    return {
        "pictures": {
            key: overlay(found, names, look, label=f"{key} of {run.name}", height=200)
            if any(y is not None for each in found for y in each.y)
            else ""
            for key, found in facts["curves"].items()
        }
    }


def _draw_files(facts: Facts, asked: Asked) -> Facts:
    columns = [
        Column("path", "File", lambda each: each.path.casefold()),
        Column("size", "Size", lambda each: each.size_bytes, number=True),
        Column("at", "Added", lambda each: each.at),
        Column("", Markup('<span class="visually-hidden">Save</span>')),
    ]
    return {
        "table": arrange(facts["run"].artifacts, columns, asked, order="path", words=lambda each: each.path)
    }


def _draw_code(facts: Facts, _: Asked) -> Facts:
    return {"diff": captured.coloured(facts["code"]["changes"]) if facts["code"]["changes"] else ""}


_DRAW = {"overview": _draw_overview, "system": _draw_curves, "files": _draw_files, "code": _draw_code}


def _progress(parts: Sequence[Any], keys: Sequence[str]) -> Any:
    """What each part reached, and the best so far."""
    if not keys or len(parts) < 3:
        return ""
    key = keys[0]
    reached = [part.metrics.get(key) for part in parts]
    choose = min if less_is_better(key) else max
    best: list[tuple[float, float | None]] = []
    for index, value in enumerate(reached):
        before = best[-1][1] if best else None
        known = [each for each in (before, value) if each is not None]
        best.append((index + 1, choose(known) if known else None))
    dots = [(index + 1, value) for index, value in enumerate(reached)]
    return curves.lines(
        [curves.Line("each trial", dots, "f", "dotted"), curves.Line("best so far", best, "a")],
        label=f"{key} of {len(parts)} trials",
        whole=True,
        x_text=lambda place: f"trial {place:.0f}",
        height=220,
    )


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """What is done with a run, and the bytes of its files.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """
    return [form(site, perform, "/runs/{run}", work), run_files.bytes_of(site)]


def work(call: Call, request: Request, fields: dict[str, str]) -> str:
    """Put a run aside or into the bin, take it back, or write its notes."""
    run, doing = str(request.path_params["run"]), chosen(fields, DOINGS)
    if doing == "note":
        call("tracking.note", run=run, notes=fields.get("notes", "").replace("\r\n", "\n").strip())
    else:
        call(f"tracking.{doing}", run=run)
    return f"/runs/{segment(run)}"


PAGES = (Page("/runs/{run}", "tracking/run.html", read_run, draw_run),)
