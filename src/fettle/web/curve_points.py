"""The points of one metric of some runs, for a chart of so many pixels."""

from __future__ import annotations

from fettle.acts import Surface
from fettle.core.errors import Invalid, NotFound
from fettle.web.asked import Asked
from fettle.web.overlay import look_of, read_curves
from fettle.web.site import Facts, Page

MOST_RUNS = 50
MOST_POINTS = 60_000
"""Of all curves together, so that a chart is drawn at once."""


def read_points(ws: Surface, asked: Asked) -> Facts:
    """The curves, thinned to what the chart has room for; the extremes of each stretch stay, so no spike is lost."""
    key, ids = asked.text("key"), asked.every("run")
    if not key or not 1 <= len(ids) <= MOST_RUNS:
        raise Invalid(
            "Which metric of which runs?",
            found=f"key={key[:40]!r} and {len(ids)} runs",
            hint=f"Add ?key=NAME&run=ID, with up to {MOST_RUNS} runs.",
        )
    width, look = asked.whole("width", 800, low=50, high=4000), look_of(asked)
    runs = {run.id: run for run in ws.call("tracking.runs_of", ids=ids)}
    if missing := [each for each in ids if each not in runs]:
        raise NotFound(f"There is no run {missing[0][:80]!r}.", hint="See /runs.")
    if asked.text("from") or asked.text("to"):
        ends = [
            asked.whole(field, 0, low=-(2**62), high=2**62) if asked.text(field) else None
            for field in ("from", "to")
        ]
        found = ws.call(
            "tracking.curves",
            runs=ids,
            key=key,
            most=_most(width, len(ids)),
            x=look.x,
            smoothing=look.smoothing,
            from_step=ends[0],
            to_step=ends[1],
        )
    else:
        found = read_curves(ws, ids, key, look, _most(width, len(ids)))
    return {
        "key": key,
        "x": look.x,
        "live": any(run.status == "running" for run in runs.values()),
        "curves": [
            {
                "run": each.run,
                "name": runs[each.run].name,
                "place": ids.index(each.run),
                "x": each.x,
                "y": each.y,
                "raw": each.raw,
            }
            for each in found
        ],
    }


def _most(width: int, runs: int) -> int:
    return max(50, min(2 * width, MOST_POINTS // runs))


PAGES = (Page("/runs/curves", "", read_points),)
