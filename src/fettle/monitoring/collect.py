"""Collect: take what is new in an endpoint's logs, count it exactly once, judge the windows that are due.

A pass costs what is new. Its cursors and its sums move in one transaction, so a collector that is killed anywhere
goes on where the last whole pass ended, and two collectors never count a row twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from fettle.core.errors import Conflict
from fettle.monitoring import segments
from fettle.monitoring.baselines import resolve
from fettle.monitoring.records import Baseline, Collected, Progress
from fettle.monitoring.segments import FEATURE
from fettle.serving.log import read
from fettle.serving.records import Label, Prediction

if TYPE_CHECKING:
    from fettle.acts import Surface

MOST_RECORDS = 50_000
"""Records in one transaction; a longer backlog takes several."""

BaselineOf = Callable[["Surface", str, str, int], Baseline]


def collect(ws: Surface, endpoint: str, *, baseline_of: BaselineOf = resolve) -> Collected:
    """Take everything new from the logs of an endpoint, and judge what is due.

    Args:
        ws: The workspace; its folder holds the logs of the endpoint's workers.
        endpoint: A watched endpoint.
        baseline_of: Finds what a served version is held against; by default in its bundle.

    Returns:
        What was taken, and the alerts that are new.

    Raises:
        NotFound: The endpoint is not watched.
    """
    total = Collected()
    while True:
        progress: Progress = ws.call("monitoring.progress", endpoint=endpoint)
        try:
            taken, more = _take(ws, progress, baseline_of)
        except Conflict:
            continue  # another collector was faster: it has counted these rows, go on behind them
        total = _plus(total, taken)
        if not more:
            break
    if progress.due or total.predictions or total.labels:
        total = _plus(total, ws.call("monitoring.judge", endpoint=endpoint))
    return total


def _take(ws: Surface, progress: Progress, baseline_of: BaselineOf) -> tuple[Collected, bool]:
    endpoint = progress.watch.endpoint
    cursors: dict[str, str] = {}
    predictions: list[Prediction] = []
    labels: list[Label] = []
    log = read(ws.folder / "serving" / endpoint, progress.cursors)
    for worker, position, record in islice(log, MOST_RECORDS):
        cursors[worker] = position
        if isinstance(record, Prediction):
            predictions.append(record)
        else:
            labels.append(record)
    if not cursors:
        return Collected(), False
    known = {(each.model, each.version) for each in progress.baselines}
    for model, version in {(each.model, each.version) for each in predictions if each.status < 400} - known:
        ws.call("monitoring.baseline", baseline=baseline_of(ws, endpoint, model, version))
    taken = ws.call(
        "monitoring.absorb",
        endpoint=endpoint,
        epoch=progress.epoch,
        cursors=cursors,
        requests=segments.write(ws.blobs, segments.requests_frame(predictions)) if predictions else "",
        labels=segments.write(ws.blobs, segments.labels_frame(labels)) if labels else "",
    )
    return taken, len(predictions) + len(labels) == MOST_RECORDS


def _plus(total: Collected, other: Collected) -> Collected:
    return Collected(
        total.predictions + other.predictions,
        total.labels + other.labels,
        total.duplicates + other.duplicates,
        total.windows + other.windows,
        total.alerts + other.alerts,
    )


def labelled(
    ws: Surface,
    endpoint: str,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    target: str | None = None,
    time: str | None = None,
    known_by: datetime | None = None,
    told_after: datetime | None = None,
) -> pl.DataFrame:
    """The collected requests whose label has come, as rows to train on.

    Args:
        ws: The workspace.
        endpoint: A watched endpoint.
        since: Requests from here on; None means from the first.
        until: Requests before this; None means up to the last.
        target: Name of the label column; None takes the predicted column's name from the endpoint's baseline.
        time: Name of a column to put each request's time in; None leaves the time out.
        known_by: Only labels told by then, to train as one could have at that moment.
        told_after: Only rows whose first label was told later than this; with the last `known_by`, just those that
            have become known since, in whatever order their labels come.

    Returns:
        One row a request row, in order of time: every feature that was sent, then the target. No column if
        nothing is labelled.
    """
    files = ws.call("monitoring.segments", endpoint=endpoint, since=since, until=until)
    asked = [segments.read(ws.blobs, each.digest) for each in files if each.kind == "requests"]
    told = [segments.read(ws.blobs, each.digest) for each in files if each.kind == "labels"]
    if not asked or not told:
        return pl.DataFrame()
    if known_by is not None:
        told = [frame.filter(pl.col("at") <= known_by) for frame in told]
    rows = segments.joined(asked, told)
    if since is not None:
        rows = rows.filter(pl.col("at") >= since)
    if until is not None:
        rows = rows.filter(pl.col("at") < until)
    if told_after is not None:
        rows = rows.filter(pl.col("first_label_at") > told_after)
    name = target or _target(ws, endpoint)
    values = [msgspec.json.decode(value) for value in rows["value"]]
    features = [
        rows[column].alias(column[len(FEATURE) :]) for column in rows.columns if column.startswith(FEATURE)
    ]
    named = {each.name: each for each in features}
    if time is not None:
        named[time] = rows["at"].alias(time)
    named[name] = segments.column_of(name, values)
    return pl.DataFrame(list(named.values()))


def _target(ws: Surface, endpoint: str) -> str:
    held = ws.call("monitoring.progress", endpoint=endpoint).baselines
    return next((each.target for each in held if each.target), "label")
