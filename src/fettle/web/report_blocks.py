"""What the blocks of a report show: curves, runs and comparisons, asked of the workspace when the report is read."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.tracking import search as language
from fettle.web import markdown, searching
from fettle.web.overlay import AXES, SCALES, Look, read_curves, smoothing_of
from fettle.web.report_syntax import KINDS, Mistake, Said, WrongBlock, told
from fettle.web.tracking import frequent_metrics, varied_params

MOST_BLOCKS = 40
MOST_CURVES = 1000
MOST_METRICS = 12
MOST_COLUMNS = 20
LIMITS = {"chart": (10, 30), "runs": (20, 200), "compare": (5, 12)}
"""How many runs a block shows: unless it says so, and at most."""
SECTIONS = ("about", "params", "metrics", "tags", "code", "environment", "data")


class Named(msgspec.Struct, frozen=True):
    """A run by id and name."""

    id: str
    name: str


class Chart(msgspec.Struct, frozen=True, tag="chart"):
    """Metrics of some runs as curves.

    Attributes:
        title: Its heading; may be empty.
        runs: The runs, each with a colour of its own.
        look: How they are drawn.
        curves: Metric → curves of those runs that have it.
    """

    title: str
    runs: list[Named]
    look: Look
    curves: dict[str, list[Any]]


class Listed(msgspec.Struct, frozen=True, tag="runs"):
    """Runs as a table.

    Attributes:
        title: Its heading; may be empty.
        runs: The runs.
        columns: The fields that are shown.
        values: A row for each run.
        numbers: Whether a column holds numbers.
        more: Whether there are more runs than these.
    """

    title: str
    runs: list[Named]
    columns: list[str]
    values: list[list[Any]]
    numbers: list[bool]
    more: bool


class Compared(msgspec.Struct, frozen=True, tag="compare"):
    """Runs side by side.

    Attributes:
        title: Its heading; may be empty.
        comparison: What they differ in.
    """

    title: str
    comparison: Any


class Wrong(msgspec.Struct, frozen=True, tag="mistake"):
    """A block with a mistake: what kind it was to be, and what is wrong."""

    kind: str
    mistake: Mistake


Block = Chart | Listed | Compared | Wrong


def fenced(text: str) -> list[tuple[str, str]]:
    """The blocks of a text that are to be drawn: kind and content, in their order."""
    found: list[tuple[str, str]] = []

    def collect(kind: str, content: str) -> None:
        if kind in KINDS:
            found.append((kind, content))

    markdown.render_with(text, collect)
    return found


def read(ws: Surface, text: str) -> list[Block]:
    """What each block of a text shows; a mistake in one says nothing of the others."""
    found: list[Block] = []
    left = MOST_CURVES
    for at, (kind, content) in enumerate(fenced(text)):
        if kind == "chart" and left <= 0:
            hint = "Ask for fewer runs or metrics, or put the others into another report."
            found.append(
                Wrong(
                    kind,
                    Mistake(0, "", f"A report draws {MOST_CURVES} curves, and they are drawn.", "", hint),
                )
            )
            continue
        found.append(read_block(ws, kind, content, at))
        if isinstance(found[-1], Chart):
            left -= sum(map(len, found[-1].curves.values()))
    return found


def read_block(ws: Surface, kind: str, content: str, at: int = 0) -> Block:
    """What one block shows, or what is wrong with it.

    Args:
        ws: The workspace.
        kind: `chart`, `runs` or `compare`.
        content: Its lines.
        at: How many blocks stand before it.
    """
    try:
        with told(None):
            if at >= MOST_BLOCKS:
                raise Invalid(
                    f"A report draws {MOST_BLOCKS} blocks.", hint="Put the others into another report."
                )
            return _READ[kind](ws, Said(kind, content))
    except WrongBlock as wrong:
        return Wrong(kind, wrong.mistake)


def _chart(ws: Surface, said: Said) -> Chart:
    with told(said.line("metrics")):
        keys = said.names("metrics")
        if not 1 <= len(keys) <= MOST_METRICS:
            raise Invalid(
                "Which metrics are to be drawn?",
                found=f"{len(keys)} metrics",
                hint=f"1 to {MOST_METRICS}: metrics: loss, accuracy",
            )
    with told(said.line("smoothing")):
        weight = smoothing_of(said.text("smoothing"))
    look = Look(said.choice("x", AXES), weight, said.choice("scale", SCALES) == "log")
    runs, _ = _found(ws, said, "chart")
    ids = [each.id for each in runs]
    with told(said.line("x")):
        drawn = {key: read_curves(ws, ids, key, look) for key in keys}
    return Chart(said.text("title"), [_named(each) for each in runs], look, drawn)


def _runs(ws: Surface, said: Said) -> Listed:
    asked = said.every("columns")
    with told(said.line("columns")):
        if len(asked) > MOST_COLUMNS:
            raise Invalid(
                "These are too many columns.", found=str(len(asked)), hint=f"At most {MOST_COLUMNS}."
            )
        fields = language.parse_fields(asked)
    runs, more = _found(ws, said, "runs")
    if not asked:
        asked = [
            *(searching.named("params", key) for key in varied_params(runs, 4)),
            *(searching.named("metrics", key) for key in frequent_metrics(runs)),
        ]
        fields = language.parse_fields(asked)
    values = _values(ws, [each.id for each in runs], asked)
    numbers = [
        each.family == "metrics" or _all_numbers([row[place] for row in values])
        for place, each in enumerate(fields)
    ]
    return Listed(said.text("title"), [_named(each) for each in runs], asked, values, numbers, more)


def _values(ws: Surface, ids: list[str], fields: list[str]) -> list[list[Any]]:
    if not ids or not fields:
        return [[] for _ in ids]
    table = ws.call("tracking.table", fields=fields, where=searching.among(ids), limit=len(ids))
    rows = {run: [column[place] for column in table.columns] for place, run in enumerate(table.runs)}
    return [rows.get(each, [None] * len(fields)) for each in ids]


def _all_numbers(values: list[Any]) -> bool:
    known = [each for each in values if each is not None]
    return bool(known) and all(isinstance(each, int | float) and not isinstance(each, bool) for each in known)


def _compare(ws: Surface, said: Said) -> Compared:
    chosen = said.names("runs")
    sections = said.names("show")
    with told(said.line("show")):
        for each in sections:
            if each not in SECTIONS:
                raise Invalid(
                    f"There is no section {each[:40]!r}.", hint=f"Sections are {', '.join(SECTIONS)}."
                )
    whole = said.choice("all", ("no", "yes")) == "yes"
    if not chosen:
        found, _ = _found(ws, said, "compare")
        chosen = [each.id for each in found]
    with told(said.line("runs") or said.line("where")):
        if len(chosen) > LIMITS["compare"][1]:
            raise Invalid(
                "These are too many runs.", found=str(len(chosen)), hint=f"At most {LIMITS['compare'][1]}."
            )
        comparison = ws.call("tracking.compare", runs=chosen, all=whole)
    if sections:
        rows = [each for each in comparison.rows if each.section in sections]
        comparison = msgspec.structs.replace(comparison, rows=rows)
    return Compared(said.text("title"), comparison)


_READ = {"chart": _chart, "runs": _runs, "compare": _compare}


def _found(ws: Surface, said: Said, kind: str) -> tuple[list[Any], bool]:
    """The runs that a block is about, and whether there are more."""
    with told(said.line("where")):
        where = searching.where_of(said.text("where"))
    order = said.every("order_by")
    with told(said.line("order_by")):
        language.parse_order(order)
    usual, most = LIMITS[kind]
    limit = said.whole("limit", usual, most)
    with told(said.line("where")):
        page = ws.call(
            "tracking.search",
            where=where,
            experiments=said.names("experiment") or None,
            order_by=order,
            limit=limit,
        )
    return page.runs, page.next is not None


def _named(run: Any) -> Named:
    return Named(run.id, run.name or run.id[-8:])
