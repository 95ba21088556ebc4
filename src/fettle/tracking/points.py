"""Put points into chunks and summaries, and get curves out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from fettle.tracking.chunks import FULL, Points, decode, encode, thin
from fettle.tracking.records.metrics import Metric, Point, written
from fettle.tracking.store import metrics as store

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """A time as whole microseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(at_us: int) -> datetime:
    """Undo `microseconds`."""
    return _EPOCH + timedelta(microseconds=at_us)


def columns_of(points: Sequence[Point], now: datetime) -> dict[str, Points]:
    """Loose points as one column for each metric; a point without a time gets `now`."""
    rows: dict[str, list[tuple[int, int, float]]] = {}
    for each in points:
        rows.setdefault(each.key, []).append((each.step, microseconds(each.at or now), each.number))
    return {key: columns_of_rows(found) for key, found in rows.items()}


def columns_of_rows(rows: Sequence[tuple[int, int, float]]) -> Points:
    """Rows of step, time in microseconds and value as columns."""
    steps, at_us, values = zip(*rows, strict=True)
    return Points(np.array(steps, "<i8"), np.array(at_us, "<i8"), np.array(values, "<f8"))


def add(tx: Transaction, run: str, columns: dict[str, Points]) -> int:
    """Append columns to the run's chunks and renew its summaries; return how many points that were."""
    known = store.find_metrics(tx, run)
    for key, new in columns.items():
        store.put_metric(tx, run, summary(key, new, known.get(key)))
        newest = store.last_chunk(tx, run, key)
        if newest is None:
            first, pending = 0, new
        elif newest[1] < FULL:
            first, pending = newest[0], Points.joined([decode(newest[2]), new])
        else:
            first, pending = newest[0] + newest[1], new
        for start in range(0, len(pending), FULL):
            part = pending[start : start + FULL]
            store.put_chunk(tx, run, key, first + start, len(part), encode(part))
    return sum(map(len, columns.values()))


def summary(key: str, new: Points, known: Metric | None) -> Metric:
    """The summary of a metric after `new` points were added to what is `known`."""
    last = int(np.lexsort((np.arange(len(new)), new.at_us, new.steps))[-1])
    step, at, value = int(new.steps[last]), moment(int(new.at_us[last])), written(float(new.values[last]))
    finite = new.values[np.isfinite(new.values)]
    low = float(finite.min()) if len(finite) else None
    high = float(finite.max()) if len(finite) else None
    count = len(new)
    if known is not None:
        if (known.step, known.at) > (step, at):
            step, at, value = known.step, known.at, known.last
        low = min((each for each in (low, known.low) if each is not None), default=None)
        high = max((each for each in (high, known.high) if each is not None), default=None)
        count += known.count
    return Metric(key=key, last=value, step=step, at=at, low=low, high=high, count=count)


def curve(tx: Transaction, run: str, key: str, most: int) -> list[Point]:
    """The points of a metric in order, thinned to `most`."""
    parts = [decode(each) for each in store.all_chunks(tx, run, key)]
    if not parts:
        return []
    points = thin(Points.joined(parts).in_order(), most)
    rows = zip(points.steps.tolist(), points.at_us.tolist(), points.values.tolist(), strict=True)
    return [Point(key=key, value=written(value), step=step, at=moment(at_us)) for step, at_us, value in rows]
