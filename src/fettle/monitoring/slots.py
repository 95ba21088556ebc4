"""Slots: the smallest stretch of event time that is kept, one row of sums per served version.

A slot is as long as the distance between two windows. A window is the sum of its slots, so rolling windows share
their parts, and a late record changes one slot and the windows over it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from fettle.data.bins import Counts
from fettle.monitoring.performance import Tally
from fettle.monitoring.records import Watch

_UNITS_S = (86_400, 3_600, 60, 1)


class Slot(msgspec.Struct, frozen=True):
    """Sums over the requests of one version in one slot; ``a + b`` covers both."""

    rows: int = 0
    errors: int = 0
    features: dict[str, Counts] = {}
    prediction: Counts | None = None
    tally: Tally = Tally()

    def __add__(self, other: Slot) -> Slot:
        features = dict(self.features)
        for name, counts in other.features.items():
            features[name] = features[name] + counts if name in features else counts
        prediction = self.prediction or other.prediction
        if self.prediction is not None and other.prediction is not None:
            prediction = self.prediction + other.prediction
        return Slot(
            self.rows + other.rows,
            self.errors + other.errors,
            features,
            prediction,
            self.tally + other.tally,
        )


def origin_of(first_at: datetime, stride_s: float) -> datetime:
    """Where windows begin: the first request's day, hour, minute or second, whichever the stride is no shorter than."""
    unit_s = next((unit for unit in _UNITS_S if unit <= stride_s), 1)
    seconds = int(first_at.timestamp()) // unit_s * unit_s
    return datetime.fromtimestamp(seconds, first_at.tzinfo)


def slots_a_window(watch: Watch) -> int:
    """How many slots make a window."""
    return round(watch.window_s / watch.stride_s)


def windows_over(slot: int, watch: Watch) -> range:
    """First slots of the windows that cover a slot; no window begins before the origin unless the slot lies there."""
    return range(max(slot - slots_a_window(watch) + 1, min(slot, 0)), slot + 1)


def start_of(slot: int, watch: Watch) -> datetime:
    """When a slot begins."""
    if watch.origin_at is None:
        raise ValueError("a watch without an origin has no slots")
    return watch.origin_at + timedelta(seconds=slot * watch.stride_s)
