"""The history of a dataset as a small graph: a dot for each version, its lines running down to what it continues."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fettle.data.records.versions import Commit, Pointer
from fettle.web.formats import plural
from fettle.web.svg import TONES, fill

ROW_H, LANE_W, EDGE = 48, 15, 12
LANES_MOST = 8


@dataclass(frozen=True)
class Edge:
    """A line from a version (`row`, `lane`) through the lane `via` to a parent; `to` is None if it is not shown."""

    row: int
    lane: int
    via: int
    to: tuple[int, int] | None


@dataclass(frozen=True)
class Layout:
    """The lane of each version, and the lines between them."""

    lanes: list[int]
    edges: list[Edge]

    @property
    def width(self) -> int:
        """How many lanes there are."""
        return max([*self.lanes, *(each.via for each in self.edges)], default=0) + 1


def main_of(pointers: Sequence[Pointer]) -> str:
    """The branch a dataset is shown by: `main`, else the one that moved last."""
    branches = {each.name: each.at for each in pointers if each.kind == "branch"}
    if "main" in branches or not branches:
        return "main"
    return max(branches, key=lambda each: branches[each])


def newest_first(commits: Iterable[Commit]) -> list[Commit]:
    """Order versions so that each stands above its parents, newer ones above older ones where that leaves a choice."""
    known = {each.id: each for each in commits}
    waiting = dict.fromkeys(known, 0)
    for each in known.values():
        for parent in each.parents:
            if parent in waiting:
                waiting[parent] += 1
    ready = [(-each.at.timestamp(), each.id) for each in known.values() if not waiting[each.id]]
    heapq.heapify(ready)
    ordered: list[Commit] = []
    while ready:
        each = known[heapq.heappop(ready)[1]]
        ordered.append(each)
        for parent in each.parents:
            if parent in waiting:
                waiting[parent] -= 1
                if not waiting[parent]:
                    heapq.heappush(ready, (-known[parent].at.timestamp(), parent))
    return ordered


def lay_out(commits: Sequence[Commit]) -> Layout:
    """Give each version a lane: that of the first child that waits for it, else the leftmost free one.

    Args:
        commits: Each above its parents, as `newest_first` orders them.
    """
    place = {each.id: row for row, each in enumerate(commits)}
    awaited: list[str] = []  # by lane: the version its line runs down to; empty if the lane is free
    lanes: list[int] = []
    lines: list[tuple[int, int, int, str]] = []
    for row, each in enumerate(commits):
        lane = awaited.index(each.id) if each.id in awaited else _free(awaited)
        awaited[:] = ["" if one == each.id else one for one in awaited]
        lanes.append(lane)
        for number, parent in enumerate(each.parents):
            if number == 0:
                via = lane
            elif parent in awaited:
                via = awaited.index(parent)
            else:
                via = _free(awaited)
            lines.append((row, lane, via, parent))
            awaited[via] = parent if parent in place else ""
    most = LANES_MOST - 1
    edges = [
        Edge(
            row,
            min(lane, most),
            min(via, most),
            (place[parent], min(lanes[place[parent]], most)) if parent in place else None,
        )
        for row, lane, via, parent in lines
    ]
    return Layout([min(lane, most) for lane in lanes], edges)


def _free(awaited: list[str]) -> int:
    if "" not in awaited:
        awaited.append("")
    return awaited.index("")


def draw(commits: Sequence[Commit], *, chosen: str = "") -> Markup:
    """The graph, a row of `ROW_H` pixels for each version; merges have a ring.

    Args:
        commits: Each above its parents.
        chosen: A version that stands out.
    """
    if not commits:
        return Markup("")
    found = lay_out(commits)
    parts = [_line(each, len(commits)) for each in found.edges]
    parts += [
        _dot(row, lane, len(each.parents) > 1, each.id == chosen)
        for row, (lane, each) in enumerate(zip(found.lanes, commits, strict=True))
    ]
    width, height = 2 * EDGE + (found.width - 1) * LANE_W, len(commits) * ROW_H
    label = f"{plural(len(commits), 'version')} on {plural(found.width, 'line')}"
    form = '<svg class="history-graph" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    return fill(form, width, height, width, height, label, Markup("").join(parts))


def _line(edge: Edge, rows: int) -> Markup:
    x, y = _place(edge.row, edge.lane)
    via = _place(0, edge.via)[0]
    form = '<path class="stroke s-{}" d="{}"/>'
    tone = TONES[edge.via % len(TONES)]
    if edge.to is None:
        down = f"M{x},{y}" + (f"C{x},{y + 20} {via},{y + 12} {via},{y + ROW_H}" if via != x else "")
        return fill(
            '<path class="stroke dotted s-{}" d="{}"/>', tone, f"{down}V{min(y + ROW_H, rows * ROW_H)}"
        )
    end_x, end_y = _place(*edge.to)
    path = [f"M{x},{y}"]
    if via != x:
        path.append(_bend(x, y, via, min(y + ROW_H, end_y) if via == end_x else y + ROW_H * 0.7))
    if via != end_x:
        path.append(f"V{end_y - ROW_H * 0.7:g}" if end_y - y > ROW_H else "")
        path.append(_bend(via, end_y - ROW_H * 0.7, end_x, end_y))
    else:
        path.append(f"V{end_y}")
    return fill(form, tone, "".join(path))


def _bend(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (y + to_y) / 2
    return f"C{x},{middle:g} {to_x},{middle:g} {to_x},{to_y:g}"


def _dot(row: int, lane: int, merge: bool, chosen: bool) -> Markup:
    x, y = _place(row, lane)
    kind = f"dot{' ring' if merge else ''}{' chosen' if chosen else ''}"
    form = '<circle class="{} s-{} f-{}" cx="{}" cy="{}" r="{}"/>'
    tone = TONES[lane % len(TONES)]
    return fill(form, kind, tone, tone, x, y, 5 if merge or chosen else 4)


def _place(row: int, lane: int) -> tuple[int, int]:
    return EDGE + lane * LANE_W, row * ROW_H + ROW_H // 2
