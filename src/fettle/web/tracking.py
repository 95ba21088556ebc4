"""Runs: a list that can be ordered by any metric, and one run with its curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fettle.acts import Surface
from fettle.core.errors import Invalid, NotFound
from fettle.web import curves
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.tables import PAGE_ROWS, Column, arrange, page_of

STATUSES = ("", "running", "finished", "failed", "killed")
SHOWN_METRICS = 5
MINOR = ("seconds", "duration")  # metrics that are shown only where there is room
SHOWN_CURVES = 24
SEARCHED_RUNS = 1000
CURVE_POINTS = 400


def read_runs(ws: Surface, asked: Asked) -> Facts:
    """The runs that the address asks for: by experiment, status and words."""
    experiments = ws.call("tracking.experiments")
    chosen = asked.text("experiment")
    if chosen and chosen not in {each.name for each in experiments}:
        raise NotFound.among("experiment", chosen, [each.name for each in experiments], hint="See /runs.")
    page = asked.whole("page", 1, low=1)
    searching = bool(asked.text("q"))
    runs = ws.call(
        "tracking.runs",
        experiment=chosen or None,
        status=asked.choice("status", STATUSES) or None,
        parent=asked.text("parent") or None,
        order_by=_order(asked.text("sort")),
        limit=SEARCHED_RUNS if searching else PAGE_ROWS + 1,
        offset=0 if searching else (page - 1) * PAGE_ROWS,
    )
    total = sum(each.runs for each in experiments if not chosen or each.name == chosen)
    return {"experiments": experiments, "runs": runs, "total": total}


def draw_runs(facts: Facts, asked: Asked) -> Facts:
    """The table, with a column for each of the metrics that most of the runs have."""
    runs = facts["runs"]
    keys = _frequent_metrics(runs)
    columns = [
        Column("name", "Run", lambda run: run.name or run.id),
        Column("", "Experiment"),
        Column("", "Status"),
        Column("started_at", "Started", lambda run: run.started_at),
        Column("", "Took", number=True),
        *(Column(f"metrics.{key}", key, _metric(key), number=True) for key in keys),
    ]
    if asked.text("q"):
        table = arrange(runs, columns, asked, words=_words)
    else:
        narrowed = bool(asked.text("status") or asked.text("parent"))
        total = len(runs) if narrowed and len(runs) <= PAGE_ROWS else facts["total"]
        table = page_of(runs, columns, asked, total=total, order="-started_at")
    return {"table": table, "keys": keys, "best": _best(table.rows, keys), "statuses": STATUSES[1:]}


def read_run(ws: Surface, asked: Asked) -> Facts:
    """One run: what went in, what came out, its parts and what became of it."""
    run = ws.call("tracking.show", run=asked.name("run"))
    parts = ws.call("tracking.runs", parent=run.id, order_by="started_at", limit=200)
    parts.sort(key=lambda part: part.id)  # ids tell the order also within one instant
    return {"run": run, "parts": parts, "versions": ws.call("registry.made_from", run_id=run.id)}


def read_run_page(ws: Surface, asked: Asked) -> Facts:
    """The run with the points of its curves, for the drawing that is there before any script runs."""
    facts = dict(read_run(ws, asked))
    curves = [each.key for each in facts["run"].summaries if each.count > 1][:SHOWN_CURVES]
    facts["curves"] = {
        key: ws.call("tracking.series", run=facts["run"].id, key=key, most=CURVE_POINTS) for key in curves
    }
    return facts


def draw_run(facts: Facts, _: Asked) -> Facts:
    """Curves of its metrics, and of what its parts reached one after another."""
    keys = _frequent_metrics(facts["parts"])
    return {
        "pictures": {key: draw_curve(key, points) for key, points in facts["curves"].items()},
        "part_keys": keys,
        "part_params": _varied_params(facts["parts"]),
        "progress": _progress(facts["parts"], keys),
    }


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
    zoomed = bool(asked.text("from") or asked.text("to"))
    points = ws.call("tracking.series", run=run.id, key=key, most=0 if zoomed else 4 * width)
    if zoomed:
        low, high = asked.whole("from", 0, low=-(10**15), high=10**15), asked.whole("to", 10**15, high=10**15)
        points = [point for point in points if low <= point.step <= high]
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


def draw_curve(key: str, points: Sequence[Any]) -> Any:
    """The drawing of one metric of one run."""
    line = curves.Line(
        key, [(point.step, point.value if isinstance(point.value, int | float) else None) for point in points]
    )
    label = f"{key} over {len(points)} steps"
    return curves.lines(
        [line], label=label, width=520, height=200, whole=True, x_text=lambda step: f"step {step:,.0f}"
    )


def _order(sort: str) -> str | None:
    return sort or None


def _frequent_metrics(runs: Sequence[Any]) -> list[str]:
    found = Counter(key for run in runs for key in run.metrics)
    return sorted(found, key=lambda key: (key in MINOR, -found[key]))[:SHOWN_METRICS]


def main_metric(run: Any) -> str:
    """The metric to show where there is room for one."""
    return next((key for key in run.metrics if key not in MINOR), "")


def _metric(key: str) -> Any:
    return lambda run: run.metrics.get(key)


def _words(run: Any) -> str:
    params = " ".join(f"{key}={value}" for key, value in run.params.items())
    tags = " ".join(f"{key}={value}" for key, value in run.tags.items())
    return f"{run.name} {run.experiment} {run.status} {run.author} {params} {tags}"


LESS_IS_BETTER = ("loss", "error", "rmse", "mae", "mse", "mape", "brier", "seconds", "gap")


def less_is_better(key: str) -> bool:
    """Whether a metric of this name is an error rather than a merit."""
    return any(word in key.casefold() for word in LESS_IS_BETTER)


def _best(runs: Sequence[Any], keys: Sequence[str]) -> dict[str, float]:
    best: dict[str, float] = {}
    for key in keys:
        values = [run.metrics[key] for run in runs if key in run.metrics]
        if len(set(values)) > 1:
            best[key] = min(values) if less_is_better(key) else max(values)
    return best


def _varied_params(runs: Sequence[Any]) -> list[str]:
    names = list(dict.fromkeys(key for run in runs for key in run.params))
    return [key for key in names if len({repr(run.params.get(key)) for run in runs}) > 1][:6]


def _progress(parts: Sequence[Any], keys: Sequence[str]) -> Any:
    """What each part reached, and the best so far."""
    if not keys or len(parts) < 3:
        return ""
    key = keys[0]
    reached = [part.metrics.get(key) for part in parts]
    choose = min if less_is_better(key) else max
    best: list[tuple[float, float | None]] = []
    for index, value in enumerate(reached):
        before = best[-1][1] if best else None
        known = [each for each in (before, value) if each is not None]
        best.append((index + 1, choose(known) if known else None))
    dots = [(index + 1, value) for index, value in enumerate(reached)]
    return curves.lines(
        [curves.Line("each trial", dots, "f", "dotted"), curves.Line("best so far", best, "a")],
        label=f"{key} of {len(parts)} trials",
        whole=True,
        x_text=lambda place: f"trial {place:.0f}",
        height=220,
    )


PAGES = (
    Page("/runs", "tracking/runs.html", read_runs, draw_runs),
    Page("/runs/{run}/series", "", read_series),
    Page("/runs/{run}", "tracking/run.html", read_run_page, draw_run),
)
