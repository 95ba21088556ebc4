"""A graph of boxes drawn from left to right; the browser sets it out once more with dagre where script runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fettle.web.svg import clip, fill

BOX_W, BOX_H = 152, 46
GAP_X, GAP_Y = 30, 16
WIDE = 1320
GLYPHS = {
    "ok": "M-4,0.5L-1.2,3.4L4.2,-3.2",
    "reused": "M-4,-1A4.2,4.2 0 1 1 -3,2.6M-4.6,-4V-1H-1.6",
    "busy": "M0,-4.5A4.5,4.5 0 1 1 -4.5,0",
    "bad": "M-3.4,-3.4L3.4,3.4M3.4,-3.4L-3.4,3.4",
    "idle": "M-3.5,0H3.5",
}


@dataclass(frozen=True)
class Node:
    """One box: `kind` is a key of `GLYPHS`; `after` names the boxes whose output it takes."""

    id: str
    title: str
    figure: str
    kind: str
    href: str
    after: Sequence[str] = ()
    tip: str = ""
    chosen: bool = False


def draw(nodes: Sequence[Node], *, label: str) -> Markup:
    """Draw the graph; every box is a link."""
    if not nodes:
        return Markup("")
    places = arrange(nodes)
    width = max(x for x, _ in places.values()) + BOX_W + 8
    height = max(y for _, y in places.values()) + BOX_H + 8
    edges = [_edge(one, node.id, places) for node in nodes for one in node.after if one in places]
    boxes = [_box(node, places[node.id]) for node in nodes]
    return fill(
        '<flow-graph tabindex="0" role="region" aria-label="{}">'
        '<svg class="graph{}" viewBox="0 0 {} {}" width="{}" height="{}">{}{}</svg></flow-graph>',
        label,
        " wide" if width > WIDE else "",
        width,
        height,
        width,
        height,
        Markup("").join(edges),
        Markup("").join(boxes),
    )


def arrange(nodes: Sequence[Node]) -> dict[str, tuple[float, float]]:
    """The corner of each box: as far right as its longest way from a start, ordered by the middle of what it takes.

    Source: K. Sugiyama, S. Tagawa, M. Toda (1981), layers by longest path and one pass of the barycentre rule.
    """
    known = {node.id: node for node in nodes}
    depth: dict[str, int] = {}

    def depth_of(id: str, path: frozenset[str]) -> int:
        if id not in depth:
            before = [each for each in known[id].after if each in known and each not in path]
            depth[id] = 1 + max((depth_of(each, path | {id}) for each in before), default=-1)
        return depth[id]

    layers: dict[int, list[str]] = {}
    for node in nodes:
        layers.setdefault(depth_of(node.id, frozenset()), []).append(node.id)
    places: dict[str, tuple[float, float]] = {}
    tallest = max(len(layer) for layer in layers.values())
    for column in sorted(layers):
        layer = sorted(layers[column], key=lambda id: _middle(known[id].after, places))
        top = 8 + (tallest - len(layer)) * (BOX_H + GAP_Y) / 2
        for row, id in enumerate(layer):
            places[id] = (8 + column * (BOX_W + GAP_X), top + row * (BOX_H + GAP_Y))
    return places


def _middle(after: Sequence[str], places: dict[str, tuple[float, float]]) -> float:
    known = [places[each][1] for each in after if each in places]
    return sum(known) / len(known) if known else 0.0


def _edge(one: str, two: str, places: dict[str, tuple[float, float]]) -> Markup:
    x1, y1 = places[one][0] + BOX_W, places[one][1] + BOX_H / 2
    x2, y2 = places[two][0], places[two][1] + BOX_H / 2
    middle = (x1 + x2) / 2
    path = f"M{x1:.1f},{y1:.1f}C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    return fill('<path class="edge" data-from="{}" data-to="{}" d="{}"/>', one, two, path)


def _box(node: Node, place: tuple[float, float]) -> Markup:
    return fill(
        '<a href="{}"><g class="node {}{}" data-id="{}" transform="translate({} {})">'
        '<rect width="{}" height="{}" rx="7"/><path class="glyph" transform="translate(16 17)" d="{}"/>'
        '<text x="29" y="21">{}</text><text class="figure" x="29" y="38">{}</text><title>{}</title></g></a>',
        node.href,
        node.kind,
        " chosen" if node.chosen else "",
        node.id,
        place[0],
        place[1],
        BOX_W,
        BOX_H,
        GLYPHS[node.kind],
        clip(node.title, 15),
        clip(node.figure, 19),
        node.tip or f"{node.title}: {node.figure}",
    )
