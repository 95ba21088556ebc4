"""Points of metrics and their summaries."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Literal

import msgspec

NotFinite = Literal["NaN", "Infinity", "-Infinity"]
"""How a number that JSON cannot write is written, on every surface."""


class Point(msgspec.Struct, frozen=True):
    """One value of one metric.

    Attributes:
        key: The metric.
        value: A finite number, or the text `NaN`, `Infinity` or `-Infinity`.
        step: Where in the training, counted by the user.
        at: When.
    """

    key: str
    value: float | NotFinite
    step: int = 0
    at: datetime | None = None

    @property
    def number(self) -> float:
        """The value as a float, whatever it is."""
        return float(self.value)


def written(number: float) -> float | NotFinite:
    """A float in the form that survives JSON."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


class Column(msgspec.Struct, frozen=True):
    """Many points of one metric, packed: 24 bytes a point, NaN included.

    Attributes:
        key: The metric.
        steps: Little-endian int64.
        at_us: Little-endian int64, microseconds since 1970 UTC.
        values: Little-endian float64.
    """

    key: str
    steps: bytes
    at_us: bytes
    values: bytes


class Metric(msgspec.Struct, frozen=True):
    """The summary of one metric of one run.

    Attributes:
        key: The metric.
        last: The value with the highest step (the latest of these), in the form of `Point.value`.
        step: That step.
        at: When it was logged.
        low: The smallest finite value; None if there was none.
        high: The greatest finite value.
        count: How many points there are.
    """

    key: str
    last: float | NotFinite
    step: int
    at: datetime
    low: float | None
    high: float | None
    count: int
