"""Numbers, shares and times in as few characters as a person needs."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from fettle.data.profiling.finish import instant
from fettle.data.records import ColumnProfile

BLOCKS = "▁▂▃▄▅▆▇█"


def number(value: float) -> str:
    """Four significant digits; whole numbers with commas."""
    if value == int(value) if abs(value) < 1e15 else False:
        return f"{int(value):,}"
    return f"{value:.4g}"


def count(value: int) -> str:
    """A count, short: `950`, `12,345`, `1.2 M`."""
    if value < 1_000_000:
        return f"{value:,}"
    return f"{value / 1e6:.3g} M" if value < 1e9 else f"{value / 1e9:.3g} G"


def share(value: float) -> str:
    """A share as per cent; what is there is never shown as none, and what is missing a little never as all."""
    if value in (0.0, 1.0):
        return f"{value:.0%}"
    if value < 0.001:
        return "<0.1%"
    return ">99.9%" if value > 0.999 else f"{value:.1%}"


def moment(seconds: float) -> str:
    """An instant, its time of day only where it has one."""
    return day(instant(seconds))


def day(at: datetime) -> str:
    """A day, with the time if it is not midnight."""
    whole = (at.hour, at.minute, at.second) == (0, 0, 0)
    return f"{at:%Y-%m-%d}" if whole else f"{at:%Y-%m-%d %H:%M}"


def bars(counts: list[int], width: int = 10) -> str:
    """A small histogram of block signs; an empty bin is a blank."""
    if not counts or not max(counts):
        return ""
    grouped = counts
    if len(counts) > width:
        borders = [round(at * len(counts) / width) for at in range(width + 1)]
        grouped = [sum(counts[a:b]) for a, b in pairwise(borders)]
    most = max(grouped)
    return "".join(" " if not each else BLOCKS[min(7, each * 8 // most)] for each in grouped)


def shape(column: ColumnProfile) -> list[int]:
    """The counts to draw: the histogram, or the most frequent values."""
    summary = column.number or column.time
    if summary is not None and summary.histogram is not None:
        return summary.histogram.counts
    return [] if column.unique else [each.count for each in column.top[:10]]


def values(column: ColumnProfile) -> str:
    """The range or the most frequent values of a column, in few words."""
    if column.number is not None:
        found = column.number
        spread = f" ± {number(found.std)}" if found.std is not None else ""
        return f"{number(found.min)} … {number(found.max)}, mean {number(found.mean)}{spread}"
    if column.time is not None:
        return f"{day(column.time.min_at)} … {day(column.time.max_at)}"
    if column.top and not column.unique:
        present = max(1, column.rows - column.missing)
        return ", ".join(f"{each.value or repr('')} {share(each.count / present)}" for each in column.top[:4])
    if column.text is not None:
        low, high = column.text.min_length, column.text.max_length
        return f"{low} characters" if low == high else f"{low} … {high} characters"
    return "nothing"
