"""Points of metrics and their summaries."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    import numpy as np

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

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Steps, times (µs since 1970) and values as NumPy arrays that read these bytes where they are."""
        import numpy as np

        return (
            np.frombuffer(self.steps, "<i8"),
            np.frombuffer(self.at_us, "<i8"),
            np.frombuffer(self.values, "<f8"),
        )


class Curve(msgspec.Struct, frozen=True):
    """One metric of one run, ready to be drawn.

    Attributes:
        run: The run's id.
        key: The metric.
        x: Where: step, seconds since the run began, or epoch; ascending.
        y: The value there, smoothed if that was asked; None where it is not finite.
        raw: The value itself where `y` is smoothed; empty otherwise.
    """

    run: str
    key: str
    x: list[float]
    y: list[float | None]
    raw: list[float | None] = []


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
        mean: Of the finite values; None if there were none.
        total: Their sum.
        finite: How many they are.
        first_step: The lowest step.
    """

    key: str
    last: float | NotFinite
    step: int
    at: datetime
    low: float | None
    high: float | None
    count: int
    mean: float | None = None
    total: float | None = None
    finite: int | None = None
    first_step: int | None = None
