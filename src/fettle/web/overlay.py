"""Curves of several runs over each other, drawn for pages that no script has touched and for exported reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.core.units import duration_text
from fettle.web import curves
from fettle.web.asked import Asked
from fettle.web.scales import short_number
from fettle.web.svg import TONES, clip, fill

AXES = ("step", "time", "epoch")
SCALES = ("linear", "log")
STYLES = ("", "dashed", "dotted")
DRAWN_POINTS = 160
MOST_SMOOTHING = 0.99
LONGEST_NAME = 60


@dataclass(frozen=True)
class Look:
    """How curves are drawn.

    Attributes:
        x: Over steps, over seconds since the run began, or over its metric `epoch`.
        smoothing: Weight of what was before.
        log: Whether y has equal factors, not equal differences.
    """

    x: str = "step"
    smoothing: float = 0.0
    log: bool = False

    @property
    def query(self) -> str:
        """The same as a part of an address."""
        return f"x={self.x}&smoothing={self.smoothing:g}"


def look_of(asked: Asked) -> Look:
    """How an address asks for curves: `x=time&smoothing=0.6&scale=log`."""
    return Look(
        asked.choice("x", AXES),
        smoothing_of(asked.text("smoothing")),
        asked.choice("scale", SCALES) == "log",
    )


def smoothing_of(text: str) -> float:
    """A weight from 0 to 0.99.

    Raises:
        Invalid: It is none.
    """
    try:
        weight = float(text or 0)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= MOST_SMOOTHING:
        raise Invalid(
            f"Smoothing is a number from 0 to {MOST_SMOOTHING}.", found=repr(text[:40]), hint="Such as 0.6."
        )
    return weight


def read_curves(
    ws: Surface, runs: Sequence[str], key: str, look: Look, most: int = DRAWN_POINTS
) -> list[Any]:
    """The curves of a metric, one for each run that has it."""
    if not runs:
        return []
    return ws.call("tracking.curves", runs=list(runs), key=key, most=most, x=look.x, smoothing=look.smoothing)


def overlay(
    found: Sequence[Any],
    names: Mapping[str, str],
    look: Look,
    *,
    label: str,
    places: Mapping[str, int] | None = None,
    width: int = 520,
    height: int = 230,
) -> Markup:
    """The picture of some curves, those of one run in the same colour and dash in every picture.

    Args:
        found: What `tracking.curves` answered.
        names: Run → what it is called.
        look: How they are drawn.
        label: In words.
        places: Run → its place among those that are compared; None: as they come.
        width: Of the drawing.
        height: Likewise.
    """
    lines = []
    for index, each in enumerate(found):
        place = places[each.run] if places else index
        if each.raw:
            points = _points(each.x, each.raw, look.log)
            lines.append(curves.Line("", points, tone_of(place), "ghost"))
        points = _points(each.x, each.y, look.log)
        name = clip(names.get(each.run, each.run), LONGEST_NAME)  # it stands at each point
        lines.append(curves.Line(name, points, tone_of(place), style_of(place)))
    return curves.lines(
        lines,
        label=clip(label, 4 * LONGEST_NAME),
        whole=look.x == "step",
        y_text=(lambda y: short_number(10**y)) if look.log else short_number,
        x_text=lambda x: x_text(look.x, x),
        width=width,
        height=height,
        legend=False,
    )


def tone_of(place: int) -> str:
    """The colour of the run at a place."""
    return TONES[place % len(TONES)]


def style_of(place: int) -> str:
    """Its dash: runs of one colour differ in it."""
    return STYLES[place // len(TONES) % len(STYLES)]


def swatch(place: int) -> Markup:
    """A piece of the line of the run at a place, for a legend."""
    return fill(
        '<svg class="swatch" viewBox="0 0 24 8" aria-hidden="true"><path class="stroke {} s-{}" d="M1,4h22"/></svg>',
        style_of(place),
        tone_of(place),
    )


def x_text(kind: str, x: float) -> str:
    """A place on the axis in words."""
    if kind == "time":
        return duration_text(x)
    return f"{kind} {x:,.0f}" if kind == "step" else f"{kind} {x:.2f}"


def _points(xs: Sequence[float], ys: Sequence[float | None], log: bool) -> list[tuple[float, float | None]]:
    if not log:
        return list(zip(xs, ys, strict=True))
    return [(x, math.log10(y) if y is not None and y > 0 else None) for x, y in zip(xs, ys, strict=True)]
