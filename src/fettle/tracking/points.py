"""Put points into chunks, outlines and summaries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from fettle.core.errors import Invalid
from fettle.tracking.chunks import Points, decode, encode
from fettle.tracking.layout import OUTLINED, pieces, rewritten_from
from fettle.tracking.records.metrics import Column, Metric, Point, written
from fettle.tracking.store import metrics as store
from fettle.tracking.thinning import thin

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

_OUTLINE = 130
"""Points in the outline of a chunk: its ends, and two for each of 64 stretches."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = 253_402_300_799_999_999  # the last microsecond of the year 9999


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


def columns_of_packed(column: Column) -> Points:
    """A packed column as columns.

    Raises:
        Invalid: Its parts differ in length, or a time is before 1970 or behind the year 9999.
    """
    lengths = {len(column.steps), len(column.at_us), len(column.values)}
    if len(lengths) > 1 or lengths.pop() % 8:
        raise Invalid(
            f"The column of {column.key[:80]!r} has parts of different lengths.",
            found=f"{len(column.steps)}, {len(column.at_us)} and {len(column.values)} bytes",
            hint="Eight bytes a point in each of them.",
        )
    found = Points(*column.arrays())
    if len(found) and not (found.at_us.min() >= 0 and found.at_us.max() <= _LAST_US):
        raise Invalid("A point lies outside of time.", hint="Microseconds since 1970, before the year 10000.")
    return found


def add(tx: Transaction, run: str, columns: dict[str, Points]) -> int:
    """Append columns to the run's chunks and renew its summaries; return how many points that were.

    A handful of statements, however many metrics there are.
    """
    columns = {key: each for key, each in columns.items() if len(each)}
    found = store.find_metrics(tx, run, list(columns))
    known = {key: each if each.finite is not None else _summed(tx, run, each) for key, each in found.items()}
    counts = {key: known[key].count if key in known else 0 for key in columns}
    growing = {key: before for key, before in counts.items() if before}
    starts = {key: rewritten_from(before, before + len(columns[key])) for key, before in growing.items()}
    there = store.chunks_from(tx, run, starts)
    made: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    sketches: list[dict[str, Any]] = []
    for key, new in columns.items():
        first, old = _rewritten(tx, run, key, starts.get(key, 0), counts[key], there.get(key, []))
        whole = Points.joined([*(decode(data) for _, _, data in old), new]) if old else new
        firsts = set()
        for begin, count in pieces(first, first + len(whole)):
            part = whole[begin - first : begin - first + count]
            made.append({"run": run, "key": key, "first": begin, "count": count, "data": encode(part)})
            if count >= OUTLINED:
                sketches.append({"run": run, "key": key, "first": begin, **outline(part)})
            firsts.add(begin)
        gone += [{"run": run, "key": key, "first": begin} for begin, _, _ in old if begin not in firsts]
    store.put_metrics(tx, run, [summary(key, new, known.get(key)) for key, new in columns.items()])
    store.drop_chunks(tx, gone)
    store.put_chunks(tx, made)
    store.put_outlines(tx, sketches)
    return sum(map(len, columns.values()))


def _summed(tx: Transaction, run: str, metric: Metric) -> Metric:
    """A summary of an earlier version, which kept no sum."""
    parts = [decode(data) for _, _, data in store.chunks_of(tx, run, metric.key)]
    points = Points.joined(parts)
    finite = points.values[np.isfinite(points.values)]
    fields = {"total": exact_sum(finite), "finite": len(finite), "first_step": int(points.steps.min())}
    return msgspec.structs.replace(metric, **fields)


def _rewritten(
    tx: Transaction, run: str, key: str, start: int, before: int, found: list[store.Chunk]
) -> tuple[int, list[store.Chunk]]:
    """The chunks that an append rewrites, and the first point in them."""
    if sum(count for _, count, _ in found) == before - start:
        return start, found
    older = list(store.chunks_of(tx, run, key, behind=start))  # cut otherwise, by an earlier version
    return older[0][0], older


def summary(key: str, new: Points, known: Metric | None) -> Metric:
    """The summary of a metric after `new` points were added to what is `known`."""
    place = last_of(new)
    step, at, value = int(new.steps[place]), moment(int(new.at_us[place])), written(float(new.values[place]))
    low, high, total, count = _span(new.values)
    first_step = int(new.steps.min()) if len(new) > 1 else step
    if known is not None:
        if (known.step, known.at, _rank(known.last)) > (step, at, _rank(value)):
            step, at, value = known.step, known.at, known.last
        low = min((each for each in (low, known.low) if each is not None), default=None)
        high = max((each for each in (high, known.high) if each is not None), default=None)
        total, count = total + (known.total or 0.0), count + (known.finite or 0)
        first_step = min(first_step, known.step if known.first_step is None else known.first_step)
    return Metric(
        key=key,
        last=value,
        step=step,
        at=at,
        low=low,
        high=high,
        count=len(new) + (known.count if known else 0),
        mean=total / count if count else None,
        total=total,
        finite=count,
        first_step=first_step,
    )


def _span(values: np.ndarray) -> tuple[float | None, float | None, float, int]:
    """The lowest, the highest, the sum and the number of those that are finite."""
    if len(values) == 1:  # of very many metrics there is often one value each
        value = float(values[0])
        return (value, value, math.fsum((value,)), 1) if math.isfinite(value) else (None, None, 0.0, 0)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None, None, 0.0, 0
    return float(finite.min()), float(finite.max()), exact_sum(finite), len(finite)


def _rank(value: float | str) -> float:
    """A value among those of one moment; NaN comes first."""
    number = float(value)
    return -math.inf if math.isnan(number) else number


def outline(points: Points) -> dict[str, Any]:
    """A chunk at a glance: its summary, and the lowest and highest point of each 64th of it."""
    ordered = points.in_order()
    finite = np.flatnonzero(np.isfinite(ordered.values))
    values = ordered.values[finite]
    low = finite[int(values.argmin())] if len(finite) else None
    high = finite[int(values.argmax())] if len(finite) else None
    last = float(ordered.values[-1])
    return {
        "count": len(points),
        "first_step": int(ordered.steps[0]),
        "last_step": int(ordered.steps[-1]),
        "first_at": moment(int(ordered.at_us.min())),
        "last_at": moment(int(ordered.at_us.max())),
        "low": None if low is None else float(ordered.values[low]),
        "low_step": None if low is None else int(ordered.steps[low]),
        "high": None if high is None else float(ordered.values[high]),
        "high_step": None if high is None else int(ordered.steps[high]),
        "last": None if math.isnan(last) else last,
        "finite": len(finite),
        "total": exact_sum(values),
        "data": encode(thin(ordered, _OUTLINE)),
    }


def last_of(points: Points) -> int:
    """The place of the last value: the highest step, of these the latest time, of these the greatest value.

    The greatest rather than the last logged, so that the answer does not depend on who carried its points first, and
    is the one that MLflow gives.
    """
    if len(points) == 1:
        return 0
    highest = np.flatnonzero(points.steps == points.steps.max())
    times = points.at_us[highest]
    latest = highest[times == times.max()]
    return int(latest[np.argmax(np.where(np.isnan(points.values[latest]), -np.inf, points.values[latest]))])


def exact_sum(values: np.ndarray) -> float:
    """The sum, rounded once (Shewchuk's algorithm, as `math.fsum`); infinite where it is beyond the greatest float."""
    try:
        return math.fsum(values.tolist())
    except OverflowError:
        with np.errstate(over="ignore"):
            return float(values.sum())
