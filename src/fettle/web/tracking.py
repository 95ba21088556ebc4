"""What the pages of runs share: which metrics matter, which way is better, and the points of a curve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page

SHOWN_METRICS = 5
MINOR = ("seconds", "duration", "epoch")  # metrics that are shown only where there is room
SYSTEM = "system/"
LESS_IS_BETTER = ("loss", "error", "rmse", "mae", "mse", "mape", "brier", "seconds", "gap")


def read_series(ws: Surface, asked: Asked) -> Facts:
    """The points of one curve for a chart of so many pixels: of each stretch the lowest, the highest and the last.

    Nothing is sampled: a spike is in the band whatever the width.
    """
    key = asked.text("key")
    if not key:
        raise Invalid("Which metric?", found="no key in the address", hint="Add ?key=NAME.")
    run = ws.call("tracking.show", run=asked.name("run"))
    known = next((each for each in run.summaries if each.key == key), None)
    width = asked.whole("width", 800, low=50, high=4000)
    ends = [
        asked.whole(field, 0, low=-(2**62), high=2**62) if asked.text(field) else None
        for field in ("from", "to")
    ]
    points = ws.call(
        "tracking.series", run=run.id, key=key, most=4 * width, from_step=ends[0], to_step=ends[1]
    )
    live = run.status == "running"
    return {"key": key, "total": known.count if known else 0, "live": live, **buckets(points, width)}


def buckets(points: Sequence[Any], width: int) -> dict[str, list[Any]]:
    """Cut points, in order of their steps, into at most `width` stretches: first step, low, high and last of each.

    What is not a finite number counts as a gap.
    """
    steps: list[int] = []
    low: list[float | None] = []
    high: list[float | None] = []
    last: list[float | None] = []
    size = max(1, -(-len(points) // width))
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        values = [point.value for point in stretch if isinstance(point.value, int | float)]
        if steps and stretch[0].step <= steps[-1]:
            continue  # the same step again: a chart needs rising ones
        steps.append(stretch[0].step)
        low.append(min(values) if values else None)
        high.append(max(values) if values else None)
        last.append(values[-1] if values else None)
    return {"steps": steps, "low": low, "high": high, "last": last}


def frequent_metrics(runs: Sequence[Any], most: int = SHOWN_METRICS) -> list[str]:
    """The metrics that most runs have; those of the machine not at all, minor ones last."""
    found = Counter(
        key for run in runs for key in run.metrics if not key.startswith(SYSTEM) and "`" not in key
    )
    return sorted(found, key=lambda key: (key in MINOR, -found[key]))[:most]


def main_metric(run: Any) -> str:
    """The metric to show where there is room for one."""
    return next((key for key in run.metrics if key not in MINOR and not key.startswith(SYSTEM)), "")


def less_is_better(key: str) -> bool:
    """Whether a metric of this name is an error rather than a merit."""
    return any(word in key.casefold() for word in LESS_IS_BETTER)


def best_of(key: str, values: Sequence[Any]) -> float | None:
    """The best of the values of a metric; None where they are all the same."""
    known = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(set(known)) < 2:
        return None
    return min(known) if less_is_better(key) else max(known)


def varied_params(runs: Sequence[Any], most: int = 6) -> list[str]:
    """The parameters in which runs differ."""
    names = list(dict.fromkeys(key for run in runs for key in run.params))
    return [key for key in names if len({repr(run.params.get(key)) for run in runs}) > 1][:most]


PAGES = (Page("/runs/{run}/series", "", read_series),)
