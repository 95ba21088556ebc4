"""Take runs that have been in the bin long enough out of the store, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fettle.core import progress
from fettle.tracking.records.upkeep import CollectedRuns, Removable

if TYPE_CHECKING:
    from fettle.acts import Surface

_BATCH = 50


def collect(ws: Surface, *, older_than_s: float, dry_run: bool) -> CollectedRuns:
    """Remove runs with their points and files; what something was made from stays.

    Each batch is a transaction of its own: a collection that is killed has taken whole runs, and the next goes on.
    Files go last, when nothing names them any more.

    Args:
        ws: The workspace.
        older_than_s: For how many seconds a run must have been in the bin.
        dry_run: Only say what would go.
    """
    found = list(_removable(ws, older_than_s))
    going = [each for each in found if not each.held_by]
    held = [f"{each.name} ({each.run}): {', '.join(each.held_by)}" for each in found if each.held_by]
    points, size_bytes = sum(each.points for each in going), sum(each.size_bytes for each in going)
    if dry_run:
        return CollectedRuns(True, len(going), points, size_bytes, 0, held)
    gone = 0
    with progress.phase("Removing", total=len(going), unit="runs") as step:
        for start in range(0, len(going), _BATCH):
            taken = ws.call("tracking.purge", ids=[each.run for each in going[start : start + _BATCH]])
            gone += len(taken.runs)
            step(_BATCH)
    while ws.call("tracking.purge_models", older_than_s=older_than_s):
        pass  # each call takes a batch
    freed = ws.call("tracking.free")
    return CollectedRuns(False, gone, points, size_bytes, freed, held)


def _removable(ws: Surface, older_than_s: float) -> Iterator[Removable]:
    after = ""
    while page := ws.call("tracking.removable", older_than_s=older_than_s, after=after):
        yield from page
        after = page[-1].run
