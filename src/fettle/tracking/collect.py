"""Take runs and experiments that have been in the bin long enough out of the store, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from fettle.core import progress
from fettle.tracking.records.upkeep import CollectedRuns, PurgedExperiments, Removable

if TYPE_CHECKING:
    from fettle.acts import Surface

_BATCH = 50
_NOTHING = PurgedExperiments([], 0)


def collect(ws: Surface, *, older_than_s: float, dry_run: bool) -> CollectedRuns:
    """Remove runs with their points, traces and files, then experiments; what something was made from stays.

    Each batch is a transaction of its own: a collection that is killed has taken whole runs, and the next goes on.
    Files go last, when nothing names them any more.

    Args:
        ws: The workspace.
        older_than_s: For how many seconds a run or an experiment must have been in the bin.
        dry_run: Only say what would go.
    """
    found = list(_removable(ws, older_than_s))
    beside = ws.call("tracking.removable_beside", older_than_s=older_than_s)
    going = [each for each in found if not each.held_by]
    told = CollectedRuns(
        dry_run,
        runs=len(going),
        points=sum(each.points for each in going),
        size_bytes=sum(each.size_bytes for each in (*going, *beside.experiments)) + beside.size_bytes,
        objects=0,
        held=[f"{each.name} ({each.run}): {', '.join(each.held_by)}" for each in found if each.held_by],
        traces=sum(each.traces for each in (*going, *beside.experiments)),
        experiments=len(beside.experiments),
        models=beside.models + sum(each.models for each in beside.experiments),
    )
    return told if dry_run else _take(ws, told, going, older_than_s)


def _take(ws: Surface, told: CollectedRuns, going: list[Removable], older_than_s: float) -> CollectedRuns:
    runs = traces = experiments = models = 0
    with progress.phase("Removing", total=len(going), unit="runs") as step:
        for start in range(0, len(going), _BATCH):
            taken = ws.call("tracking.purge", ids=[each.run for each in going[start : start + _BATCH]])
            runs, traces = runs + len(taken.runs), traces + taken.traces
            step(_BATCH)
    while count := ws.call("tracking.purge_models", older_than_s=older_than_s):
        models += count
    while (after := ws.call("tracking.purge_experiments", older_than_s=older_than_s)) != _NOTHING:
        experiments, traces = experiments + len(after.experiments), traces + after.traces
    return msgspec.structs.replace(
        told,
        runs=runs,
        traces=traces,
        experiments=experiments,
        models=models,
        objects=ws.call("tracking.free"),
    )


def _removable(ws: Surface, older_than_s: float) -> Iterator[Removable]:
    after = ""
    while page := ws.call("tracking.removable", older_than_s=older_than_s, after=after):
        yield from page
        after = page[-1].run
