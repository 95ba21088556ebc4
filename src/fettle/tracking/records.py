"""The nouns of tracking."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal

import msgspec

Status = Literal["running", "finished", "failed", "killed"]
"""`killed`: the process went away without finishing; its points were recovered from its journal."""

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


class Artifact(msgspec.Struct, frozen=True):
    """A file of a run, kept by content.

    Attributes:
        path: Its name in the run, with `/` between folders.
        digest: The object's digest.
        size_bytes: Its length.
        at: When it was added.
    """

    path: str
    digest: str
    size_bytes: int
    at: datetime


class Run(msgspec.Struct, frozen=True):
    """One try at something, with what went in and what came out.

    Attributes:
        id: Sorts by time.
        experiment: The question it belongs to.
        name: What people call it.
        status: `running`, `finished`, `failed` or `killed`.
        author: Who started it.
        started_at: When.
        ended_at: When it ended; None while it runs.
        parent: The run it is a part of, such as the search a trial belongs to.
        inputs: What it read: dataset references with their commit.
        params: Parameter → value; a value never changes once set.
        tags: Tag → text.
        metrics: Metric → last value, where that is a finite number.
        not_finite: Metric → `NaN`, `Infinity` or `-Infinity`, where it is not.
        summaries: All of each metric but its history; only in `tracking.show`.
        artifacts: Its files; only in `tracking.show`.
    """

    id: str
    experiment: str
    name: str
    status: Status
    author: str
    started_at: datetime
    ended_at: datetime | None = None
    parent: str | None = None
    inputs: list[str] = []
    params: dict[str, Any] = {}
    tags: dict[str, str] = {}
    metrics: dict[str, float] = {}
    not_finite: dict[str, NotFinite] = {}
    summaries: list[Metric] = []
    artifacts: list[Artifact] = []


class Experiment(msgspec.Struct, frozen=True):
    """A question that runs try to answer.

    Attributes:
        name: Its name.
        runs: How many runs it has.
        latest_at: When the latest began.
    """

    name: str
    runs: int
    latest_at: datetime
