"""Heat maps: what moved, where and when, by lightness and not by hue alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fettle.web.svg import clip, fill, picture

LEVELS = 8
DARK_FROM = 5


@dataclass(frozen=True)
class Cell:
    """One cell of a heat map: `level` from 0 to 8, None where there is nothing; `mark` draws a ring in it."""

    level: int | None
    tip: str
    mark: bool = False
    href: str = ""


def draw(
    rows: Sequence[tuple[str, Sequence[Cell]]],
    columns: Sequence[str],
    *,
    label: str,
    marks: Sequence[tuple[int, str]] = (),
    width: int = 1080,
    row_height: int = 22,
) -> Markup:
    """A heat map: one row for each name, one column for each window.

    Args:
        rows: Name and cells, as many as there are columns.
        columns: What each column is; every few are written above.
        label: In words.
        marks: (column, text): a line before that column, such as a new version.
        width: Of the drawing.
        row_height: Height of a row.
    """
    if not rows or not columns:
        return Markup("")
    left = 22 + min(170, max(7 * len(clip(name, 22)) for name, _ in rows))
    step = (width - left - 8) / len(columns)
    top = 36
    height = top + row_height * len(rows) + 6
    every = max(1, round(64 / step))
    parts = [
        fill('<text x="{}" y="{}">{}</text>', left + index * step, top - 8, name)
        for index, name in enumerate(columns)
        if index % every == 0
    ]
    name_form = '<text x="{}" y="{}" text-anchor="end" data-tip="{}">{}</text>'
    entrance = True  # one cell is reached with Tab, the others from there with the arrows
    for row, (name, cells) in enumerate(rows):
        y = top + row * row_height
        parts.append(fill(name_form, left - 10, y + row_height / 2 + 4, name, clip(name, 22)))
        for column, cell in enumerate(cells):
            drawn = _cell(cell, left + column * step, y, step, row_height)
            if cell.href:
                form = '<a href="{}" data-place="{},{}" tabindex="{}" aria-label="{}">{}</a>'
                drawn = fill(form, cell.href, row, column, 0 if entrance else -1, cell.tip, drawn)
                entrance = False
            parts.append(drawn)
    bottom = top + row_height * len(rows)
    for column, text in marks:
        x = left + column * step
        parts.append(fill('<path class="mark" d="M{},{}V{}"/>', x, top - 2, bottom))
        parts.append(
            fill('<path class="mark-head" d="M{},{}l4,5l-4,5l-4,-5z"><title>{}</title></path>', x, 2, text)
        )
    return picture("chart", width, height, label, parts, role="img" if entrance else "group")


def legend(low: str, high: str) -> Markup:
    """The scale of a heat map, from `low` to `high`."""
    steps = [
        fill('<rect class="h-{}" x="{}" y="3" width="16" height="11"/>', level, level * 16)
        for level in range(LEVELS + 1)
    ]
    return fill(
        '<span class="low">{} <svg width="144" height="14" viewBox="0 0 144 17" aria-hidden="true">{}</svg> {}</span>',
        low,
        Markup("").join(steps),
        high,
    )


def level_of(value: float, ends: Sequence[float]) -> int:
    """The heat level of `value`: how many of the rising `ends` it reaches, at most 8."""
    return min(LEVELS, sum(value >= end for end in ends))


def _cell(cell: Cell, x: float, y: float, width: float, height: float) -> Markup:
    if cell.level is None:
        form = '<rect class="cell" fill="none" pointer-events="all" x="{}" y="{}" width="{}" height="{}">'
        drawn = fill(form + "<title>{}</title></rect>", x, y, width, height, cell.tip)
        return drawn + fill('<path class="grid" d="M{},{}h4"/>', x + width / 2 - 2, y + height / 2)
    form = '<rect class="cell h-{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
    drawn = fill(form, cell.level, x, y, width, height, cell.tip)
    if cell.mark:
        kind = "cell-mark on-dark" if cell.level >= DARK_FROM else "cell-mark"
        form = '<circle class="{}" pointer-events="none" cx="{}" cy="{}" r="{}"/>'
        drawn += fill(form, kind, x + width / 2, y + height / 2, min(width, height) * 0.22)
    return drawn
