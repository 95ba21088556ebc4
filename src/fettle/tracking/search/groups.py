"""Runs that agree in something, summed up: what repeated seeds say together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any, Literal

from fettle.core import canonical
from fettle.tracking.records.search import Group

Best = Literal["greatest", "least"]


def grouped(
    ids: Sequence[str],
    by: Sequence[str],
    keys: Sequence[Sequence[Any]],
    metrics: Sequence[str],
    values: Sequence[Sequence[Any]],
    best: Best = "greatest",
) -> list[Group]:
    """Sum up each metric over the runs of each group, the group with the best mean first.

    Args:
        ids: The runs.
        by: Names of what they are grouped by.
        keys: For each of these a value for each run, None where it is lacking.
        metrics: Names of the metrics.
        values: For each of these a value for each run.
        best: Which value is the better one.

    Returns:
        For each group as many records as there are metrics. Values that are missing or not finite count as runs only.
    """
    members: dict[bytes, list[int]] = {}
    for place in range(len(ids)):
        members.setdefault(
            canonical.encode([str(column[place]) if column[place] is not None else None for column in keys]),
            [],
        ).append(place)
    found = [
        [
            _summed(
                ids,
                {name: column[places[0]] for name, column in zip(by, keys, strict=True)},
                places,
                metric,
                column,
                best,
            )
            for metric, column in zip(metrics, values, strict=True)
        ]
        for places in members.values()
    ]
    sign = -1 if best == "greatest" else 1
    found.sort(key=lambda group: math.inf if not group or group[0].mean is None else sign * group[0].mean)
    return [each for group in found for each in group]


def _summed(
    ids: Sequence[str], by: dict[str, Any], places: list[int], metric: str, column: Sequence[Any], best: Best
) -> Group:
    usable = [
        place for place in places if isinstance(column[place], int | float) and math.isfinite(column[place])
    ]
    numbers = [float(column[place]) for place in usable]
    if not numbers:
        return Group(by, metric, len(places), 0)
    choose = max if best == "greatest" else min
    mean = statistics.fmean(numbers)
    std, half = spread(numbers)
    return Group(
        by=by,
        metric=metric,
        runs=len(places),
        count=len(numbers),
        mean=mean,
        std=std,
        low95=None if half is None else mean - half,
        high95=None if half is None else mean + half,
        median=statistics.median(numbers),
        low=min(numbers),
        high=max(numbers),
        best=ids[choose(usable, key=lambda place: column[place])],
    )


def spread(numbers: Sequence[float], confidence: float = 0.95) -> tuple[float | None, float | None]:
    """Standard deviation (n - 1), and half the width of the interval of the mean; None for fewer than two values.

    By Student's t. Source: Student (1908), "The probable error of a mean", Biometrika 6.
    """
    if len(numbers) < 2:
        return None, None
    from scipy.special import stdtrit

    std = statistics.stdev(numbers)
    quantile = float(stdtrit(len(numbers) - 1, 0.5 + confidence / 2))
    return std, quantile * std / math.sqrt(len(numbers))
