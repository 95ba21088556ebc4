"""The loop of the platform as a picture: seventeen stations on a ring, and in its middle what it is all for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from markupsafe import Markup

from fettle.web.curves import Mark
from fettle.web.scales import Scale
from fettle.web.svg import clip, fill, polyline

State = Literal["idle", "ok", "busy", "warn", "bad"]

# Where each station stands: (column, row) on a ring of 7 × 4 places, clockwise from the upper left corner.
PLACES = {
    "sources": (0, 1),
    "data": (0, 0),
    "validate": (1, 0),
    "prepare": (2, 0),
    "train": (3, 0),
    "evaluate": (4, 0),
    "accept": (5, 0),
    "package": (6, 0),
    "register": (6, 1),
    "approve": (6, 2),
    "deploy": (6, 3),
    "serve": (5, 3),
    "log": (4, 3),
    "monitor": (3, 3),
    "alert": (2, 3),
    "decide": (1, 3),
    "retrain": (0, 3),
}
TITLES = {"log": "prediction log"}
WIDTH, HEIGHT = 1120, 400
BOX_W, BOX_H = 138, 58
SIGNS = {
    "ok": "M-3,0.4L-0.9,2.6L3.2,-2.4",
    "warn": "M0,-3V0.6M0,2.9V3",
    "bad": "M-2.4,-2.4L2.4,2.4M2.4,-2.4L-2.4,2.4",
}


@dataclass(frozen=True)
class Station:
    """One station: its name (a key of `PLACES`), how it is, the figure it shows, and the page behind it."""

    name: str
    state: State
    figure: str
    href: str
    tip: str = ""


@dataclass(frozen=True)
class Middle:
    """What stands within the ring: two lines of text and a curve of (x, y) with its marks."""

    headline: str
    subline: str
    curve: Sequence[tuple[float, float | None]] = ()
    frozen: Sequence[tuple[float, float | None]] = ()
    marks: Sequence[Mark] = ()
    caption: str = ""


def draw(stations: Sequence[Station], middle: Middle) -> Markup:
    """Draw the loop. Stations that are busy make the track flow."""
    words = ", ".join(f"{_title(each.name)}: {each.figure or 'nothing yet'}" for each in stations)
    moving = any(each.state == "busy" for each in stations)
    return fill(
        '<svg class="loop" viewBox="0 0 {} {}" role="group" aria-label="The loop. {}">{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        words,
        _track(moving),
        _middle(middle),
        Markup("").join(_station(each) for each in stations),
    )


def _title(name: str) -> str:
    return TITLES.get(name, name)


def _centre(name: str) -> tuple[float, float]:
    column, row = PLACES[name]
    x = BOX_W / 2 + 2 + column * (WIDTH - BOX_W - 4) / 6
    y = BOX_H / 2 + 2 + row * (HEIGHT - BOX_H - 4) / 3
    return x, y


def _track(moving: bool) -> Markup:
    left, top = _centre("data")
    right, bottom = _centre("deploy")
    bend = 26
    ring = (
        f"M{left + bend:.0f},{top:.0f}H{right - bend:.0f}Q{right:.0f},{top:.0f} {right:.0f},{top + bend:.0f}"
        f"V{bottom - bend:.0f}Q{right:.0f},{bottom:.0f} {right - bend:.0f},{bottom:.0f}H{left + bend:.0f}"
        f"Q{left:.0f},{bottom:.0f} {left:.0f},{bottom - bend:.0f}V{top + bend:.0f}"
        f"Q{left:.0f},{top:.0f} {left + bend:.0f},{top:.0f}Z"
    )
    flow = fill('<path class="flow" d="{}"/>', ring) if moving else ""
    return fill('<path class="track" d="{}"/>{}{}', ring, flow, Markup("").join(_arrows()))


def _arrows() -> list[Markup]:
    names = [name for name in PLACES if name != "sources"]
    pairs = [*pairwise(names), ("retrain", "sources"), ("sources", "data")]
    arrows = []
    for one, two in pairs:
        (x1, y1), (x2, y2) = _centre(one), _centre(two)
        turn = 0 if x2 > x1 else 180 if x2 < x1 else 90 if y2 > y1 else -90
        arrows.append(
            fill(
                '<path class="arrow" transform="translate({} {}) rotate({})" d="M-4.5,-5L5,0L-4.5,5Z"/>',
                (x1 + x2) / 2,
                (y1 + y2) / 2,
                turn,
            )
        )
    return arrows


def _station(station: Station) -> Markup:
    x, y = _centre(station.name)
    left, top = x - BOX_W / 2, y - BOX_H / 2
    sign = SIGNS.get(station.state)
    drawn = fill(
        '<g class="station {}"><rect x="{}" y="{}" width="{}" height="{}" rx="9"/>'
        '<circle class="lamp" cx="{}" cy="{}" r="6.5"/>{}'
        '<text class="name" x="{}" y="{}">{}</text><text class="figure" x="{}" y="{}">{}</text><title>{}</title></g>',
        station.state,
        left,
        top,
        BOX_W,
        BOX_H,
        left + 16,
        top + 20,
        fill('<path class="lamp-sign" transform="translate({} {})" d="{}"/>', left + 16, top + 20, sign)
        if sign
        else "",
        left + 29,
        top + 25,
        _title(station.name),
        left + 12,
        top + 45,
        clip(station.figure or "–", 20),
        station.tip or f"{_title(station.name)}: {station.figure or 'nothing yet'}",
    )
    return fill('<a href="{}">{}</a>', station.href, drawn)


def _middle(middle: Middle) -> Markup:
    left, right = _centre("validate")[0] - BOX_W / 2, _centre("accept")[0] + BOX_W / 2
    top, bottom = BOX_H + 30, HEIGHT - BOX_H - 28
    parts = [
        fill('<text class="headline" x="{}" y="{}">{}</text>', left, top + 12, clip(middle.headline, 62)),
        fill('<text class="subline" x="{}" y="{}">{}</text>', left, top + 34, clip(middle.subline, 112)),
    ]
    known = [y for _, y in [*middle.curve, *middle.frozen] if y is not None]
    if len(known) > 1:
        parts += _curves(middle, (left, right - 46), (bottom - 16, top + 66))
        parts.append(fill('<text class="figure" x="{}" y="{}">{}</text>', left, bottom + 4, middle.caption))
    return Markup("").join(parts)


def _curves(middle: Middle, across: tuple[float, float], upward: tuple[float, float]) -> list[Markup]:
    xs = [x for x, _ in [*middle.curve, *middle.frozen]]
    ys = [y for _, y in [*middle.curve, *middle.frozen] if y is not None]
    x_scale, y_scale = Scale(min(xs), max(xs), *across), Scale(min(ys), max(ys), *upward)
    parts = []
    for mark in middle.marks:
        if x_scale.low <= mark.x <= x_scale.high:
            place = x_scale(mark.x)
            parts.append(fill('<path class="mark" d="M{},{}V{}"/>', place, upward[1] - 6, upward[0]))
            parts.append(
                fill(
                    '<path class="mark-head" d="M{},{}l4,5l-4,5l-4,-5z"><title>{}</title></path>',
                    place,
                    upward[1] - 14,
                    mark.text,
                )
            )
    for points, tone, style in ((middle.frozen, "f", "dashed"), (middle.curve, "a", "")):
        places = [(x_scale(x), None if y is None else y_scale(y)) for x, y in points]
        parts.append(fill('<path class="stroke {} s-{}" d="{}"/>', style, tone, polyline(places)))
        known = [(x, y) for x, y in points if y is not None]
        if known:
            x, y = known[-1]
            form = '<text class="value {}" x="{}" y="{}">{}</text>'
            kind = "faint-text" if tone == "f" else ""
            parts.append(fill(form, kind, x_scale(x) + 8, y_scale(y) + 4, f"{y:.3f}"))
    return parts
