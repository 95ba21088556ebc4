"""Data: the datasets, and the history of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fettle.acts import Surface
from fettle.core.errors import NotFound
from fettle.web import checks, curves, differences, files, history, versions
from fettle.web.asked import Asked
from fettle.web.formats import count
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

if TYPE_CHECKING:
    from fettle.data.records.versions import Commit, Pointer

SHOWN_COMMITS = 50
SHOWN_BRANCHES = 8
GROWTH_COMMITS = 200


def read_datasets(ws: Surface, asked: Asked) -> Facts:
    """All datasets, what is on hold, and the last verdict on those that are shown."""
    found = ws.call("data.datasets")
    held: dict[str, int] = {}
    for each in ws.call("data.holds"):
        if each.kind == "legal":
            held[each.dataset] = held.get(each.dataset, 0) + 1
    shown = _datasets(found, held, asked).rows
    last = {
        each.name: checks.verdict(ws.call("data.check_history", dataset=each.name, limit=100))
        for each in shown
    }
    return {
        "datasets": found,
        "held": held,
        "verdicts": {name: each for name, each in last.items() if each},
    }


def draw_datasets(facts: Facts, asked: Asked) -> Facts:
    """The table of datasets."""
    return {"table": _datasets(facts["datasets"], facts["held"], asked)}


def _datasets(found: Sequence[Any], held: dict[str, int], asked: Asked) -> Any:
    columns = [
        Column("name", "Dataset", lambda each: each.name),
        Column("rows", "Rows", lambda each: each.rows, number=True),
        Column("files", "Files", lambda each: each.files, number=True),
        Column("size", "Size", lambda each: each.size_bytes, number=True),
        Column("commits", "Versions", lambda each: each.commits, number=True),
        Column("", "Branches and tags"),
        Column("", "Checks"),
        Column("held", "Hold", lambda each: held.get(each.name, 0), number=True),
        Column("updated_at", "Changed", lambda each: each.updated_at),
    ]
    return arrange(
        found,
        columns,
        asked,
        order="-updated_at",
        words=lambda each: " ".join([each.name, *each.branches, *each.tags]),
    )


def read_dataset(ws: Surface, asked: Asked) -> Facts:
    """A dataset: its branches and tags, and its history from one of them, or from all branches."""
    name, at = asked.name("name"), asked.text("at")
    pointers = ws.call("data.refs", dataset=name)
    start = at or history.main_of(pointers)
    head = ws.call("data.show", ref=f"{name}@{start}")
    line = ws.call("data.log", dataset=name, branch=start, limit=GROWTH_COMMITS)
    commits = _history(ws, name, line[:SHOWN_COMMITS], [] if at else _branches(pointers, start))
    shown = commits[:SHOWN_COMMITS]
    runs = ws.call("data.check_history", dataset=name, limit=1000)
    return {
        "commit": head,
        "at": at,
        "start": start,
        "refs": pointers,
        "history": shown,
        "older": _older(commits, line),
        "log": line,
        "deltas": _deltas(ws, shown, {each.id: each for each in [*commits, *line]}),
        "verdicts": {each.id: found for each in shown if (found := checks.verdict(runs, each.id))},
        "holds": ws.call("data.holds", dataset=name),
        "versions": ws.call("registry.made_from", dataset_commit=head.id),
    }


def _branches(pointers: Sequence[Pointer], start: str) -> list[str]:
    """The commits of the other branches, those that moved last first."""
    others = [each for each in pointers if each.kind == "branch" and each.name != start]
    return [each.commit for each in sorted(others, key=lambda each: each.at, reverse=True)][:SHOWN_BRANCHES]


def _history(ws: Surface, name: str, line: list[Commit], heads: Sequence[str]) -> list[Commit]:
    """The versions on a line, what was merged into it, and what branched off since it begins; newest first."""
    before = [line[-1].parent] if line[-1].parent else []
    found: dict[str, Commit] = {}
    for head in (line[0].id, *heads):
        if head not in found:
            lineage = ws.call("data.lineage", ref=f"{name}@{head}", known=before)
            found |= {each.id: each for each in lineage}
    return history.newest_first(found.values())


def _older(commits: Sequence[Commit], line: Sequence[Commit]) -> str:
    """The version from which the history goes on below what is shown; empty at its end."""
    if len(commits) > SHOWN_COMMITS:
        return commits[SHOWN_COMMITS].id
    return line[SHOWN_COMMITS].id if len(line) > SHOWN_COMMITS else ""


def _deltas(ws: Surface, shown: Sequence[Commit], known: dict[str, Commit]) -> dict[str, tuple[int, int]]:
    """For each version how many rows and files it has more than the one it continues."""
    found: dict[str, tuple[int, int]] = {}
    for each in shown:
        before = known.get(each.parent) if each.parent else None
        if before is None and each.parent:
            before = known[each.parent] = _show(ws, f"{each.dataset}@{each.parent}") or each
        found[each.id] = (
            each.rows - (before.rows if before else 0),
            each.files - (before.files if before else 0),
        )
    return found


def _show(ws: Surface, ref: str) -> Commit | None:
    try:
        return ws.call("data.show", ref=ref)
    except NotFound:
        return None


def draw_dataset(facts: Facts, _: Asked) -> Facts:
    """The graph of the history, and how rows or files grew along the line."""
    log, head = facts["log"], facts["commit"]
    what = "rows" if head.tables else "files"
    points = [(curves.seconds(each.at), getattr(each, what)) for each in reversed(log)]
    named: dict[str, list[Pointer]] = {}
    for each in facts["refs"]:
        named.setdefault(each.commit, []).append(each)
    return {
        "graph": history.draw(facts["history"], chosen=head.id),
        "named": named,
        "what": what,
        "growth": curves.lines(
            [curves.Line(what, points)],
            label=f"{what.capitalize()} by version",
            times=True,
            y_range=(0, None),
            width=340,
            height=150,
            y_text=count,
        )
        if len({x for x, _ in points}) > 1
        else "",
    }


PAGES = (
    Page("/data", "data/datasets.html", read_datasets, draw_datasets),
    *versions.NAMED_PAGES,
    *files.PAGES,
    *checks.PAGES,
    *differences.PAGES,
    *versions.PAGES,
    Page("/data/{name}", "data/dataset.html", read_dataset, draw_dataset),
)
