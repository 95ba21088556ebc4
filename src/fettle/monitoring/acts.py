"""What can be done with monitoring: say what is watched, read windows, handle alerts; and the collectors' own acts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.core.units import duration_s
from fettle.monitoring.records import (
    Alert,
    AlertKind,
    AlertStatus,
    Baseline,
    Collected,
    Progress,
    Segment,
    Watch,
    Window,
)
from fettle.monitoring.store import alerts as alert_store
from fettle.monitoring.store import requests as request_store
from fettle.monitoring.store import watches as watch_store
from fettle.monitoring.store import windows as window_store

if TYPE_CHECKING:
    from fettle.monitoring.alerts import Judge


@act("monitoring.watch")
def watch(
    ctx: Context,
    endpoint: str,
    *,
    window: str = "1d",
    stride: str = "",
    label_delay: str = "1d",
    min_rows: int = 500,
    min_labels: int = 100,
    tolerance: float = 0.02,
    confidence: float = 0.95,
    ignore: list[str] | None = None,
) -> Watch:
    """Watch an endpoint: count its requests in windows and raise alerts.

    Setting it again changes how later windows are judged; the stride cannot change once requests were counted.

    Args:
        endpoint: The endpoint.
        window: Length of a window of event time, such as 6h, 1d, 14d.
        stride: Time from one window's start to the next; empty means the window's length. Windows of 14d with a
            stride of 1d roll.
        label_delay: How long after a window's end to wait for labels before its performance is judged.
        min_rows: Rows a window needs for a word on drift.
        min_labels: Labelled rows a window needs for a word on performance.
        tolerance: How much worse than at acceptance is still accepted: points of accuracy, or a fraction of an error.
        confidence: Level of the performance intervals.
        ignore: Features that are counted but never alarm.

    Raises:
        Invalid: The window is no multiple of the stride, or a number is out of its range.
        Conflict: The stride differs from the one requests were already counted with.
    """
    ids.check_name("endpoint", endpoint)
    window_s = duration_s(window)
    stride_s = duration_s(stride) if stride else window_s
    _check_windows(window, window_s, stride, stride_s)
    if min_rows < 1 or min_labels < 1 or tolerance < 0 or not 0 < confidence < 1:
        raise Invalid(
            "min_rows and min_labels are at least 1, tolerance at least 0, confidence inside (0, 1).",
            found=f"min_rows {min_rows}, min_labels {min_labels}, tolerance {tolerance}, confidence {confidence}",
        )
    known = watch_store.find_watch(ctx.tx, endpoint)
    if known is not None and known[0].origin_at is not None and known[0].stride_s != stride_s:
        raise Conflict(
            f"The stride of {endpoint} cannot change: its requests are already counted.",
            found=f"a stride of {known[0].stride_s:g} s",
            hint=f"Keep --stride {known[0].stride_s:g}s; the window may be any multiple of it.",
            subject=f"endpoint:{endpoint}",
        )
    fresh = Watch(
        endpoint=endpoint,
        window_s=window_s,
        stride_s=stride_s,
        label_delay_s=duration_s(label_delay),
        min_rows=min_rows,
        min_labels=min_labels,
        tolerance=tolerance,
        confidence=confidence,
        ignore=ignore or [],
        origin_at=known[0].origin_at if known else None,
    )
    watch_store.put_watch(ctx.tx, fresh, known[1] if known else 0)
    ctx.emit("monitoring.watched", f"endpoint:{endpoint}", window_s=window_s, stride_s=stride_s)
    return fresh


def _check_windows(window: str, window_s: float, stride: str, stride_s: float) -> None:
    if stride_s < 1 or window_s < stride_s or round(window_s / stride_s) * stride_s != window_s:
        raise Invalid(
            "A window must be a whole number of strides, and a stride at least a second.",
            found=f"a window of {window} and a stride of {stride or window}",
            hint="Such as --window 14d --stride 1d.",
        )


@act("monitoring.watches", reads=True)
def watches(ctx: Context) -> list[Watch]:
    """List what is watched, by endpoint."""
    return watch_store.list_watches(ctx.tx)


@act("monitoring.windows", reads=True)
def windows(ctx: Context, endpoint: str, *, limit: int = 200, version: int | None = None) -> list[Window]:
    """List the windows of an endpoint in order of time, one for each version that answered in it.

    Finished windows are as they were judged; open ones are worked out now and raise nothing.

    Args:
        endpoint: The endpoint.
        limit: At most so many, the newest.
        version: Only the windows of this version.
    """
    known = _watched(ctx, endpoint)[0]
    rows = window_store.find_windows(ctx.tx, endpoint, newest=limit)
    rows = [row for row in rows if version is None or row.version == version]
    if all(row.window is not None for row in rows):
        return [row.window for row in rows if row.window is not None]
    judge = _judge(ctx, known)
    return [row.window or judge.look(row)[0] for row in rows]


@act("monitoring.alerts", reads=True)
def alerts(
    ctx: Context,
    endpoint: str | None = None,
    *,
    status: AlertStatus | None = None,
    kind: AlertKind | None = None,
    limit: int = 200,
) -> list[Alert]:
    """List alerts, newest first.

    Args:
        endpoint: Only this endpoint's; None means all.
        status: Only open, acknowledged or closed ones.
        kind: Only performance, prediction, drift or quality.
        limit: At most so many.
    """
    return alert_store.list_alerts(ctx.tx, endpoint=endpoint, status=status, kind=kind, limit=limit)


@act("monitoring.acknowledge")
def acknowledge(ctx: Context, alert: str, *, note: str = "") -> Alert:
    """Say that somebody has seen an alert; a data-quality alert then no longer blocks retraining.

    Args:
        alert: Its id.
        note: What you make of it.
    """
    return _move(ctx, alert, "acknowledged", note)


@act("monitoring.close")
def close(ctx: Context, alert: str, *, note: str = "") -> Alert:
    """Close an alert for good.

    Args:
        alert: Its id.
        note: How it ended.
    """
    return _move(ctx, alert, "closed", note)


def _move(ctx: Context, id: str, status: Literal["acknowledged", "closed"], note: str) -> Alert:
    known = alert_store.find_alert(ctx.tx, id)
    if known is None:
        raise NotFound.among("alert", id, alert_store.alert_ids(ctx.tx), hint="fettle monitoring alerts")
    if known.status == status or known.status == "closed":
        return known
    moved = msgspec.structs.replace(known, status=status, by=ctx.actor, note=note)
    alert_store.put_alert(ctx.tx, moved)
    ctx.emit(f"monitoring.{status}", f"endpoint:{moved.endpoint}", alert=id, alert_kind=moved.kind)
    return moved


@act("monitoring.supersede", needs=Role.ADMIN)
def supersede(ctx: Context, endpoint: str, model: str, version: int) -> list[Alert]:
    """Close the alerts of versions that no longer answer, because another took over.

    Args:
        endpoint: The endpoint.
        model: The model that answers now.
        version: Its version.
    """
    closed: list[Alert] = []
    for alert in alert_store.list_alerts(ctx.tx, endpoint=endpoint):
        if alert.status != "closed" and (alert.model, alert.version) != (model, version):
            note = f"version {version} took over"
            closed.append(msgspec.structs.replace(alert, status="closed", by=ctx.actor, note=note))
            alert_store.put_alert(ctx.tx, closed[-1])
    return closed


@act("monitoring.progress", reads=True)
def progress(ctx: Context, endpoint: str) -> Progress:
    """Say how far the collection of an endpoint has come, for its collector.

    Args:
        endpoint: The endpoint.
    """
    known, epoch = _watched(ctx, endpoint)
    return Progress(
        watch=known,
        epoch=epoch,
        cursors=watch_store.find_cursors(ctx.tx, endpoint),
        baselines=list(watch_store.find_baselines(ctx.tx, endpoint).values()),
        due=window_store.is_due(ctx.tx, endpoint, ctx.now),
    )


@act("monitoring.baseline", needs=Role.ADMIN)
def baseline(ctx: Context, baseline: Baseline) -> Baseline:
    """Keep what a served version is held against, found by the collector in its bundle.

    Args:
        baseline: Reference profile, task, metric and its accepted value.
    """
    _watched(ctx, baseline.endpoint)
    watch_store.put_baseline(ctx.tx, baseline)
    return baseline


@act("monitoring.absorb", needs=Role.ADMIN, audited=False)
def absorb(
    ctx: Context,
    endpoint: str,
    epoch: int,
    cursors: dict[str, str],
    *,
    requests: str = "",
    labels: str = "",
) -> Collected:
    """Count what a collector took from the logs: sums and cursors move in one transaction, so each row counts once.

    Args:
        endpoint: The endpoint.
        epoch: The epoch the collector started from; a pass that was overtaken is refused.
        cursors: Worker and position up to which its log was read.
        requests: Digest of the collected requests in the blobs; empty for none.
        labels: Digest of the collected labels; empty for none.

    Raises:
        Conflict: Another pass was faster; ask for the progress and read on from there.
    """
    from fettle.monitoring import absorb as absorbing
    from fettle.monitoring import segments
    from fettle.monitoring.profiles import load
    from fettle.monitoring.slots import origin_of

    named = {"requests": requests, "labels": labels}
    frames = {kind: segments.read(ctx.blobs, digest) for kind, digest in named.items() if digest}
    known, present = _watched(ctx, endpoint)
    if present != epoch:
        raise Conflict(
            f"Another collector of {endpoint} was faster.",
            found=f"epoch {present}, not {epoch}",
            hint="Read on from the present cursors.",
            subject=f"endpoint:{endpoint}",
        )
    if known.origin_at is None and "requests" in frames:
        first_at = frames["requests"]["at"].min()
        if isinstance(first_at, datetime):
            known = msgspec.structs.replace(known, origin_at=origin_of(first_at, known.stride_s))
    held = watch_store.find_baselines(ctx.tx, endpoint)
    profiles = {key: load(ctx.blobs, each.profile) for key, each in held.items() if each.profile}
    change = absorbing.absorb(ctx.tx, known, held, profiles, frames.get("requests"), frames.get("labels"))
    for kind, frame in frames.items():
        request_store.add_segment(ctx.tx, endpoint, epoch, segments.described(frame, kind, named[kind]))
    watch_store.put_cursors(ctx.tx, endpoint, cursors)
    watch_store.put_watch(ctx.tx, known, epoch + 1)
    return Collected(change.predictions, change.labels, change.duplicates)


@act("monitoring.judge", needs=Role.ADMIN, audited=False)
def judge(ctx: Context, endpoint: str) -> Collected:
    """Judge the windows that are due, and raise their alerts.

    Args:
        endpoint: The endpoint.
    """
    known = _watched(ctx, endpoint)[0]
    if not window_store.is_due(ctx.tx, endpoint, ctx.now):
        return Collected()
    count, raised = _judge(ctx, known).due()
    for alert in raised:
        ctx.emit(
            "monitoring.alert",
            f"endpoint:{endpoint}",
            alert=alert.id,
            alert_kind=alert.kind,
            severity=alert.severity,
            message=alert.message,
        )
    return Collected(windows=count, alerts=raised)


@act("monitoring.segments", reads=True)
def segments(
    ctx: Context, endpoint: str, *, since: datetime | None = None, until: datetime | None = None
) -> list[Segment]:
    """List the files of collected rows that may hold requests of a stretch of time.

    Args:
        endpoint: The endpoint.
        since: Requests from here on.
        until: Requests before this.
    """
    _watched(ctx, endpoint)
    return request_store.find_segments(ctx.tx, endpoint, since, until)


@act("monitoring.labelled", reads=True)
def labelled(ctx: Context, endpoint: str, *, since: datetime | None = None) -> int:
    """Count the requests whose label has come.

    Args:
        endpoint: The endpoint.
        since: Only requests from about here on (whole strides).
    """
    known = _watched(ctx, endpoint)[0]
    if since is None or known.origin_at is None:
        return request_store.count_labelled(ctx.tx, endpoint, None)
    return request_store.count_labelled(
        ctx.tx, endpoint, int((since - known.origin_at).total_seconds() // known.stride_s)
    )


def _watched(ctx: Context, endpoint: str) -> tuple[Watch, int]:
    known = watch_store.find_watch(ctx.tx, endpoint)
    if known is None:
        names = [each.endpoint for each in watch_store.list_watches(ctx.tx)]
        raise NotFound.among("watched endpoint", endpoint, names, hint=f"fettle monitoring watch {endpoint}")
    return known


def _judge(ctx: Context, known: Watch) -> Judge:
    from fettle.monitoring.alerts import Judge
    from fettle.monitoring.profiles import load

    held = watch_store.find_baselines(ctx.tx, known.endpoint)
    profiles = {key: load(ctx.blobs, each.profile) for key, each in held.items() if each.profile}
    return Judge(ctx.tx, known, held, profiles, ctx.now)
