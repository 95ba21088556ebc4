"""What can be done with the metrics of runs."""

from __future__ import annotations

from fettle.acts import Context, act
from fettle.core.errors import Invalid, NotFound
from fettle.tracking import points as curves
from fettle.tracking.acts.runs import existing
from fettle.tracking.chunks import Points
from fettle.tracking.records.metrics import Column, Point
from fettle.tracking.store import metrics as store


@act("tracking.log", audited=False)
def log(ctx: Context, run: str, points: list[Point]) -> int:
    """Add points to the metrics of a run; return how many.

    Args:
        run: Its id.
        points: Key, value, step and time; a point without a time gets the present.
    """
    existing(ctx, run)
    return curves.add(ctx.tx, run, curves.columns_of(points, ctx.now))


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
    existing(ctx, run)
    known = store.received(ctx.tx, run, journal)
    if first != known:
        return known
    try:
        unpacked = {each.key: Points.of(each) for each in columns}
    except ValueError as error:
        raise Invalid("A column of points does not fit together.", found=str(error)) from error
    curves.add(ctx.tx, run, {key: each for key, each in unpacked.items() if len(each)})
    store.set_received(ctx.tx, run, journal, known + records)
    return known + records


@act("tracking.series", reads=True)
def series(ctx: Context, run: str, key: str, *, most: int = 1000) -> list[Point]:
    """Show the curve of one metric, in the order of its steps.

    Args:
        run: Its id.
        key: The metric.
        most: Thin it to so many points, keeping the extremes of each stretch; 0 means all.
    """
    found = curves.curve(ctx.tx, run, key, most)
    if not found:
        existing(ctx, run)
        raise NotFound.among(f"metric of run {run}", key, store.find_metrics(ctx.tx, run))
    return found


@act("tracking.received", reads=True)
def received(ctx: Context, run: str, journal: str) -> int:
    """Say how many records of a run's journal have arrived.

    Args:
        run: Its id.
        journal: Which journal of the run.
    """
    existing(ctx, run)
    return store.received(ctx.tx, run, journal)
