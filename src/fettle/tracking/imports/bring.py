"""Carry foreign runs over: exactly once, resumable, and never half of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from fettle.core import progress
from fettle.core.errors import Invalid, NotFound
from fettle.storage.objects import put_object
from fettle.tracking.chunks import Points
from fettle.tracking.imports.foreign import UNREADABLE, ForeignRun, Unreadable, why
from fettle.tracking.names import MOST_TEXT_BYTES, check_path

if TYPE_CHECKING:
    from pathlib import Path

    from fettle.acts import Surface
    from fettle.tracking.records.runs import Run

_PIECE = 50_000
_SHOWN = 10
_MOST_AT_ONCE = 50_000_000


class ImportedRuns(msgspec.Struct, frozen=True):
    """What an import did.

    Attributes:
        runs: Runs that are here now and were not before.
        known: Runs that an earlier import had brought; what was new of them came along.
        points: Points that came.
        files: Files that came.
        left: What could not be brought, in words.
    """

    runs: int
    known: int
    points: int
    files: int
    left: list[str] = []

    def lines(self) -> list[str]:
        """What a person is told."""
        told = [
            f"{self.runs:,} new runs, {self.known:,} known ones, {self.points:,} points, {self.files:,} files."
        ]
        told += [f"  not brought: {each}" for each in self.left[:_SHOWN]]
        if len(self.left) > _SHOWN:
            told.append(f"  … and {len(self.left) - _SHOWN:,} more")
        return told


def bring(ws: Surface, runs: Iterable[ForeignRun | Unreadable], *, total: int | None = None) -> ImportedRuns:
    """Carry runs over, one after another; a run whose import was cut off goes on where it stopped.

    What is damaged in one run costs that part of that run, and is told.

    Args:
        ws: The workspace.
        runs: What a reader found.
        total: How many there are, for the progress bar; None where nobody knows.

    Raises:
        Invalid: None of them could be read.
    """
    new = known = points = files = 0
    left: list[str] = []
    with progress.phase("Importing", total=total, unit="runs") as step:
        for run in runs:
            if isinstance(run, Unreadable):
                left.append(f"{run.name}: {run.why}")
                continue
            fresh = _begin(ws, run, left)
            new, known = new + fresh, known + (not fresh)
            points += _send_points(ws, run, left)
            files += _send_files(ws, run, left)
            if run.status not in ("running", "scheduled"):
                ws.call("tracking.finish", run=run.id, status=run.status, ended_at=run.ended_at)
            left += [f"{run.name or run.id}: {each}" for each in run.left]
            step()
    if left and not new and not known:
        raise Invalid("Nothing could be imported.", found="; ".join(left[:3]), hint="Is the source whole?")
    return ImportedRuns(new, known, points, files, left)


def _begin(ws: Surface, run: ForeignRun, left: list[str]) -> bool:
    """Make the run, or complete what is known of it; True if it is new."""
    there = _known(ws, run.id)
    params, long = _short(run.params), _long(run)
    left += [f"{run.name or run.id}: {key} is longer than {MOST_TEXT_BYTES:,} bytes" for key in long]
    tags = {key: str(value) for key, value in _short(run.tags).items()}
    if there is not None:
        known = there.params
        fresh = {key: value for key, value in params.items() if key not in known}
        ws.call("tracking.set", run=run.id, params=fresh, tags=tags)
        return False
    ws.call(
        "tracking.start",
        experiment=run.experiment,
        name=run.name,
        params=params,
        tags=tags,
        parent=run.parent,
        inputs=run.inputs,
        run_id=run.id,
        started_at=run.started_at,
    )
    if run.notes:
        ws.call("tracking.note", run=run.id, notes=run.notes)
    return True


def _known(ws: Surface, run: str) -> Run | None:
    try:
        return ws.call("tracking.show", run=run)
    except NotFound:
        return None


def _send_points(ws: Surface, run: ForeignRun, left: list[str]) -> int:
    """Send the points that are not here yet, metric by metric; what cannot be taken is told."""
    pieces: dict[str, list[Points]] = {}
    try:
        for key, points in run.curves():
            pieces.setdefault(key, []).append(points)
            if sum(map(len, pieces[key])) > _MOST_AT_ONCE:
                raise OverflowError(f"more than {_MOST_AT_ONCE:,} points of {key}")
    except UNREADABLE as error:
        left.append(
            f"{run.name or run.id}: metrics after {next(reversed(pieces), 'the first')} ({why(error)})"
        )
    came = 0
    for key, parts in pieces.items():
        try:
            came += _send_new(ws, run.id, key, Points.joined(parts))
        except (Invalid, ValueError) as error:
            left.append(f"{run.name or run.id}: metric {key[:80]!r} ({why(error)})")
    return came


def _send_new(ws: Surface, run: str, key: str, points: Points) -> int:
    """Send what an earlier import has not: by content, as a source may put new points before old ones."""
    there = ws.call("tracking.received", run=run, journal=f"import:{key}")
    if there:
        points = missing(points, Points.of(ws.call("tracking.history", run=run, key=key)))
    return send(ws, run, key, points, before=there)


def missing(points: Points, known: Points) -> Points:
    """The points of `points` that are not among `known`, each as often as it is missing, in their order."""
    seen = Counter(_rows(known))
    keep = []
    for place, row in enumerate(_rows(points)):
        if seen[row] > 0:
            seen[row] -= 1
        else:
            keep.append(place)
    return points[np.array(keep, "i8")]


def _rows(points: Points) -> list[tuple[int, int, int]]:
    """Step, time, and the bits of the value, so that NaN equals itself."""
    bits = np.ascontiguousarray(points.values).view("<i8")
    return list(zip(points.steps.tolist(), points.at_us.tolist(), bits.tolist(), strict=True))


def send(ws: Surface, run: str, key: str, points: Points, *, before: int = 0) -> int:
    """Send points of a metric that have not arrived; return how many came.

    Each metric has a journal of its own, so that a source that grew adds its end, and a cut-off import goes on.

    Args:
        ws: The workspace.
        run: The run's id.
        key: The metric.
        points: In the order of their logging.
        before: How many points of the metric come before these.
    """
    journal = f"import:{key}"
    there = ws.call("tracking.received", run=run, journal=journal)
    came = 0
    for start in range(max(0, there - before), len(points), _PIECE):
        piece = points[start : start + _PIECE]
        ws.call(
            "tracking.append",
            run=run,
            journal=journal,
            first=before + start,
            records=len(piece),
            columns=[_column(key, piece)],
        )
        came += len(piece)
    return came


def _column(key: str, points: Points) -> dict[str, object]:
    return {
        "key": key,
        "steps": points.steps.tobytes(),
        "at_us": points.at_us.tobytes(),
        "values": points.values.tobytes(),
    }


def _send_files(ws: Surface, run: ForeignRun, left: list[str]) -> int:
    known = {each.path: each.size_bytes for each in ws.call("tracking.show", run=run.id).artifacts}
    came = 0
    try:
        for name, path in run.files():
            try:
                came += _send_file(ws, run.id, check_path(name), path, known)
            except UNREADABLE as error:
                left.append(f"{run.name or run.id}: {name[:80]} ({why(error)})")
    except UNREADABLE as error:
        left.append(f"{run.name or run.id}: its other files ({why(error)})")
    return came


def _send_file(ws: Surface, run: str, name: str, path: Path, known: dict[str, int]) -> bool:
    size_bytes = path.stat().st_size
    if known.get(name) == size_bytes:
        return False
    digest = put_object(ws.blobs, path)
    ws.call("tracking.artifact", run=run, path=name, digest=digest, size_bytes=size_bytes)
    return True


def _short(values: dict) -> dict:
    return {key: value for key, value in values.items() if len(str(value).encode()) <= MOST_TEXT_BYTES}


def _long(run: ForeignRun) -> list[str]:
    return [
        key
        for key, value in [*run.params.items(), *run.tags.items()]
        if len(str(value).encode()) > MOST_TEXT_BYTES
    ]
