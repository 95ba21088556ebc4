"""Histories as MLflow shows them: whole milliseconds, identical points once, ordered by time, step and value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fettle.core.errors import NotFound
from fettle.protocols.mlflow.calls import Call

if TYPE_CHECKING:
    from fettle.tracking.records.metrics import Column


class Sample(NamedTuple):
    """One point."""

    timestamp: int
    step: int
    value: float


def history(call: Call, run: str, key: str) -> list[Sample]:
    """All points of a metric of a run; none if the run or the metric is not there."""
    try:
        column = call.perform("tracking.history", run=run, key=key)
    except NotFound:
        return []
    return samples(column)


def samples(column: Column) -> list[Sample]:
    """Packed points in MLflow's order, each once; NaN comes behind all numbers, as it sorts."""
    import numpy as np

    times = np.frombuffer(column.at_us, "<i8") // 1000
    steps = np.frombuffer(column.steps, "<i8")
    values = np.frombuffer(column.values, "<f8")
    if not len(values):
        return []
    order = np.lexsort((values, steps, times))
    times, steps, values = times[order], steps[order], values[order]
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    again = same & (steps[1:] == steps[:-1]) & (times[1:] == times[:-1])
    keep = np.concatenate([[True], ~again])
    rows = zip(times[keep].tolist(), steps[keep].tolist(), values[keep].tolist(), strict=True)
    return [Sample(*row) for row in rows]


def histories(call: Call, run_ids: Sequence[str], key: str) -> dict[str, list[Sample]]:
    """The histories of one metric of many runs, in the order of the runs."""
    return {run: history(call, run, key) for run in dict.fromkeys(run_ids)}


def thinned(
    found: dict[str, list[Sample]], first: int | None, last: int | None, most: int
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
            chosen |= {pick(each.step for each in some) for pick in (min, max) if some}
    return {
        run: sorted(
            (each for each in some if each.step in chosen), key=lambda each: (each.step, each.timestamp)
        )
        for run, some in found.items()
    }
