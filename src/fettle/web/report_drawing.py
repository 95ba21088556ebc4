"""A report as it is shown: its text in pieces, and between them the pictures and tables of its blocks."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from urllib.parse import urlencode

from markupsafe import Markup

from fettle.web import markdown
from fettle.web.overlay import overlay, swatch
from fettle.web.report_blocks import Block, Chart
from fettle.web.report_syntax import KINDS
from fettle.web.site import Facts
from fettle.web.tracking import best_of


def pieces(text: str, blocks: Sequence[Block]) -> list[Markup | Facts]:
    """The text of a report cut where its blocks stand: HTML, what a block shows, HTML, and so on.

    Args:
        text: Markdown.
        blocks: What its blocks show, in their order.
    """
    mark = secrets.token_hex(16)  # nobody who writes a report can know it
    count = 0

    def stand(kind: str, _: str) -> Markup | None:
        nonlocal count
        if kind not in KINDS:
            return None
        count += 1
        return Markup(f"<!--{mark}:{count - 1}-->")

    found = re.split(f"<!--{mark}:(\\d+)-->", markdown.render_with(text, stand))
    return [
        drawn(blocks[int(each)], int(each)) if place % 2 else Markup(each)
        for place, each in enumerate(found)
        if each
    ]


def drawn(block: Block, at: int) -> Facts:
    """What a template needs of a block.

    Args:
        block: What it shows.
        at: Its place in the report, from 0.
    """
    kind = block.__struct_config__.tag
    return {"kind": kind, "at": at, "block": block, **(_charts(block) if isinstance(block, Chart) else {})}


def _charts(chart: Chart) -> Facts:
    names = {each.id: each.name for each in chart.runs}
    places = {each.id: place for place, each in enumerate(chart.runs)}
    query = [("run", each.id) for each in chart.runs]
    return {
        "pictures": {
            key: overlay(found, names, chart.look, label=f"{key} of {len(found)} runs", places=places)
            for key, found in chart.curves.items()
        },
        "sources": {
            key: f"/runs/curves.json?{urlencode([('key', key), *query])}&{chart.look.query}"
            for key in chart.curves
        },
        "swatches": [(each, swatch(place)) for place, each in enumerate(chart.runs)],
    }


def bests(
    columns: Sequence[str], values: Sequence[Sequence[object]], numbers: Sequence[bool]
) -> list[object]:
    """The best value of each column of metrics."""
    return [
        best_of(name, [row[place] for row in values])
        if numbers[place] and name.startswith("metric")
        else None
        for place, name in enumerate(columns)
    ]
