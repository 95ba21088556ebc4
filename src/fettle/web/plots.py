"""Many runs at a glance: parallel axes, and one field against another."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from fettle.web.scales import Scale, Tick, number_ticks, short_number
from fettle.web.svg import clip, fill, picture, polyline

MOST_NAMES = 12
MANY = 100
"""So many threads are drawn thinner, so that those below shine through."""
SPREAD = (
    50.0  # from this ratio of its greatest to its least value on, an axis of positive numbers is logarithmic
)
SHADES = 6
TOP, BOTTOM, SIDE = 34, 30, 70


@dataclass(frozen=True)
class Axis:
    """One axis: where each run lies on it (0 to 1, None if nowhere), and what is written along it."""

    name: str
    places: list[float | None]
    ticks: list[Tick]
    values: list[Any]
    log: bool = False


def axis_of(name: str, values: Sequence[Any]) -> Axis | None:
    """The axis of a field: of numbers where all are, else of names; None where all runs have the same, or too many.

    Args:
        name: What it is called.
        values: One for each run; None where it has none.
    """
    known = [each for each in values if each is not None]
    if len({repr(each) for each in known}) < 2:
        return None
    numbers = [_number(each) for each in values]
    if all(number is not None for number, each in zip(numbers, values, strict=True) if each is not None):
        return _of_numbers(name, numbers, values)
    names = sorted({str(each) for each in known})
    if len(names) > MOST_NAMES:
        return None
    spots = {each: (index + 0.5) / len(names) for index, each in enumerate(names)}
    places = [None if each is None else spots[str(each)] for each in values]
    return Axis(name, places, [Tick(spot, clip(each, 14)) for each, spot in spots.items()], list(values))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _of_numbers(name: str, numbers: Sequence[float | None], values: Sequence[Any]) -> Axis:
    known = [each for each in numbers if each is not None]
    log = min(known) > 0 and max(known) / min(known) >= SPREAD and _is_skewed(known)
    used = [None if each is None else math.log10(each) if log else each for each in numbers]
    spread = [each for each in used if each is not None]
    scale = Scale(min(spread), max(spread), 0.03, 0.97)
    whole = log or all(each == int(each) for each in known)
    ticks = [
        Tick(scale(each.value), short_number(10**each.value) if log else each.text)
        for each in number_ticks(scale.low, scale.high, 4, whole=whole)
    ]
    return Axis(name, [None if each is None else scale(each) for each in used], ticks, list(values), log)


def _is_skewed(numbers: Sequence[float]) -> bool:
    """Whether the middle of the numbers is nearer to the middle of a logarithmic axis than to that of a straight one.

    A learning rate that was drawn from 1e-5 to 0.1 is; a share that was drawn evenly from 0 to 1 is not, however small
    the least of them came out.
    """
    low, middle, high = min(numbers), statistics.median(numbers), max(numbers)
    straight = (middle - low) / (high - low)
    logarithmic = math.log(middle / low) / math.log(high / low)
    return abs(logarithmic - 0.5) < abs(straight - 0.5)


def parallel(axes: Sequence[Axis], runs: Sequence[tuple[str, str]], *, label: str) -> Markup:
    """A thread for each run through all axes, coloured by the last of them.

    Args:
        axes: At least two, the outcome last.
        runs: Id and name of each run.
        label: In words.
    """
    if len(axes) < 2:
        return Markup("")
    width, height = max(1020, 150 * (len(axes) - 1) + 2 * SIDE), 330
    x = Scale(0, len(axes) - 1, SIDE, width - SIDE)
    y = Scale(0, 1, height - BOTTOM, TOP)
    parts = [_thread(axes, index, run, x, y) for index, run in enumerate(runs)]
    parts += [_axis(axis, index, x(index), y) for index, axis in enumerate(axes)]
    kind = "chart parallel many" if len(runs) > MANY else "chart parallel"
    return picture(kind, width, height, label, parts)


def _thread(axes: Sequence[Axis], index: int, run: tuple[str, str], x: Scale, y: Scale) -> Markup:
    places = [axis.places[index] for axis in axes]
    points = [(x(at), None if place is None else y(place)) for at, place in enumerate(places)]
    said = "\n".join([clip(run[1], 60), *(f"{axis.name}  {_said(axis.values[index])}" for axis in axes)])
    at = ",".join("" if high is None else f"{high:.1f}" for _, high in points)
    # hundreds of these: filling a form takes three times as long as joining texts
    return Markup(
        f'<path class="thread t-{shade(places[-1])}" data-run="{escape(run[0])}" data-at="{at}" '
        f'd="{polyline(points)}"><title>{escape(said)}</title></path>'
    )


def _axis(axis: Axis, index: int, x: float, y: Scale) -> Markup:
    parts = [
        fill('<path class="axis" d="M{},{}V{}"/>', x, y.start, y.end),
        fill('<text class="strong" x="{}" y="18" text-anchor="middle">{}</text>', x, clip(axis.name, 20)),
        *(
            fill(
                '<text class="haloed" x="{}" y="{}" text-anchor="end">{}</text>',
                x - 6,
                y(tick.value) + 4,
                tick.text,
            )
            for tick in axis.ticks
        ),
        fill('<rect class="brush" data-brush="{}" x="{}" y="0" width="16" height="0"/>', index, x - 8),
        fill(
            '<rect class="brushable" data-axis="{}" x="{}" y="{}" width="32" height="{}"/>',
            index,
            x - 16,
            y.end - 6,
            y.start - y.end + 12,
        ),
    ]
    return Markup("").join(parts)


def shade(place: float | None) -> int:
    """The colour of a place on an axis, 1 to 6; 0 where there is none."""
    return 0 if place is None else min(SHADES, 1 + int(place * SHADES))


def scatter(
    across: Axis,
    up: Axis,
    runs: Sequence[tuple[str, str, str]],
    *,
    label: str,
    width: int = 720,
    height: int = 330,
) -> Markup:
    """A dot for each run that has both fields, each a link to the run.

    Args:
        across: The field along x.
        up: The field along y.
        runs: Id, name and address of each run.
        label: In words.
        width: Of the drawing.
        height: Likewise.
    """
    x, y = Scale(0, 1, SIDE, width - 20), Scale(0, 1, height - 44, 14)
    parts = [
        fill('<path class="grid" d="M{},{}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
             x.start, y(tick.value), x.end, x.start - 7, y(tick.value) + 4, tick.text)
        for tick in up.ticks
    ]  # fmt: skip
    parts += [
        fill('<path class="axis" d="M{},{}v4"/><text x="{}" y="{}" text-anchor="middle">{}</text>',
             x(tick.value), y.start, x(tick.value), y.start + 17, tick.text)
        for tick in across.ticks
    ]  # fmt: skip
    parts.append(fill('<path class="axis" d="M{},{}H{}"/>', x.start, y.start, x.end))
    parts.append(
        fill('<text class="strong" x="{}" y="{}" text-anchor="end">{}</text>', x.end, height - 6, across.name)
    )
    parts.append(fill('<text class="strong" x="4" y="11">{}</text>', up.name))
    for index, (_, name, address) in enumerate(runs):
        left, high = across.places[index], up.places[index]
        if left is None or high is None:
            continue
        tip = f"{name}\n{across.name}  {_said(across.values[index])}\n{up.name}  {_said(up.values[index])}"
        parts.append(
            fill(
                '<a href="{}" aria-label="{}"><circle class="dot" data-tip="" cx="{}" cy="{}" r="5">'
                "<title>{}</title></circle></a>",
                address,
                tip,
                x(left),
                y(high),
                tip,
            )
        )
    return picture("chart", width, height, label, parts, role="group")


def _said(value: Any) -> str:
    if value is None:
        return "–"
    return (
        short_number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    )
