"""Curves over a common axis, with their confidence bands and the events that explain them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from markupsafe import Markup

from fettle.web.scales import Scale, Tick, number_ticks, short_number, time_ticks
from fettle.web.svg import clip, fill, picture, polyline

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 30, 26
LONE_MOMENT_S = 1800.0  # shown on either side of a single moment


@dataclass(frozen=True)
class Line:
    """One curve: points (x, y) in order of x; a y of None is a gap. `band` gives (low, high) for each point."""

    name: str
    points: Sequence[tuple[float, float | None]]
    tone: str = "a"
    style: str = ""  # "", "dashed", "dotted" or "thin"
    band: Sequence[tuple[float, float] | None] = ()


@dataclass(frozen=True)
class Mark:
    """Something that happened at `x`, such as a promotion; `filled` tells the two kinds apart without colour."""

    x: float
    text: str
    filled: bool = True


@dataclass(frozen=True)
class Frame:
    """The drawing area of a chart with axes."""

    width: int
    height: int
    x: Scale
    y: Scale
    parts: list[Markup] = field(default_factory=list)


def seconds(at: datetime) -> float:
    """An instant as a number for an axis of time."""
    return at.timestamp()


def lines(
    series: Sequence[Line],
    *,
    label: str,
    marks: Sequence[Mark] = (),
    limit: tuple[float, str] | None = None,
    times: bool = False,
    whole: bool = False,
    y_text: Callable[[float], str] = short_number,
    x_text: Callable[[float], str] = short_number,
    y_range: tuple[float | None, float | None] = (None, None),
    width: int = 1080,
    height: int = 270,
    legend: bool = True,
) -> Markup:
    """Curves over a common axis, each with its confidence band if it has one.

    Args:
        series: The curves; those of the same `tone` should differ in `style`.
        label: What the picture shows, in words, for those who do not see it.
        marks: Events on the x axis.
        limit: A level not to be crossed, and its name.
        times: Whether x is seconds since 1970.
        whole: Whether x is counted, so that nothing lies between 1 and 2.
        y_text: How a value is written.
        x_text: How an x is written in tips where it is no time.
        y_range: The least range of y shown; None means as the data say.
        width: Of the drawing, in its own units; the page scales it.
        height: Likewise.
        legend: Whether the names stand above it; without, the page names the curves elsewhere.
    """
    drawn = [each for each in series if any(y is not None for _, y in each.points)]
    if not drawn:
        return Markup("")
    frame = _frame(drawn, limit, marks, y_range, (width, height), LONE_MOMENT_S if times else 0.5)
    _axes(frame, times, whole, y_text)
    for each in drawn:
        _band(frame, each)
    if limit is not None:
        _limit(frame, *limit)
    for each in drawn:
        frame.parts.append(_curve(frame, each))
    _marks(frame, marks)
    if legend:
        _legend(frame, drawn)
    when = _moment if times else x_text
    _hits(frame, drawn, marks, when, y_text)
    return picture("chart", width, height, label, frame.parts)


def _frame(
    series: Sequence[Line],
    limit: tuple[float, str] | None,
    marks: Sequence[Mark],
    y_range: tuple[float | None, float | None],
    size: tuple[int, int],
    lone: float,
) -> Frame:
    width, height = size
    xs = [x for each in series for x, _ in each.points]
    ys = [y for each in series for _, y in each.points if y is not None]
    ys += [end for each in series for pair in each.band if pair for end in pair]
    ys += [limit[0]] if limit else []
    ys += [end for end in y_range if end is not None]
    low, high = min(ys), max(ys)
    spare = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    x_low, x_high = min(xs), max(xs)
    if x_low == x_high:
        x_low, x_high = x_low - lone, x_high + lone
    top = TOP + (8 if marks else 0)
    floor = low if low == y_range[0] else low - spare
    ceiling = high if high == y_range[1] else high + spare
    x = Scale(x_low, x_high, LEFT, width - RIGHT)
    return Frame(width, height, x, Scale(floor, ceiling, height - BOTTOM, top))


def _axes(frame: Frame, times: bool, whole: bool, y_text: Callable[[float], str]) -> None:
    for tick in number_ticks(frame.y.low, frame.y.high, max(2, frame.height // 55)):
        frame.parts.append(_grid_line(tick, frame.y(tick.value), frame.x.start, frame.x.end, y_text))
    low, high, most = frame.x.low, frame.x.high, max(2, frame.width // 110)
    for tick in time_ticks(low, high, most) if times else number_ticks(low, high, most, whole=whole):
        x = frame.x(tick.value)
        frame.parts.append(fill('<path class="axis" d="M{},{}v4"/>', x, frame.y.start))
        frame.parts.append(
            fill('<text x="{}" y="{}" text-anchor="middle">{}</text>', x, frame.height - 7, tick.text)
        )
    frame.parts.append(fill('<path class="axis" d="M{},{}H{}"/>', frame.x.start, frame.y.start, frame.x.end))


def _grid_line(tick: Tick, y: float, start: float, end: float, y_text: Callable[[float], str]) -> Markup:
    text = tick.text if y_text is short_number else y_text(tick.value)
    return fill(
        '<path class="grid" d="M{},{}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        start,
        y,
        end,
        start - 7,
        y + 4,
        text,
    )


def _limit(frame: Frame, level: float, name: str) -> None:
    y, end = frame.y(level), frame.x.end
    frame.parts.append(fill('<path class="limit" d="M{},{}H{}"/>', frame.x.start, y, end))
    form = '<text class="faint-text haloed" x="{}" y="{}" text-anchor="end">{}</text>'
    frame.parts.append(fill(form, end, y - 5, name))


def _curve(frame: Frame, line: Line) -> Markup:
    places = [(frame.x(x), None if y is None else frame.y(y)) for x, y in line.points]
    drawn = fill('<path class="stroke {} s-{}" d="{}"/>', line.style, line.tone, polyline(places))
    known = [(x, y) for x, y in places if y is not None]
    if len(known) == 1:
        drawn += fill('<circle class="f-{}" cx="{}" cy="{}" r="3.5"/>', line.tone, *known[0])
    return drawn


def _band(frame: Frame, line: Line) -> None:
    runs: list[list[tuple[float, float, float]]] = [[]]
    for (x, _), pair in zip(line.points, line.band, strict=False):
        if pair is None:
            runs.append([])
        else:
            runs[-1].append((frame.x(x), frame.y(pair[0]), frame.y(pair[1])))
    for run in runs:
        if len(run) > 1:
            there = "L".join(f"{x:.1f},{high:.1f}" for x, _, high in run)
            back = "L".join(f"{x:.1f},{low:.1f}" for x, low, _ in reversed(run))
            frame.parts.append(fill('<path class="band f-{}" d="M{}L{}Z"/>', line.tone, there, back))


def _marks(frame: Frame, marks: Sequence[Mark]) -> None:
    for mark in marks:
        if not frame.x.low <= mark.x <= frame.x.high:
            continue
        x, top = frame.x(mark.x), frame.y.end
        frame.parts.append(fill('<path class="mark" d="M{},{}V{}"/>', x, top - 2, frame.y.start))
        frame.parts.append(
            fill(
                '<path class="mark-head{}" d="M{},{}l4.5,5.5l-4.5,5.5l-4.5,-5.5z"><title>{}</title></path>',
                "" if mark.filled else " refused",
                x,
                top - 12,
                mark.text,
            )
        )


def _legend(frame: Frame, series: Sequence[Line]) -> None:
    x = frame.x.start
    for each in series:
        name = clip(each.name, 34)
        frame.parts.append(fill('<path class="stroke {} s-{}" d="M{},10h18"/>', each.style, each.tone, x))
        frame.parts.append(fill('<text x="{}" y="14">{}</text>', x + 24, name))
        x += 24 + 6.9 * len(name) + 18


def _hits(
    frame: Frame,
    series: Sequence[Line],
    marks: Sequence[Mark],
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
) -> None:
    """A column for each x that tells the values there."""
    at: dict[float, list[str]] = {}
    for each in series:
        for index, (x, y) in enumerate(each.points):
            if y is None or not each.name:
                continue
            pair = each.band[index] if index < len(each.band) else None
            extent = f"  ({y_text(pair[0])} to {y_text(pair[1])})" if pair else ""
            at.setdefault(x, []).append(f"{each.name}  {y_text(y)}{extent}")
    xs = sorted(at)
    middles = [frame.x.low, *((one + two) / 2 for one, two in pairwise(xs)), frame.x.high]
    for index, x in enumerate(xs):
        left, right = frame.x(middles[index]), frame.x(middles[index + 1])
        said = [mark.text for mark in marks if middles[index] <= mark.x < middles[index + 1]]
        tip = "\n".join([x_text(x), *at[x], *said])
        frame.parts.append(
            fill(
                '<rect class="hit" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
                left,
                frame.y.end,
                max(right - left, 1.0),
                frame.y.start - frame.y.end,
                tip,
            )
        )


def _moment(value: float) -> str:
    at = datetime.fromtimestamp(value, tz=UTC)
    return f"{at.day} {at:%b %Y}" + (f" {at:%H:%M}" if (at.hour, at.minute) != (0, 0) else "")
