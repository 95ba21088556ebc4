"""Axes: round ticks for numbers and for times, and where a value lies between them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
_TIME_STEPS = (
    1, 5, 15, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
    DAY, 2 * DAY, 7 * DAY, 14 * DAY,
)  # fmt: skip
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True)
class Scale:
    """A straight mapping of [`low`, `high`] onto pixels [`start`, `end`]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        width = self.high - self.low
        share = 0.5 if width == 0 else (value - self.low) / width
        return self.start + share * (self.end - self.start)


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    value: float
    text: str


def number_ticks(low: float, high: float, most: int = 5, *, whole: bool = False) -> list[Tick]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten) within [`low`, `high`], at most about `most`.

    With `whole`, none between whole numbers.

    Example:
        >>> [tick.text for tick in number_ticks(0, 1)]
        ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [Tick(low, short_number(low))] if math.isfinite(low) else []
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough * 0.999)
    step = max(1.0, float(round(step))) if whole else step
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step))) + (1 if step / power == 2.5 and step < 5 else 0)
    plain = step >= 1e-4 and max(abs(low), abs(high)) < 1e5
    return [
        Tick(index * step, f"{index * step:.{decimals}f}" if plain else short_number(index * step))
        for index in range(first, last + 1)
    ]


def short_number(value: float) -> str:
    """A number in few signs: `12`, `0.0831`, `4.2k`, `1.3M`, `2.1e-07`."""
    size = abs(value)
    if value == 0:
        return "0"
    for limit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            divisor = 1e3 if name == "k" else limit
            return f"{value / divisor:.3g}{name}" if size < 1e15 else f"{value:.3g}"
    if size < 1e-3:
        return f"{value:.2e}"
    return f"{value:.4g}"


def time_ticks(low: float, high: float, most: int = 8) -> list[Tick]:
    """Round instants (UTC) within [`low`, `high`] seconds since 1970: full minutes, hours, days, months or years."""
    if high <= low:
        return [Tick(low, _day(at_of(low)))]
    rough = (high - low) / most
    for step in _TIME_STEPS:
        if step >= rough:
            return _even_ticks(low, high, step)
    months = next((each for each in _MONTH_STEPS if each * 30.4 * DAY >= rough), _MONTH_STEPS[-1])
    return _month_ticks(low, high, months)


def at_of(seconds: float) -> datetime:
    """The instant that many seconds after 1970, UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _even_ticks(low: float, high: float, step: float) -> list[Tick]:
    write: Callable[[datetime], str] = _day if step >= DAY else (_clock if step >= MINUTE else _seconds)
    first = math.ceil(low / step)
    return [
        Tick(index * step, write(at_of(index * step))) for index in range(first, math.floor(high / step) + 1)
    ]


def _month_ticks(low: float, high: float, months: int) -> list[Tick]:
    start = at_of(low)
    index = start.year * 12 + start.month - 1
    index -= index % months
    ticks = []
    while True:
        at = datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
        seconds = at.timestamp()
        if seconds > high:
            return ticks
        if seconds >= low:
            named = months < 12 and at.month != 1
            ticks.append(Tick(seconds, at.strftime("%b") if named else at.strftime("%Y")))
        index += months


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b}" if (at.month, at.day) != (1, 1) else f"{at:%Y}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}" if (at.hour, at.minute) != (0, 0) else f"{at.day} {at:%b}"


def _seconds(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
