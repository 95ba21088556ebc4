"""Turn the sketch of a column into the profile that people and pages read."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from fettle.data.profiling.points import Points
from fettle.data.profiling.sketches import Levels, Numbers, Sketch, Texts, Times
from fettle.data.profiling.slices import LEVELS, TOP
from fettle.data.records import (
    ColumnProfile,
    Histogram,
    NumberSummary,
    TextSummary,
    TimeSummary,
    ValueCount,
)
from fettle.data.roles import role_of

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
PERCENTILES = tuple(share / 100 for share in range(101))
BINS = 20
LONGEST_VALUE = 200
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def column_of(name: str, sketch: Sketch) -> ColumnProfile:
    """The profile of one column."""
    found = ColumnProfile(
        name=name,
        type=sketch.type,
        role="constant",
        rows=sketch.rows,
        missing=sketch.missing,
        distinct=min(sketch.distinct, sketch.rows - sketch.missing),
        number=_numbers(sketch.numbers, sketch.rows - sketch.missing) if sketch.numbers else None,
        text=_texts(sketch.texts, sketch.rows - sketch.missing) if sketch.texts else None,
        time=_times(sketch.times) if sketch.times else None,
        top=_top(sketch.levels) if sketch.levels else [],
        approximate=_approximate(sketch),
    )
    return msgspec.structs.replace(found, role=role_of(found))


def _approximate(sketch: Sketch) -> list[str]:
    points = sketch.numbers.points if sketch.numbers else sketch.times.points if sketch.times else None
    merged = sketch.registers is not None
    facts = {
        "distinct": not sketch.counted,
        "top": merged and sketch.levels is not None and not sketch.levels.complete,
        "quantiles": points is not None and points.weights is not None,
    }
    return [name for name, inexact in facts.items() if inexact]


def _numbers(found: Numbers, present: int) -> NumberSummary:
    n = present - found.infinite
    std = math.sqrt(found.squares / (n - 1)) if n > 1 and math.isfinite(found.squares) else None
    return NumberSummary(
        min=found.low,
        max=found.high,
        mean=min(found.high, max(found.low, found.mean)),
        std=std,
        quantiles=dict(zip(map(str, QUANTILES), found.points.quantiles(QUANTILES), strict=True)),
        zeros=found.zeros,
        negatives=found.negatives,
        infinite=found.infinite,
        histogram=_histogram(found.points, found.low, found.high),
        percentiles=found.points.quantiles(PERCENTILES),
    )


def _histogram(points: Points, low: float, high: float) -> Histogram:
    if not high > low:
        return Histogram([low, high], [points.total])
    shares = np.arange(BINS + 1) / BINS
    edges = low * (1 - shares) + high * shares  # so written, because the width itself may overflow
    return Histogram(edges.tolist(), points.counts(edges))


def _texts(found: Texts, present: int) -> TextSummary:
    return TextSummary(found.shortest, found.characters / present, found.longest, found.blank, found.spaced)


def _times(found: Times) -> TimeSummary:
    low, high = (float(found.points.values[at]) for at in (0, -1))
    return TimeSummary(
        instant(low),
        instant(high),
        _histogram(found.points, low, high),
        found.points.quantiles(PERCENTILES),
        found.ordered,
    )


def instant(seconds: float) -> datetime:
    """The instant so many seconds after the beginning of 1970 (UTC); beyond the years 1 to 9999 it is cut off."""
    try:
        return _BEGINNING + timedelta(microseconds=round(seconds * 1e6))
    except OverflowError:
        return (datetime.max if seconds > 0 else datetime.min).replace(tzinfo=UTC)


def _top(levels: Levels) -> list[ValueCount]:
    listed = LEVELS if levels.complete and len(levels.counts) <= LEVELS else TOP
    ranked = sorted(levels.counts.items(), key=lambda each: (-each[1], each[0]))[:listed]
    return [ValueCount(shown(value), count) for value, count in ranked]


def shown(value: Any) -> str:
    """A value as text, cut if it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
