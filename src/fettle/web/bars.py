"""Bars: histograms, shares of a whole, and curves and bars the size of a word."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from fettle.web.scales import Scale
from fettle.web.svg import TONES, bar, clip, fill, picture, polyline


def histogram(
    counts: Sequence[float],
    names: Sequence[str],
    *,
    label: str,
    ends: tuple[str, str] = ("", ""),
    against: Sequence[float] | None = None,
    titles: tuple[str, str] = ("now", "reference"),
    width: int = 170,
    height: int = 52,
) -> Markup:
    """Shares of counts as touching bars; `against` is drawn over them as an outline on the same bins.

    Args:
        counts: One for each bin.
        names: What each bin holds, for the tips.
        label: In words.
        ends: What is written below the first and the last bin.
        against: The counts it is compared with.
        titles: What the two are called in the tips.
        width: Of the drawing.
        height: Likewise.
    """
    shares = _shares(counts)
    other = _shares(against) if against is not None else []
    top = max([*shares, *other], default=0.0)
    if not shares or top == 0:
        return Markup("")
    y = Scale(0, top, height - 15, 2)
    step = (width - 2) / len(shares)
    parts = []
    for index, share in enumerate(shares):
        tip = f"{names[index]}\n{titles[0]} {share:.1%}" + (
            f"\n{titles[1]} {other[index]:.1%}" if other else ""
        )
        parts.append(bar(1 + index * step, y(share), max(step - 1, 0.8), y.start - y(share), "a", tip))
    if other:
        path = "".join(
            f"{'M' if index == 0 else 'L'}{1 + index * step:.1f},{y(share):.1f}H{1 + (index + 1) * step:.1f}"
            for index, share in enumerate(other)
        )
        parts.append(fill('<path class="stroke thin s-b" d="{}"/>', Markup(path)))
    form = '<text class="faint-text" x="{}" y="{}" text-anchor="{}">{}</text>'
    parts.append(fill(form, 1, height - 3, "start", clip(ends[0], 12)))
    parts.append(fill(form, width - 1, height - 3, "end", clip(ends[1], 12)))
    return picture("chart", width, height, label, parts)


def share(parts: Sequence[tuple[str, float]], *, label: str, width: int = 520, height: int = 40) -> Markup:
    """One bar cut into named parts of a whole."""
    whole = sum(value for _, value in parts)
    if whole <= 0:
        return Markup("")
    drawn, left = [], 0.0
    for index, (name, value) in enumerate(parts):
        size = value / whole * width
        tone = TONES[index % len(TONES)]
        tip = f"{name}\n{value / whole:.1%}"
        drawn.append(bar(left, 0, max(size - 2, 1), 16, tone, tip))
        if size > 70:
            drawn.append(
                fill(
                    '<text x="{}" y="34">{} {}%</text>',
                    left,
                    clip(name, int(size / 9)),
                    round(value / whole * 100),
                )
            )
        left += size
    return picture("chart", width, height, label, drawn)


def meter(value: float, *, label: str, width: int = 64) -> Markup:
    """A small bar for a share in [0, 1], beside a number in a table."""
    filled = max(0.0, min(1.0, value)) * width
    return fill(
        '<svg class="bar" width="{}" height="8" role="img" aria-label="{}"><rect class="h-1" width="{}" height="8" '
        'rx="2"/><rect class="f-a" width="{}" height="8" rx="2"/></svg>',
        width,
        label,
        width,
        filled,
    )


def spark(values: Sequence[float | None], *, label: str, tone: str = "a") -> Markup:
    """A curve the size of a word."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    x, y = Scale(0, len(values) - 1, 1, 119), Scale(min(known), max(known), 24, 3)
    path = polyline([(x(index), None if value is None else y(value)) for index, value in enumerate(values)])
    return fill(
        '<svg class="spark" viewBox="0 0 120 27" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="stroke s-{}" d="{}"/></svg>',
        label,
        tone,
        path,
    )


def _shares(counts: Sequence[float]) -> list[float]:
    whole = sum(counts)
    return [value / whole for value in counts] if whole else [0.0 for _ in counts]
