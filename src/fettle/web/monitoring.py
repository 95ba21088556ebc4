"""Monitoring: how well an endpoint does over time, and which features moved in which window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.monitoring.records import apart
from fettle.web import bars, curves, heat
from fettle.web.asked import Asked
from fettle.web.formats import day, metric
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

SHOWN_WINDOWS = 400
PREDICTION = "the prediction"
# Levels of bias-corrected PSI; 0.1 and 0.25 are the customary "moved" and "moved a lot".
PSI_LEVELS = (0.01, 0.025, 0.05, 0.1, 0.175, 0.25, 0.5, 1.0)
YARDSTICKS = "yardsticks"


def read_watches(ws: Surface, _: Asked) -> Facts:
    """What is watched, with the newest windows of each."""
    watches = ws.call("monitoring.watches")
    return {
        "watches": watches,
        "windows": {
            each.endpoint: ws.call("monitoring.windows", endpoint=each.endpoint, limit=60) for each in watches
        },
        "alerts": ws.call("monitoring.alerts", status="open", limit=200),
    }


def draw_watches(facts: Facts, _: Asked) -> Facts:
    """Each watch with its newest judged window."""
    windows = facts["windows"]
    return {
        "sparks": {
            name: bars.spark(
                [_value(each) for each in its if _value(each) is not None], label="performance by window"
            )
            for name, its in windows.items()
        },
        "latest": {
            name: next((each for each in reversed(its) if each.performance), None)
            for name, its in windows.items()
        },
        "newest": {name: its[-1] if its else None for name, its in windows.items()},
        "open": {name: sum(each.endpoint == name for each in facts["alerts"]) for name in windows},
    }


def read_watch(ws: Surface, asked: Asked) -> Facts:
    """One endpoint's windows, its alerts, how its champion changed, and what the models are compared with."""
    name = asked.name("endpoint")
    windows = ws.call("monitoring.windows", endpoint=name, limit=SHOWN_WINDOWS)
    watch = next(each for each in ws.call("monitoring.watches") if each.endpoint == name)
    return {
        "watch": watch,
        "windows": windows,
        "alerts": ws.call("monitoring.alerts", endpoint=name, limit=200),
        "moves": read_moves(ws, name),
        "yardsticks": read_yardsticks(ws, name),
    }


def read_moves(ws: Surface, endpoint: str) -> list[Any]:
    """The moves of the alias that an endpoint serves, oldest first; none once it is taken away."""
    served = next((each for each in ws.call("serving.endpoints") if each.name == endpoint), None)
    if served is None:
        return []
    return ws.call("registry.history", model=served.model, alias=served.alias)[::-1]


def read_yardsticks(ws: Surface, endpoint: str) -> dict[str, list[Any]]:
    """Curves to hold an endpoint's performance against, such as the first model had it stayed.

    They are the metrics of the newest run in the experiment `yardsticks` whose tag `compares` names the endpoint.
    """
    runs = ws.call("tracking.runs", experiment=YARDSTICKS, limit=50)
    run = next((each for each in runs if each.tags.get("compares") == endpoint), None)
    if run is None:
        return {}
    return {
        key: ws.call("tracking.series", run=run.id, key=key, most=0) for key in run.metrics if key != "loop"
    }


def draw_watch(facts: Facts, asked: Asked) -> Facts:
    """Performance over time, the heat map of drift, and the cell that was chosen."""
    windows = facts["windows"]
    chosen, feature = _chosen(windows, asked)
    judged = [each for each in windows if each.performance]
    return {
        "performance": draw_performance(windows, facts["yardsticks"], facts["moves"]),
        "heat": draw_heat(windows, asked),
        "legend": heat.legend("as in training", "PSI ≥ 1"),
        "rows": draw_rows(windows),
        "apart": apart(windows),
        "latest": judged[-1] if judged else None,
        "newest": windows[-1] if windows else None,
        "open": [each for each in facts["alerts"] if each.status == "open"],
        "chosen": chosen,
        "feature": feature,
        "drift": _drift_of(chosen, feature) if chosen else None,
        "table": arrange(windows, WINDOW_COLUMNS, asked, order="-start"),
    }


def _value(window: Any) -> float | None:
    return window.performance.value if window.performance else None


WINDOW_COLUMNS = (
    Column("start", "Window", lambda each: (each.start_at, each.version)),
    Column("version", "Version", lambda each: each.version, number=True),
    Column("rows", "Rows", lambda each: each.rows, number=True),
    Column("errors", "Refused", lambda each: each.errors, number=True),
    Column("labelled", "Labelled", lambda each: each.coverage, number=True),
    Column("value", "Performance", _value, number=True),
    Column("", "Interval", number=True),
    Column("verdict", "Verdict", lambda each: each.verdict),
)


@dataclass(frozen=True)
class Judged:
    """How well an endpoint did in one window, whichever versions answered in it.

    `value` is the mean of the versions' values, weighted by their labelled rows; `band` is the interval of the only
    version, None where there were several.
    """

    start_at: datetime
    end_at: datetime
    metric: str
    value: float
    band: tuple[float, float] | None


def by_window(windows: Sequence[Any]) -> list[Judged]:
    """Put the versions of each window together; windows without labels are left out."""
    together: dict[tuple[datetime, datetime], list[Any]] = {}
    for each in windows:
        if each.performance is not None and each.performance.rows:
            together.setdefault((each.start_at, each.end_at), []).append(each.performance)
    judged = []
    for (start_at, end_at), parts in sorted(together.items()):
        rows = sum(part.rows for part in parts)
        value = sum(part.value * part.rows for part in parts) / rows
        band = (parts[0].low, parts[0].high) if len(parts) == 1 else None
        judged.append(Judged(start_at, end_at, parts[0].metric, value, band))
    return judged


def draw_performance(
    windows: Sequence[Any], yardsticks: dict[str, list[Any]], moves: Sequence[Any], height: int = 300
) -> Any:
    """The metric of each window with its interval, beside the yardsticks; a mark where the version changed."""
    known = by_window(windows)
    if not known:
        return ""
    points = [(curves.seconds(each.end_at), each.value) for each in known]
    lines = [curves.Line("champion", points, "a", band=[each.band for each in known])]
    styles = {"frozen": ("frozen first model", "b", "dashed"), "baseline": ("baseline", "f", "dotted")}
    for key, told in yardsticks.items():
        title, tone, style = styles.get(key, (key, "c", "dashed"))
        points = [(curves.seconds(each.at), finite(each.value)) for each in told if each.at]
        lines.append(curves.Line(title, points, tone, style))
    accepted = next((each.performance.accepted for each in reversed(windows) if each.performance), None)
    return curves.lines(
        lines,
        marks=marks_of(moves, skip_first=True),
        limit=(accepted, "least accepted now") if accepted is not None else None,
        label=f"{known[-1].metric} of {len(known)} windows",
        times=True,
        y_text=lambda value: f"{value:.3f}" if abs(value) < 10 else metric(value),
        height=height,
    )


def marks_of(moves: Sequence[Any], *, skip_first: bool = False) -> list[curves.Mark]:
    """A mark for each move of an alias: filled for a promotion, hollow for a way back."""
    return [
        curves.Mark(
            curves.seconds(each.at),
            f"{day(each.at)}: {each.move} v{each.version}" + (f"\n{each.reason}" if each.reason else ""),
            each.move == "promoted",
        )
        for each in moves[1 if skip_first else 0 :]
        if each.version is not None
    ]


def draw_heat(windows: Sequence[Any], asked: Asked) -> Any:
    """Features by windows; the deeper the colour the further from the reference, a ring where it is significant."""
    judged = [each for each in windows if each.drift]
    if not judged:
        return ""
    features = _features(judged)
    rows = [(name, [_cell(each, name, asked) for each in judged]) for name in [*features, PREDICTION]]
    marks = [
        (index, f"from here on v{window.version}")
        for index, window in enumerate(judged)
        if index and window.version != judged[index - 1].version
    ]
    label = f"Drift of {len(features)} features in {len(judged)} windows; the arrow keys go from cell to cell"
    return heat.draw(
        rows, [day(each.start_at).rsplit(" ", 1)[0] for each in judged], label=label, marks=marks
    )


def draw_rows(windows: Sequence[Any]) -> Any:
    """How many rows each window has, and how many of them have their label."""
    rows: dict[float, list[int]] = {}
    for each in windows:
        counted = rows.setdefault(curves.seconds(each.end_at), [0, 0])
        counted[0] += each.rows
        counted[1] += each.labelled
    if len(rows) < 2:
        return ""
    answered = curves.Line("rows", [(at, counted[0]) for at, counted in sorted(rows.items())], "f")
    labelled = curves.Line(
        "labelled", [(at, counted[1]) for at, counted in sorted(rows.items())], "c", "dashed"
    )
    return curves.lines(
        [answered, labelled], label="Rows by window", times=True, y_range=(0, None), height=150
    )


def _features(windows: Sequence[Any]) -> list[str]:
    """All features, the one that moved most (summed over the windows) first."""
    moved: dict[str, float] = {}
    for window in windows:
        for name, drift in window.drift.items():
            moved[name] = moved.get(name, 0.0) + min(max(drift.psi_corrected, 0.0), 2.0)
    return sorted(moved, key=lambda name: (-moved[name], name))


def _cell(window: Any, feature: str, asked: Asked) -> heat.Cell:
    drift = _drift_of(window, feature)
    when = f"{day(window.start_at)} – {day(window.end_at)}, v{window.version}"
    if drift is None:
        return heat.Cell(None, f"{feature}\n{when}\nnot enough data")
    said = f"\n{', '.join(drift.signals)}" if drift.signals else ""
    tip = f"{feature}\n{when}\nPSI {drift.psi_corrected:.3f}, adjusted p {drift.p_adjusted:.2g}\n{drift.severity}{said}"
    significant = drift.severity in ("warning", "critical")
    href = (
        asked.link(at=window.start_at.isoformat(), version=window.version, feature=feature, page=None)
        + "#cell"
    )
    return heat.Cell(heat.level_of(drift.psi_corrected, PSI_LEVELS), tip, significant, href)


def _drift_of(window: Any, feature: str) -> Any:
    return window.prediction if feature == PREDICTION else window.drift.get(feature)


def _chosen(windows: Sequence[Any], asked: Asked) -> tuple[Any, str]:
    text, feature = asked.text("at"), asked.text("feature")
    if not text:
        return None, ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            "`at` must be an instant.", found=repr(text), hint="As in 1997-03-01T00:00:00+00:00."
        ) from error
    version = asked.whole("version", 0)
    found = [each for each in windows if each.start_at == at and version in (0, each.version)]
    return (found[0], feature) if found else (None, "")


def finite(value: Any) -> float | None:
    """The value of a point, or None where it is no finite number."""
    return value if isinstance(value, int | float) else None


PAGES = (
    Page("/monitoring", "monitoring/watches.html", read_watches, draw_watches),
    Page("/monitoring/{endpoint}", "monitoring/watch.html", read_watch, draw_watch),
)
