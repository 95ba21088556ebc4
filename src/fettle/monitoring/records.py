"""The nouns of monitoring: what is watched, what a window showed, and what to be told about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

Severity = Literal["none", "notice", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("none", "notice", "warning", "critical")

AlertKind = Literal["performance", "prediction", "drift", "quality"]
"""``quality``: missing or invalid values, which block retraining; ``drift``: features moved, left their range or
show new levels; ``prediction``: the answers moved; ``performance``: the labels say the model is worse than accepted."""

AlertStatus = Literal["open", "acknowledged", "closed"]


def worst(severities: Iterable[Severity]) -> Severity:
    """The highest of some severities; ``none`` of none."""
    return SEVERITIES[max((SEVERITIES.index(each) for each in severities), default=0)]


class Watch(msgspec.Struct, frozen=True):
    """How an endpoint is watched.

    Attributes:
        window_s: Length of a window of event time.
        stride_s: Distance between window starts; shorter than the window makes it roll.
        label_delay_s: How long after a window's end labels are waited for before its performance is judged.
        min_rows: Rows a window needs for a word on drift; fewer is "not enough data", never "ok".
        min_labels: Labelled rows a window needs for a word on performance.
        tolerance: How much worse than the version's own reference metric is still accepted: an absolute
            difference of a share (accuracy), a fraction of an error (MAE).
        confidence: Level of the performance intervals.
        ignore: Features that are counted but never alarm (an increasing id, a calendar date).
        origin_at: Start of the first window; None until the first request has been collected.
    """

    endpoint: str
    window_s: float
    stride_s: float
    label_delay_s: float = 0.0
    min_rows: int = 500
    min_labels: int = 100
    tolerance: float = 0.02
    confidence: float = 0.95
    ignore: list[str] = []
    origin_at: datetime | None = None


class Baseline(msgspec.Struct, frozen=True):
    """What a served version is held against.

    Attributes:
        profile: Digest of its reference profile in the blobs; empty if its bundle has none.
        task: What the model does.
        target: Name of the predicted column.
        metric: The metric watched.
        reference: Its value at acceptance; None if it was not recorded.
    """

    endpoint: str
    model: str
    version: int
    profile: str
    task: Literal["classification", "regression"]
    target: str
    metric: str
    reference: float | None


class Drift(msgspec.Struct, frozen=True):
    """One column of one window against its reference.

    ``statistic`` is Kolmogorov–Smirnov's D for numbers and chi-square for categories; ``js`` is the Jensen–Shannon
    distance (natural logarithm); ``nulls``, ``unseen`` and ``out_of_range`` are shares of the rows.
    """

    kind: str
    rows: int
    statistic: float
    p: float
    p_adjusted: float
    psi: float
    psi_corrected: float
    js: float
    nulls: float
    unseen: float
    out_of_range: float
    signals: list[str] = []
    severity: Severity = "none"

    def replace(self, **changes: Any) -> Drift:
        """A copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class Performance(msgspec.Struct, frozen=True):
    """How well the answers fitted the labels: the metric with its confidence interval.

    ``accepted`` is the worst value still accepted; None if the version came without a reference metric.
    """

    metric: str
    value: float
    low: float
    high: float
    rows: int
    accepted: float | None = None
    worse: bool = False


class Window(msgspec.Struct, frozen=True):
    """One stretch of event time of one served version.

    Attributes:
        start_at: Included.
        end_at: Not included.
        rows: Answered rows, each request once.
        errors: Refused rows.
        labelled: Rows whose label has come.
        status: ``open`` while requests may come, ``waiting`` for labels, ``closed`` after.
        verdict: The worst severity, or "not enough data".
        performance: None until a label came.
        drift: By feature; empty when there are too few rows or no reference profile.
        prediction: Drift of the answers.
    """

    endpoint: str
    model: str
    version: int
    start_at: datetime
    end_at: datetime
    rows: int
    errors: int
    labelled: int
    status: Literal["open", "waiting", "closed"]
    verdict: str
    performance: Performance | None = None
    drift: dict[str, Drift] = {}
    prediction: Drift | None = None

    @property
    def coverage(self) -> float:
        """Share of the rows whose label has come."""
        return self.labelled / self.rows if self.rows else 0.0


def apart(windows: Sequence[Window]) -> list[Window]:
    """Windows that do not overlap, from the first on: rows of rolling windows may be added up over these only."""
    kept: set[datetime] = set()
    until: datetime | None = None
    for start_at, end_at in sorted({(each.start_at, each.end_at) for each in windows}):
        if until is None or start_at >= until:
            kept.add(start_at)
            until = end_at
    return [each for each in windows if each.start_at in kept]


class Alert(msgspec.Struct, frozen=True):
    """Something to be told about: one per endpoint, window and kind, with its evidence."""

    id: str
    endpoint: str
    kind: AlertKind
    severity: Severity
    status: AlertStatus
    model: str
    version: int
    start_at: datetime
    end_at: datetime
    at: datetime
    message: str
    evidence: dict[str, Any]
    by: str = ""
    note: str = ""


class Collected(msgspec.Struct, frozen=True):
    """What one pass took from the logs."""

    predictions: int = 0
    labels: int = 0
    duplicates: int = 0
    windows: int = 0
    alerts: list[Alert] = []


class Progress(msgspec.Struct, frozen=True):
    """How far the collection of an endpoint has come.

    ``epoch`` counts the passes; a pass that does not name the present one is refused. ``due`` says that a window
    waits for its judgement.
    """

    watch: Watch
    epoch: int
    cursors: dict[str, str]
    baselines: list[Baseline]
    due: bool


class Segment(msgspec.Struct, frozen=True):
    """One file of collected rows in the blobs.

    Attributes:
        digest: Its name.
        kind: ``requests`` or ``labels``.
        start_at: Time of its first row.
        end_at: Time of its last row.
        rows: How many.
    """

    digest: str
    kind: str
    start_at: datetime
    end_at: datetime
    rows: int
