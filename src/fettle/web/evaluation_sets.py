"""Evaluation sets: questions with the answers that are hoped for, and where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fettle.acts import Surface
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.spans import written
from fettle.web.tables import PAGE_ROWS, Column, arrange, page_of

PARTS = ("inputs", "outputs", "expectations")


def read_sets(ws: Surface, asked: Asked) -> Facts:
    """All evaluation sets, and the names of the experiments they belong to."""
    return {"sets": ws.call("tracking.evaluation_sets"), "experiments": _experiments(ws)}


def draw_sets(facts: Facts, asked: Asked) -> Facts:
    """The table."""
    names = facts["experiments"]
    columns = [
        Column("name", "Set", lambda each: each.name.casefold()),
        Column("records", "Records", lambda each: each.records, number=True),
        Column("", "Fields"),
        Column("", "Experiments"),
        Column("author", "Author", lambda each: each.author),
        Column("changed", "Changed", lambda each: each.updated_at),
    ]
    return {
        "table": arrange(
            facts["sets"],
            columns,
            asked,
            words=lambda each: " ".join([each.name, each.author, *_named(each, names)]),
        ),
        "named": {each.id: _named(each, names) for each in facts["sets"]},
        "fields": {each.id: fields_of(each.fields) for each in facts["sets"]},
    }


def read_set(ws: Surface, asked: Asked) -> Facts:
    """One set with a page of its records."""
    page = asked.whole("page", 1, low=1, high=1_000_000)
    found = ws.call("tracking.evaluation_set", id=asked.name("set"))
    records = ws.call(
        "tracking.evaluation_records", id=found.id, most=PAGE_ROWS + 1, start=(page - 1) * PAGE_ROWS
    )
    return {"set": found, "records": records, "experiments": _experiments(ws)}


def draw_set(facts: Facts, asked: Asked) -> Facts:
    """The table of records."""
    shown = facts["records"][:PAGE_ROWS]
    return {
        "table": page_of(facts["records"], [], asked, total=facts["set"].records),
        "named": _named(facts["set"], facts["experiments"]),
        "fields": fields_of(facts["set"].fields),
        "parts": [part for part in PARTS if any(part in each.said for each in shown)],
        "source": {each.id: _source(each.said.get("source")) for each in shown},
        "lines": lines,
    }


def lines(value: Any) -> str:
    """What a record says, a line a field."""
    if not isinstance(value, dict):
        return written(value)
    return "\n".join(f"{key}: {written(each)}" for key, each in value.items())


def fields_of(fields: dict[str, dict[str, str]]) -> list[str]:
    """Fields by the part they stand in: `inputs.question`."""
    return [f"{part}.{name}" for part in PARTS for name in fields.get(part, {})]


def _experiments(ws: Surface) -> dict[int, str]:
    return {each.number: each.name for each in ws.call("tracking.experiments")}


def _named(found: Any, names: dict[int, str]) -> Sequence[str]:
    return [names[each] for each in found.experiments if each in names]


def _source(said: Any) -> tuple[str, str]:
    """Where a record came from: the kind of source, and the trace where it is one."""
    if not isinstance(said, dict):
        return "", ""
    kind = next(
        (key for key in ("trace", "human", "document", "code") if isinstance(said.get(key), dict)), ""
    )
    data = said.get(kind) or said.get("source_data")
    trace = data.get("trace_id", "") if isinstance(data, dict) else ""
    return (kind or str(said.get("source_type") or "")).lower(), str(trace)


PAGES = (
    Page("/evaluation", "tracking/evaluation_sets.html", read_sets, draw_sets),
    Page("/evaluation/{set}", "tracking/evaluation_set.html", read_set, draw_set),
)
