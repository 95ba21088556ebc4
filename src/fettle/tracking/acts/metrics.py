"""What can be done with the metrics of runs."""

from __future__ import annotations

from typing import Literal

from fettle.acts import Context, act
from fettle.core.errors import Invalid, NotFound
from fettle.tracking import curves as reading
from fettle.tracking import drawing
from fettle.tracking import points as adding
from fettle.tracking.acts.runs import existing, state
from fettle.tracking.chunks import Points
from fettle.tracking.names import check_key
from fettle.tracking.records.metrics import Column, Curve, Point
from fettle.tracking.store import metrics as store

_MOST_LISTED = 1_000_000
_MOST_PACKED = 5_000_000
_MOST_DRAWN = 200_000
_MOST_RECORDS = 1 << 48
_MOST_NAME = 300


@act("tracking.log", audited=False)
def log(ctx: Context, run: str, points: list[Point]) -> int:
    """Add points to the metrics of a run; return how many.

    Args:
        run: Its id.
        points: Key, value, step and time; a point without a time gets the present.
    """
    for each in points:
        check_key("metric", each.key)
    state(ctx, run)
    return adding.add(ctx.tx, run, adding.columns_of(points, ctx.now))


@act("tracking.append", audited=False)
def append(ctx: Context, run: str, journal: str, first: int, records: int, columns: list[Column]) -> int:
    """Add the next records of a run's journal, exactly once; return how many of them there are now.

    Nothing is stored unless `first` is the number of records here, so that sending twice is harmless: the answer says
    where to go on.

    Args:
        run: Its id.
        journal: Which journal of the run; one for each process that logs to it.
        first: How many records of the journal come before these.
        records: How many these are.
        columns: Their points.
    """
    state(ctx, run)
    if first < 0 or not 0 <= records < _MOST_RECORDS or not 0 < len(journal) <= _MOST_NAME:
        raise Invalid(
            "A part of a journal does not fit.",
            found=f"{records} records behind {first} of a journal whose name has {len(journal)} characters",
            hint="Counts are whole and not negative.",
        )
    known = store.received(ctx.tx, run, journal)
    if first != known:
        return known
    try:
        unpacked = {check_key("metric", each.key): Points.of(each) for each in columns}
    except ValueError as error:
        raise Invalid("A column of points does not fit together.", found=str(error)) from error
    adding.add(ctx.tx, run, unpacked)
    store.set_received(ctx.tx, run, journal, known + records)
    return known + records


@act("tracking.series", reads=True)
def series(
    ctx: Context,
    run: str,
    key: str,
    *,
    most: int = 1000,
    from_step: int | None = None,
    to_step: int | None = None,
    x: Literal["step", "time"] = "step",
) -> list[Point]:
    """Show the curve of one metric.

    Of a long series only outlines are read, and the chunks at the ends of the range.

    Args:
        run: Its id.
        key: The metric.
        most: Thin it to so many points, keeping the extremes of each stretch; 0 means all.
        from_step: Only from this step on.
        to_step: Only up to this step, itself included.
        x: In the order of steps or of times.
    """
    if most <= 0:
        _refuse_many(ctx, run, key, from_step, to_step, _MOST_LISTED)
    found = reading.curve(ctx.tx, run, key, most, from_step, to_step)
    if found is None:
        raise _unknown(ctx, run, key)
    return reading.shown(key, reading.by_time(found) if x == "time" else found)


@act("tracking.history", reads=True)
def history(ctx: Context, run: str, key: str, *, first: int | None = None, last: int | None = None) -> Column:
    """Give all points of one metric as packed columns, in the order of steps.

    In Python `history(…).arrays()` are NumPy arrays. Over HTTP the columns are base64 in JSON.

    Args:
        run: Its id.
        key: The metric.
        first: Only from this step on.
        last: Only up to this step, itself included.
    """
    _refuse_many(ctx, run, key, first, last, _MOST_PACKED)
    found = reading.history(ctx.tx, run, key, first, last)
    if found is None:
        raise _unknown(ctx, run, key)
    return Column(key, found.steps.tobytes(), found.at_us.tobytes(), found.values.tobytes())


@act("tracking.curves", reads=True)
def curves(
    ctx: Context,
    runs: list[str],
    key: str,
    *,
    most: int = 500,
    x: Literal["step", "time", "epoch"] = "step",
    smoothing: float = 0.0,
    from_step: int | None = None,
    to_step: int | None = None,
) -> list[Curve]:
    """Draw one metric of many runs over each other; runs without it are left out.

    Args:
        runs: Their ids.
        key: The metric.
        most: Thin each to so many points, keeping the extremes of each stretch.
        x: Over steps, over seconds since the run began, or over the run's own metric `epoch`.
        smoothing: Weight of what was before, from 0 to below 1, as TensorBoard's slider.
        from_step: Only from this step on.
        to_step: Only up to this step, itself included.
    """
    if not 0 <= smoothing < 1:
        raise Invalid("Smoothing is a number from 0 to below 1.", found=f"{smoothing:g}")
    if not 0 < most <= _MOST_LISTED or len(runs) * most > _MOST_DRAWN:
        raise Invalid(
            "That are too many points for a chart.",
            found=f"{len(runs):,} runs with {most:,} points each",
            hint=f"At most {_MOST_DRAWN:,} together; for all points: tracking.history",
        )
    window = drawing.Window(key, most, x, smoothing, from_step, to_step)
    drawn = (drawing.draw(ctx.tx, existing(ctx, each), window) for each in runs)
    return [each for each in drawn if each is not None]


def _refuse_many(ctx: Context, run: str, key: str, first: int | None, last: int | None, most: int) -> None:
    count = reading.size(ctx.tx, run, key, first, last)
    if count > most:
        raise Invalid(
            f"The metric {key!r} of run {run} has too many points for one answer.",
            found=f"{count:,}",
            hint=f"At most {most:,}: ask for ranges of steps, or for a thinned curve.",
        )


def _unknown(ctx: Context, run: str, key: str) -> NotFound:
    state(ctx, run)
    return NotFound.among(f"metric of run {run}", key, store.find_metrics(ctx.tx, run))


@act("tracking.received", reads=True)
def received(ctx: Context, run: str, journal: str) -> int:
    """Say how many records of a run's journal have arrived.

    Args:
        run: Its id.
        journal: Which journal of the run.
    """
    state(ctx, run)
    return store.received(ctx.tx, run, journal)
