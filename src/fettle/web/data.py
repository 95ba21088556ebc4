"""Data: the datasets, their versions, and what is known of the columns of one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from fettle.acts import Surface
from fettle.core.errors import NotFound
from fettle.web import bars, curves
from fettle.web.asked import Asked
from fettle.web.formats import count, day, metric
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

SHOWN_COMMITS = 500


def read_datasets(ws: Surface, _: Asked) -> Facts:
    """All datasets."""
    return {"datasets": ws.call("data.datasets")}


def draw_datasets(facts: Facts, asked: Asked) -> Facts:
    """The table of datasets."""
    columns = [
        Column("name", "Dataset", lambda each: each.name),
        Column("rows", "Rows", lambda each: each.rows, number=True),
        Column("commits", "Versions", lambda each: each.commits, number=True),
        Column("", "Branches"),
        Column("updated_at", "Changed", lambda each: each.updated_at),
        Column("created_by", "By", lambda each: each.created_by),
    ]
    return {
        "table": arrange(facts["datasets"], columns, asked, order="-updated_at", words=lambda each: each.name)
    }


def read_dataset(ws: Surface, asked: Asked) -> Facts:
    """A dataset's versions (`churn`), or one of them with its profile (`churn@3f9a…`)."""
    ref = asked.name("ref")
    name, at, _ = ref.partition("@")
    commit = ws.call("data.show", ref=ref)
    log = ws.call("data.log", dataset=name, limit=SHOWN_COMMITS)
    return {
        "commit": commit,
        "log": log,
        "single": bool(at),
        "profile": _kept(ws, "data.profile_of", commit.ref) if commit.profile_digest else None,
        "schema": _kept(ws, "data.schema_of", commit.ref) if commit.schema_digest else None,
        "versions": ws.call("registry.made_from", dataset_commit=commit.id),
    }


def draw_dataset(facts: Facts, asked: Asked) -> Facts:
    """The profile with a picture of each column, and how the rows grew."""
    log, profile, schema = facts["log"], facts["profile"], facts["schema"]
    points = [(curves.seconds(each.at), each.rows) for each in reversed(log)]
    distinct = len({x for x, _ in points}) > 1
    columns = list(profile.columns) if profile else []
    return {
        "growth": curves.lines(
            [curves.Line("rows", points)],
            label="Rows by version",
            times=True,
            y_range=(0, None),
            width=340,
            height=150,
            y_text=count,
        )
        if distinct
        else "",
        "table": arrange(
            columns, PROFILE_COLUMNS, asked, words=lambda each: f"{each.name} {each.type} {each.role}"
        ),
        "pictures": {each.name: draw_column(each) for each in columns},
        "said": {each.name: describe(each) for each in columns},
        "target": schema.target if schema else "",
        "rules": {rule.name: rule for rule in schema.columns} if schema else {},
    }


PROFILE_COLUMNS = (
    Column("name", "Column", lambda each: each.name.casefold()),
    Column("role", "Kind", lambda each: each.role),
    Column("missing", "Missing", lambda each: each.missing_rate, number=True),
    Column("distinct", "Distinct", lambda each: each.distinct, number=True),
    Column("", "Values"),
    Column("", "Distribution"),
)


def draw_column(column: Any) -> Any:
    """The histogram of a numeric column, or the most frequent values of another."""
    label = f"Distribution of {column.name}"
    if column.number is not None and len(column.number.histogram.counts) > 1:
        edges, counts = column.number.histogram.edges, column.number.histogram.counts
        names = [f"{metric(low)} to {metric(high)}" for low, high in pairwise(edges)]
        return bars.histogram(counts, names, label=label, ends=(metric(edges[0]), metric(edges[-1])))
    if column.top and not column.unique:
        shown = column.top[:12]
        rest = column.rows - column.missing - sum(each.count for each in shown)
        names, counts = [each.value for each in shown], [each.count for each in shown]
        if rest > 0:
            names, counts = [*names, "all others"], [*counts, rest]
        return bars.histogram(
            counts, names, label=label, ends=(names[0], names[-1] if len(names) > 1 else "")
        )
    return ""


def describe(column: Any) -> str:
    """The range of a column in few words."""
    if column.number is not None:
        return f"{metric(column.number.min)} … {metric(column.number.max)}, mean {metric(column.number.mean)}"
    if column.time is not None:
        return f"{day(column.time.min_at)} – {day(column.time.max_at)}"
    if column.top and not column.unique:
        return ", ".join(f"{each.value} {each.count / max(column.rows, 1):.0%}" for each in column.top[:3])
    if column.text is not None:
        return f"{column.text.min_length}–{column.text.max_length} characters"
    return ""


def _kept(ws: Surface, act: str, ref: str) -> Any:
    """What belongs to a commit; None where the object itself has gone."""
    try:
        return ws.call(act, ref=ref)
    except NotFound:
        return None


PAGES = (
    Page("/data", "data/datasets.html", read_datasets, draw_datasets),
    Page("/data/{ref}", "data/dataset.html", read_dataset, draw_dataset),
)
