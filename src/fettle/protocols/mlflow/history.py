"""Histories as MLflow shows them: whole milliseconds, identical points once, ordered by time, step and value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, overload

import msgspec

from fettle.core.errors import NotFound
from fettle.protocols.mlflow.calls import Call
from fettle.protocols.mlflow.translate import LARGEST
from fettle.tracking.records.metrics import Column

if TYPE_CHECKING:
    import numpy as np


class Sample(NamedTuple):
    """One point."""

    timestamp: int
    step: int
    value: float


class Samples(Sequence[Sample]):
    """Points as columns, which become rows only where they are looked at: a page does not pay for the others."""

    def __init__(self, times: np.ndarray, steps: np.ndarray, values: np.ndarray) -> None:
        self._columns = (times, steps, values)

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> list[Sample]: ...
    def __getitem__(self, place: int | slice) -> Sample | list[Sample]:
        if isinstance(place, int):
            return self[place : place + 1 or None][0]
        rows = zip(*(each[place].tolist() for each in self._columns), strict=True)
        return [Sample(*row) for row in rows]

    def shown(self, key: str, start: int, end: int) -> msgspec.Raw:
        """A page of them as JSON of MLflow's `Metric`s: infinities are the largest floats, NaN is a text.

        Each column becomes text as a whole, and the texts go into one template of all rows.
        """
        import numpy as np

        times, steps, values = (each[start:end] for each in self._columns)
        shown = _texts(np.clip(values, -LARGEST, LARGEST))
        for place in np.flatnonzero(np.isnan(values)).tolist():
            shown[place] = b'"NaN"'
        row = b'{"key":%s,"value":%%b,"timestamp":%%b,"step":%%b},' % _key(key)
        cells = chain.from_iterable(zip(shown, _texts(times), _texts(steps), strict=True))
        return msgspec.Raw(b"[%b]" % (row * len(shown) % tuple(cells))[:-1])

    def __iter__(self) -> Iterator[Sample]:
        return iter(self[:])


def _texts(column: np.ndarray) -> list[bytes]:
    return msgspec.json.encode(column.tolist())[1:-1].split(b",") if len(column) else []


def _key(key: str) -> bytes:
    """The key as JSON, safe within a template."""
    return msgspec.json.encode(key).replace(b"%", b"%%")


def history(call: Call, run: str, key: str) -> Samples:
    """All points of a metric of a run; none if the run or the metric is not there."""
    try:
        column = call.perform("tracking.history", run=run, key=key)
    except NotFound:
        column = Column(key, b"", b"", b"")
    return samples(column)


def samples(column: Column) -> Samples:
    """Packed points in MLflow's order, each once; NaN comes behind all numbers, as it sorts."""
    import numpy as np

    times = np.frombuffer(column.at_us, "<i8") // 1000
    steps = np.frombuffer(column.steps, "<i8")
    values = np.frombuffer(column.values, "<f8")
    if (times[1:] > times[:-1]).all():
        return Samples(times, steps, values)
    order = np.lexsort((values, steps, times))
    times, steps, values = times[order], steps[order], values[order]
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    again = same & (steps[1:] == steps[:-1]) & (times[1:] == times[:-1])
    keep = np.concatenate([np.ones(min(1, len(times)), bool), ~again])
    return Samples(times[keep], steps[keep], values[keep])


def histories(call: Call, run_ids: Sequence[str], key: str) -> dict[str, Sequence[Sample]]:
    """The histories of one metric of many runs, in the order of the runs."""
    return {run: history(call, run, key) for run in dict.fromkeys(run_ids)}


def thinned(
    found: Mapping[str, Sequence[Sample]], first: int | None, last: int | None, most: int
) -> dict[str, list[Sample]]:
    """Points at about `most` steps, evenly chosen among all steps of all runs, with the ends of each run.

    Args:
        found: Run → points.
        first: The least step; None means no bound.
        last: The greatest.
        most: How many steps, the ends apart.
    """
    if first is not None and last is not None:
        found = {run: [each for each in some if first <= each.step <= last] for run, some in found.items()}
    steps = sorted({each.step for some in found.values() for each in some})
    chosen = set(steps)
    if len(steps) > most:
        chosen = {steps[index * len(steps) // most] for index in range(most)} | {steps[-1]}
        for some in found.values():
            chosen |= {pick(each.step for each in some) for pick in (min, max) if len(some)}
    return {
        run: sorted(
            (each for each in some if each.step in chosen), key=lambda each: (each.step, each.timestamp)
        )
        for run, some in found.items()
    }
