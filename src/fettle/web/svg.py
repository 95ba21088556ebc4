"""Pictures drawn as SVG text: no script, no library, colours from the page's own tokens.

Every function takes plain numbers and names and returns markup that is safe to put into a page: all text is escaped.
What a pointer shows over a place is that place's `<title>`, which browsers show without script and screen readers read.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

TONES = "abcdef"


def fill(form: str, *values: object) -> Markup:
    """Fill a form; numbers are rounded to a tenth of a pixel, text is escaped."""
    return Markup(form).format(
        *(f"{each:.6g}" if isinstance(each, float) else escape(each) for each in values)
    )


def picture(
    kind: str, width: float, height: float, label: str, parts: Sequence[Markup], *, role: str = "img"
) -> Markup:
    """The whole drawing; its `role` is `group` where parts of it are links."""
    return fill(
        '<svg class="{}" viewBox="0 0 {} {}" role="{}" aria-label="{}">{}</svg>',
        kind,
        width,
        height,
        role,
        label,
        Markup("").join(parts),
    )


def polyline(points: Sequence[tuple[float, float | None]]) -> Markup:
    """The `d` of a line through the points, broken where y is None; a lone point becomes a dot."""
    parts, pen_down = [], False
    for index, (x, y) in enumerate(points):
        if y is None:
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{x:.1f},{y:.1f}")
        alone = not pen_down and (index + 1 == len(points) or points[index + 1][1] is None)
        if alone:
            parts.append("h0.1")
        pen_down = True
    return Markup("".join(parts))


def bar(x: float, y: float, width: float, height: float, tone: str, tip: str) -> Markup:
    return fill(
        '<rect class="f-{}" data-tip="" x="{}" y="{}" width="{}" height="{}" rx="1.5"><title>{}</title></rect>',
        tone,
        x,
        y,
        width,
        height,
        tip,
    )


def clip(text: str, most: int) -> str:
    """Cut `text` to `most` signs, with an ellipsis."""
    return text if len(text) <= most else text[: max(1, most - 1)] + "…"
