"""The list of runs: found by words or expressions, in any order, with chosen columns, saved as views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.routing import Route

from fettle.acts import Surface
from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.web import searching
from fettle.web.asked import Asked, local
from fettle.web.labels import Perform
from fettle.web.posting import Call, chosen, form
from fettle.web.site import Facts, Page, Site
from fettle.web.tables import PAGE_ROWS, Column, cursor_page
from fettle.web.tracking import best_of, frequent_metrics

if TYPE_CHECKING:
    from fettle.tracking.records.search import Family

STATUSES = ("", "running", "finished", "failed", "killed", "scheduled")
SHOWN = {"": (False, False), "archived": (True, False), "bin": (None, True), "all": (None, None)}
MOST_COLUMNS = 20
OFFERED = 24
KEPT = ("q", "experiment", "status", "shown", "sort", "col")
"""The fields of an address that make a view."""


def read_runs(ws: Surface, asked: Asked) -> Facts:
    """The runs that the address asks for: by experiment, status, words or an expression."""
    experiments = ws.call("tracking.experiments")
    _check_experiment(asked, experiments)
    shown = asked.choice("shown", tuple(SHOWN))
    archived, deleted = SHOWN[shown]
    columns = _columns(asked)
    page = ws.call(
        "tracking.search",
        where=_where(asked),
        experiments=searching.in_experiment(asked),
        order_by=[asked.text("sort")] if asked.text("sort") else None,
        limit=PAGE_ROWS,
        cursor=asked.text("cursor") or None,
        archived=archived,
        deleted=deleted,
    )
    pinned = _pinned(ws, asked)
    return {
        "experiments": experiments,
        "views": ws.call("tracking.views"),
        "pinned": pinned,
        "runs": page.runs,
        "next": page.next,
        "columns": columns,
        "cells": _cells(ws, [*pinned, *page.runs], columns),
        "refusal": None,
    }


def mend_runs(ws: Surface, asked: Asked, error: FettleError) -> Facts | None:
    """The page without runs, and what is wrong with the expression that was typed."""
    try:
        searching.where_of(asked.text("q"))
    except Invalid as wrong:
        experiments = ws.call("tracking.experiments")
        facts = {"experiments": experiments, "views": ws.call("tracking.views"), "pinned": [], "runs": []}
        return {**facts, "next": None, "columns": [], "cells": {}, "refusal": wrong}
    return None


def draw_runs(facts: Facts, asked: Asked) -> Facts:
    """The table: the columns that were chosen, else one for each of the metrics that most of the runs have."""
    runs = facts["runs"]
    keys = frequent_metrics(runs)
    chosen = facts["columns"] or [searching.named("metrics", key) for key in keys]
    columns = [
        Column("", Markup('<span class="visually-hidden">Chosen</span>')),
        Column("name", "Run", lambda run: run.name),
        Column("", "Experiment"),
        Column("", "Status"),
        Column("started_at", "Started", lambda run: run.started_at),
        Column("", "Took", number=True),
        *(_column(text) for text in chosen),
    ]
    fields = {text: searching.field_of(text) for text in chosen}
    return {
        "table": cursor_page(runs, columns, asked, following=facts["next"], order="-started_at"),
        "chosen": chosen,
        "values": {
            run.id: [_value(facts, run, text, fields[text]) for text in chosen]
            for run in [*facts["pinned"], *runs]
        },
        "numbers": [searching.is_number(fields[text]) for text in chosen],
        "best": _best(facts, chosen, fields),
        "statuses": STATUSES[1:],
        "offered": _offered(facts, chosen),
        "view_links": {(each.experiment, each.name): view_link(each) for each in facts["views"]},
        "narrowed": any(asked.text(field) for field in ("q", "status", "parent", "shown", "experiment")),
        "total": sum(
            each.runs
            for each in facts["experiments"]
            if not asked.text("experiment") or each.name == asked.text("experiment")
        ),
        "compare_all": f"/runs/compare?{urlencode([pair for pair in _searched(asked) if pair[1]])}",
        "kept_fields": [(field, text) for field in KEPT for text in asked.every(field)],
    }


def view_link(view: Any) -> str:
    """The address of a saved view."""
    pairs = [
        ("experiment", view.experiment),
        ("q", view.where),
        ("status", str(view.charts.get("status", ""))),
        ("shown", str(view.charts.get("shown", ""))),
        ("sort", view.order_by[0] if view.order_by else ""),
        *(("col", each) for each in view.columns),
    ]
    return f"/runs?{urlencode([pair for pair in pairs if pair[1]])}"


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """The form that saves and drops views.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """
    return [form(site, perform, "/runs/views", work)]


def work(call: Call, _: Request, fields: dict[str, str]) -> str:
    """Save the list as it is seen under a name, or drop a view."""
    name, experiment = fields.get("name", "").strip(), fields.get("experiment", "")
    if chosen(fields, ("save", "drop")) == "drop":
        call("tracking.drop_view", name=name, experiment=experiment)
        return local(fields.get("back", "/runs"))
    made = call(
        "tracking.save_view",
        name=name,
        experiment=experiment,
        where=searching.where_of(fields.get("q", "").strip()),
        order_by=[fields["sort"]] if fields.get("sort") else [],
        columns=[each for each in fields.get("columns", "").split("\n") if each.strip()],
        charts={key: fields[key] for key in ("status", "shown") if fields.get(key)},
    )
    return view_link(made)


def _searched(asked: Asked) -> list[tuple[str, str]]:
    status = asked.text("status")
    words = searching.where_or_words(asked.text("q"))
    where = searching.joined(words, f"status = {searching.quoted(status)}" if status else "")
    return [("experiment", asked.text("experiment")), ("q", where)]


def _check_experiment(asked: Asked, experiments: Sequence[Any]) -> None:
    chosen = asked.text("experiment")
    if chosen and chosen not in {each.name for each in experiments}:
        raise NotFound.among("experiment", chosen, [each.name for each in experiments], hint="See /runs.")


def _where(asked: Asked) -> str:
    status, parent = asked.choice("status", STATUSES), asked.text("parent")
    return searching.joined(
        searching.where_of(asked.text("q")),
        f"status = {searching.quoted(status)}" if status else "",
        f"parent = {searching.quoted(parent)}" if parent else "",
    )


def _columns(asked: Asked) -> list[str]:
    columns = asked.every("col")
    if len(columns) > MOST_COLUMNS:
        raise Invalid(
            "So many columns cannot be shown.", found=str(len(columns)), hint=f"At most {MOST_COLUMNS}."
        )
    for each in columns:
        searching.field_of(each)
    return columns


def _pinned(ws: Surface, asked: Asked) -> list[Any]:
    """What the team keeps at the top, on the first page of a list that nothing narrows but the experiment."""
    if any(asked.text(field) for field in ("q", "status", "parent", "shown", "cursor")):
        return []
    pins = ws.call("tracking.pins", kind="run")
    if not pins:
        return []
    found = ws.call("tracking.runs_of", ids=[each.subject.partition(":")[2] for each in pins])
    experiment = asked.text("experiment")
    return [each for each in found if each.deleted_at is None and experiment in ("", each.experiment)]


def _cells(ws: Surface, runs: Sequence[Any], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What a run itself does not tell, such as the least value of a metric: field → run → value."""
    fields = [text for text in columns if _is_elsewhere(text)]
    if not fields or not runs:
        return {}
    ids = list(dict.fromkeys(run.id for run in runs))
    where = f"{searching.among(ids)} and (archived or not archived) and (deleted or not deleted)"
    table = ws.call("tracking.table", fields=fields, where=where, limit=len(ids))
    return {
        name: dict(zip(table.runs, column, strict=True))
        for name, column in zip(table.names, table.columns, strict=True)
    }


def _is_elsewhere(text: str) -> bool:
    field = searching.field_of(text)
    return field.family == "dataset" or (field.family == "metrics" and field.statistic != "last")


def _value(facts: Facts, run: Any, text: str, field: Any) -> Any:
    known = facts["cells"].get(text)
    return known.get(run.id) if known is not None else searching.value_of(run, field)


def _column(text: str) -> Column:
    field = searching.field_of(text)
    title = field.key or field.family
    if field.family == "metrics" and field.statistic != "last":
        title = f"{title} {({'low': 'min', 'high': 'max'}).get(field.statistic, field.statistic)}"
    ordered = (lambda run: None) if field.family != "dataset" else None
    return Column(text, title, ordered, number=searching.is_number(field), tip=text)


def _best(facts: Facts, chosen: Sequence[str], fields: dict[str, Any]) -> list[Any]:
    return [
        best_of(fields[text].key, [_value(facts, run, text, fields[text]) for run in facts["runs"]])
        if fields[text].family == "metrics"
        else None
        for text in chosen
    ]


def _offered(facts: Facts, chosen: Sequence[str]) -> list[tuple[str, bool]]:
    """Fields that can be columns: those chosen, then what most of the runs here have."""
    seen = Counter(
        searching.named(family, key)
        for run in facts["runs"]
        for family, keys in _families(run)
        for key in keys
        if "`" not in key
    )
    names = dict.fromkeys([*chosen, *(name for name, _ in seen.most_common(OFFERED)), "author"])
    return [(name, name in chosen) for name in names]


def _families(run: Any) -> list[tuple[Family, dict[str, Any]]]:
    return [("metrics", run.metrics), ("params", run.params), ("tags", run.tags)]


PAGES = (Page("/runs", "tracking/runs.html", read_runs, draw_runs, mend_runs),)
