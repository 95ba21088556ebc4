"""Runs side by side: what they differ in, their curves over each other, and what many of them say together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import msgspec

from fettle.acts import Surface
from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.web import overlay, plots, searching
from fettle.web.asked import Asked
from fettle.web.formats import segment
from fettle.web.site import Facts, Page
from fettle.web.tracking import MINOR, best_of, frequent_metrics, varied_params

MOST_SIDE_BY_SIDE = 50
SHOWN_SIDE_BY_SIDE = 10
MOST_RUNS = 500
SHOWN_CURVES = 4
MOST_CONTRASTED = 6
MOST_AXES = 8
MOST_VALUES = 8
SEED = "seed"
SECTIONS = {
    "about": "About", "params": "Parameters", "metrics": "Metrics", "tags": "Tags", "code": "Code",
    "environment": "Environment", "data": "Data",
}  # fmt: skip


def read_comparison(ws: Surface, asked: Asked) -> Facts:
    """The runs that the address names, or those that its search finds, and what is known of them together."""
    runs = _runs(ws, asked)
    look = overlay.look_of(asked)
    side = runs[: MOST_SIDE_BY_SIDE if asked.every("run") else SHOWN_SIDE_BY_SIDE]
    keys = frequent_metrics(runs, most=200)
    target = _target(asked, keys)
    return {
        "runs": runs,
        "side": side,
        "look": look,
        "keys": keys,
        "target": target,
        "comparison": ws.call("tracking.compare", runs=[run.id for run in side], all=bool(asked.text("all")))
        if len(side) > 1
        else None,
        "curves": _curves(ws, side, asked.every("metric") or keys, look, bool(asked.every("metric"))),
        **_groups(ws, runs, asked, target),
        "importance": _importance(ws, runs, target) if asked.text("importance") and target else None,
    }


def _runs(ws: Surface, asked: Asked) -> list[Any]:
    ids = asked.every("run")
    if len(ids) > MOST_SIDE_BY_SIDE:
        raise Invalid(
            "So many runs cannot be laid side by side.",
            found=str(len(ids)),
            hint=f"At most {MOST_SIDE_BY_SIDE}.",
        )
    if ids:
        found = {run.id: run for run in ws.call("tracking.runs_of", ids=ids)}
        if missing := [each for each in ids if each not in found]:
            raise NotFound(f"There is no run {missing[0][:80]!r}.", hint="Choose runs at /runs.")
        return [found[each] for each in ids]
    if not (asked.text("q") or asked.text("experiment")):
        return []
    where = searching.where_of(asked.text("q"))
    return ws.call(
        "tracking.search", where=where, experiments=searching.in_experiment(asked), limit=MOST_RUNS
    ).runs


def _target(asked: Asked, keys: Sequence[str]) -> str:
    chosen = asked.text("target")
    if chosen and chosen not in keys:
        raise NotFound.among("metric of these runs", chosen, keys)
    return chosen or (keys[0] if keys else "")


def _curves(
    ws: Surface, runs: Sequence[Any], keys: Sequence[str], look: Any, named: bool
) -> dict[str, list[Any]]:
    """The curves of the metrics that were named, else of the first that have more than a point."""
    found: dict[str, list[Any]] = {}
    for key in keys if named else [key for key in keys if key not in MINOR][: 3 * SHOWN_CURVES]:
        ids = [run.id for run in runs if key in run.metrics or key in run.not_finite]
        curves = overlay.read_curves(ws, ids, key, look)
        if named or any(len(each.x) > 1 for each in curves):
            found[key] = curves
        if len(found) == SHOWN_CURVES and not named:
            break
    return found


def _groups(ws: Surface, runs: Sequence[Any], asked: Asked, target: str) -> Facts:
    """The metric over runs that agree in some parameters, such as the seeds of one setting."""
    varied = varied_params(runs, most=100)
    seeded = any(SEED in key.casefold() for key in varied)
    usual = [key for key in varied if SEED not in key.casefold() and _few(runs, key)] if seeded else []
    chosen = [each for each in asked.every("by") if each != "-"] or [
        searching.named("params", key) for key in usual[:2]
    ]
    facts: Facts = {"varied": varied, "by": chosen, "groups": [], "contrasts": []}
    if not chosen or not target or len(runs) < 2:
        return facts
    ids = searching.among([run.id for run in runs])
    best = "least" if best_of(target, [0.0, 1.0]) == 0.0 else "greatest"
    found = ws.call("tracking.group", by=chosen, metrics=[target], where=ids, best=best)
    groups = [each for each in found if each.count]
    contrasts = _contrasts(ws, groups[:MOST_CONTRASTED], ids, target) if asked.text("contrast") else []
    return {**facts, "groups": groups, "contrasts": contrasts}


def _few(runs: Sequence[Any], key: str) -> bool:
    return len({repr(run.params.get(key)) for run in runs}) <= MOST_VALUES


def _contrasts(ws: Surface, groups: Sequence[Any], ids: str, target: str) -> list[Any]:
    from fettle.tracking.errands.compare import contrast

    if len(groups) < 2:
        return []
    wheres = {
        searching.joined(*(_is(key, value) for key, value in each.by.items()), ids): each for each in groups
    }
    found = contrast(ws, target, list(wheres))
    return [
        msgspec.structs.replace(each, left=said(wheres[each.left].by), right=said(wheres[each.right].by))
        for each in found
    ]


def _is(field: str, value: Any) -> str:
    if value is None:
        return f"{field} is null"
    if isinstance(value, bool):
        return f"{field} = {'true' if value else 'false'}"
    return (
        f"{field} = {value!r}"
        if isinstance(value, int | float)
        else f"{field} = {searching.quoted(str(value))}"
    )


def said(by: dict[str, Any]) -> str:
    """What the runs of a group agree in, in words."""
    return ", ".join(
        f"{key.partition('.')[2].strip('`')} {value if value is not None else 'none'}"
        for key, value in by.items()
    )


def _importance(ws: Surface, runs: Sequence[Any], target: str) -> Any:
    from fettle.tracking.errands.compare import importance

    try:
        return importance(ws, target, where=searching.among([run.id for run in runs]), limit=MOST_RUNS)
    except FettleError as error:
        return error.as_dict()


def draw_comparison(facts: Facts, asked: Asked) -> Facts:
    """The table in its sections, the curves, parallel axes and the scatter."""
    runs, side = facts["runs"], facts["side"]
    places = {run.id: index for index, run in enumerate(side)}
    names = {run.id: run.name for run in side}
    varied, target = facts["varied"], facts["target"]
    return {
        "sections": _sections(facts["comparison"]),
        "bests": _bests(facts["comparison"]),
        "titles": SECTIONS,
        "swatches": {run.id: overlay.swatch(places[run.id]) for run in side},
        "pictures": {
            key: overlay.overlay(
                found, names, facts["look"], label=f"{key} of {len(found)} runs", places=places
            )
            for key, found in facts["curves"].items()
        },
        "sources": {key: _source(side, key, facts["look"]) for key in facts["curves"]},
        "axes": [x for x in overlay.AXES if x != "epoch" or all("epoch" in run.metrics for run in side)],
        "threads": _parallel(runs, varied, target),
        **_scatter(runs, varied, facts["keys"], target, asked),
        "said": said,
        "named": searching.named,
        "most": max([each.importance for each in getattr(facts["importance"], "params", [])], default=0.0),
    }


def _source(runs: Sequence[Any], key: str, look: Any) -> str:
    pairs = [("key", key), *(("run", run.id) for run in runs)]
    return f"/runs/curves.json?{urlencode(pairs)}&{look.query}"


def _sections(comparison: Any) -> list[tuple[str, list[Any]]]:
    if comparison is None:
        return []
    rows = [row for row in comparison.rows if (row.section, row.key) != ("about", "name")]  # it is the head
    return [(name, list(found)) for name, found in groupby(rows, key=lambda row: row.section)]


def _bests(comparison: Any) -> dict[str, float | None]:
    rows = comparison.rows if comparison else []
    return {row.key: best_of(row.key, row.values) for row in rows if row.section == "metrics"}


def _parallel(runs: Sequence[Any], varied: Sequence[str], target: str) -> Any:
    if len(runs) < 3 or not target:
        return ""
    axes = [plots.axis_of(key, [run.params.get(key) for run in runs]) for key in varied]
    last = plots.axis_of(target, [run.metrics.get(target) for run in runs])
    known = [axis for axis in axes if axis is not None][:MOST_AXES]
    if last is None or not known:
        return ""
    label = f"{target} of {len(runs)} runs and what they were given"
    return plots.parallel([*known, last], [(run.id, run.name) for run in runs], label=label)


def _scatter(
    runs: Sequence[Any], varied: Sequence[str], keys: Sequence[str], target: str, asked: Asked
) -> Facts:
    fields = [searching.named("params", key) for key in varied] + [
        searching.named("metrics", key) for key in keys
    ]
    across = asked.text("across") or (fields[0] if fields else "")
    up = asked.text("up") or (searching.named("metrics", target) if target else "")
    facts: Facts = {"fields": fields, "across": across, "up": up, "dots": ""}
    if len(runs) < 3 or not across or not up:
        return facts
    axes = []
    for text in (across, up):
        field = searching.field_of(text)
        axes.append(plots.axis_of(field.key, [searching.value_of(run, field) for run in runs]))
    if axes[0] is None or axes[1] is None:
        return facts
    listed = [(run.id, run.name, f"/runs/{segment(run.id)}") for run in runs]
    label = f"{axes[1].name} against {axes[0].name}"
    return {**facts, "dots": plots.scatter(axes[0], axes[1], listed, label=label, width=560, height=300)}


PAGES = (Page("/runs/compare", "tracking/compare.html", read_comparison, draw_comparison),)
