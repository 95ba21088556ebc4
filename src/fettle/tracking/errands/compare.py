"""What the numbers of many runs say: whether groups differ, and which parameter mattered."""

from __future__ import annotations

import itertools
import math
from typing import Any

import msgspec

from fettle.acts import Surface, errand
from fettle.core.errors import Invalid
from fettle.tracking.records.comparisons import Contrast, Importances
from fettle.tracking.records.search import Table
from fettle.tracking.search import spelled

MOST_GROUPS = 10
MOST_RUNS = 10_000


@errand("tracking.contrast", reads=True)
def contrast(
    ws: Surface,
    metric: str,
    groups: list[str],
    *,
    pair_by: str = "params.seed",
    experiments: list[str] | None = None,
) -> list[Contrast]:
    """Test whether groups of runs differ in a metric by more than the chance of their seeds.

    Every two groups are compared: Welch's t, Mann-Whitney, and where seeds pair, the paired t and Wilcoxon's test;
    effect sizes, a bootstrap interval of the difference, and Holm's correction when there are several comparisons.

    Args:
        metric: Its key, or a field such as `metrics.loss.min`.
        groups: A search for each group, such as `params.model = "tree"`; 2 to 10.
        pair_by: What makes two runs of different groups a pair.
        experiments: Only runs of these.
    """
    from fettle.tracking.compare import contrasts

    if not 2 <= len(groups) <= MOST_GROUPS:
        raise Invalid(f"2 to {MOST_GROUPS} groups can be contrasted.", found=str(len(groups)))
    field = metric if metric.startswith("metrics.") else spelled("metrics", metric)
    values = [_values(ws, field, pair_by, where, experiments) for where in groups]
    found = [
        contrasts.contrast(groups[a], groups[b], values[a], values[b])
        for a, b in itertools.combinations(range(len(groups)), 2)
    ]
    corrected = contrasts.holm([each.p for each in found])
    return [msgspec.structs.replace(each, holm_p=p) for each, p in zip(found, corrected, strict=True)]


def _values(
    ws: Surface, field: str, pair_by: str, where: str, experiments: list[str] | None
) -> dict[Any, list[float]]:
    """The finite values of a group by what pairs them."""
    table: Table = ws.call(
        "tracking.table", fields=[field, pair_by], where=where, experiments=experiments, limit=MOST_RUNS
    )
    found: dict[Any, list[float]] = {}
    for value, key in zip(*table.columns, strict=True):
        if isinstance(value, int | float) and math.isfinite(value):
            found.setdefault(None if key is None else str(key), []).append(float(value))
    return found


@errand("tracking.importance", reads=True)
def importance(
    ws: Surface, metric: str, *, where: str = "", experiments: list[str] | None = None, limit: int = 1000
) -> Importances:
    """Rank parameters by how much they have to do with a metric.

    A random forest learns the metric from the parameters; a parameter is as important as its predictions of runs it
    has not seen get worse when the parameter is shuffled. Spearman's rank correlation stands beside it.

    Args:
        metric: Its key.
        where: Which runs.
        experiments: Only runs of these.
        limit: At most so many, the newest.
    """
    from fettle.tracking.compare.importance import importance as ranked

    page = ws.call(
        "tracking.search", where=where, experiments=experiments, limit=max(0, min(limit, MOST_RUNS))
    )
    runs = [each for each in page.runs if metric in each.metrics]
    return ranked(metric, [each.params for each in runs], [each.metrics[metric] for each in runs])
