"""Get points and curves out of chunks: all of them exactly, or what a chart needs without reading the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fettle.tracking.chunks import Points, decode
from fettle.tracking.points import moment
from fettle.tracking.records.metrics import Point, written
from fettle.tracking.store import metrics as store
from fettle.tracking.thinning import thin

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

EXACT = 200_000
"""Up to so many points are read for a chart; of more, outlines."""


def history(
    tx: Transaction, run: str, key: str, first: int | None = None, last: int | None = None
) -> Points | None:
    """All points of a metric in order, or those of a range of steps; None if there is no such metric."""
    sizes = store.chunk_sizes(tx, run, key)
    if not sizes:
        return None
    return _read(tx, run, key, _overlapping(tx, run, key, sizes, first, last), first, last)


def size(tx: Transaction, run: str, key: str, first: int | None = None, last: int | None = None) -> int:
    """How many points `history` would read, at most."""
    sizes = store.chunk_sizes(tx, run, key)
    return sum(sizes[each] for each in _overlapping(tx, run, key, sizes, first, last))


def curve(
    tx: Transaction, run: str, key: str, most: int, first: int | None = None, last: int | None = None
) -> Points | None:
    """The points of a metric in order, thinned to `most` (0: all) with the extremes of each stretch kept."""
    points = sketch(tx, run, key, most, first, last)
    if points is None or not len(points):
        return points
    return thin(points, most, evenly=points.steps if len(points) > most > 0 else None)


def sketch(
    tx: Transaction, run: str, key: str, most: int, first: int | None = None, last: int | None = None
) -> Points | None:
    """Points that are enough to draw a metric with `most`: all there are, or the outlines of large chunks."""
    sizes = store.chunk_sizes(tx, run, key)
    if not sizes:
        return None
    wanted = _overlapping(tx, run, key, sizes, first, last)
    if most <= 0 or sum(sizes[each] for each in wanted) <= EXACT:
        return _read(tx, run, key, wanted, first, last)
    low, high = _range(first, last)
    parts = []
    for row in store.outlines_of(tx, run, key):
        if row["first"] in wanted and low <= row["first_step"] and row["last_step"] <= high:
            parts.append(decode(row["data"]))
            wanted.discard(row["first"])
    return Points.joined([*parts, _read(tx, run, key, wanted, first, last)]).in_order()


def _overlapping(
    tx: Transaction, run: str, key: str, sizes: dict[int, int], first: int | None, last: int | None
) -> set[int]:
    """The chunks that may hold points of a range of steps."""
    if first is None and last is None:
        return set(sizes)
    low, high = _range(first, last)
    steps = store.steps_of(tx, run, key)
    return {
        begin for begin in sizes if begin not in steps or (steps[begin][0] <= high and low <= steps[begin][1])
    }


def _range(first: int | None, last: int | None) -> tuple[int, int]:
    return -(2**63) if first is None else first, 2**63 - 1 if last is None else last


def _read(
    tx: Transaction, run: str, key: str, firsts: set[int], first: int | None, last: int | None
) -> Points:
    parts = [decode(data) for _, _, data in store.chunks_of(tx, run, key, firsts)]
    points = Points.joined(parts) if parts else Points.none()
    if first is not None or last is not None:
        low, high = _range(first, last)
        points = points[(points.steps >= low) & (points.steps <= high)]
    return points.in_order()


def by_time(points: Points) -> Points:
    """The points in the order of their times."""
    return points[np.argsort(points.at_us, kind="stable")]


def shown(key: str, points: Points) -> list[Point]:
    """Points as records."""
    rows = zip(points.steps.tolist(), points.at_us.tolist(), points.values.tolist(), strict=True)
    return [Point(key=key, value=written(value), step=step, at=moment(at_us)) for step, at_us, value in rows]
