"""Which rows a model learns from, is chosen on, and is judged on.

A `Cut` names rows of one commit without copying them: the same commit and cut give the same rows anywhere. Rows that a
column orders in time are cut in time, so that nothing later is known earlier; others are dealt at random by a seed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import polars as pl

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.data import split, versions
from fettle.projects.records import Cut

Side = Literal["train", "valid", "test", "fit", "all"]
"""`fit` is train and valid together: what the judged model learned from; `all` what the packed one learned from."""

LEAST_ROWS = 50
MOST_CLASSES = 50


def cut(
    ws: Surface, ref: str, *, target: str, time: str = "", recent_s: float | None = None, seed: int = 0
) -> Cut:
    """Divide a commit's rows: 70 % to learn from, 15 % to choose on, 15 % to judge on.

    Args:
        ws: The workspace.
        ref: The commit, as `dataset@commit`.
        target: The column to predict.
        time: The column that orders rows; empty: they are dealt at random, the classes evenly.
        recent_s: Only rows of the last so many seconds, by the time column; None means all.
        seed: Of the random deal.

    Raises:
        NotFound: The target or the time is no column of the commit.
        Invalid: Fewer than 50 rows with a known target.
    """
    since = None
    if time and recent_s is not None:
        latest = versions.load(ws, ref, [time])[time].max()
        since = latest - timedelta(seconds=recent_s) if isinstance(latest, datetime) else None
    known = versions.load(ws, ref, [target])[target]
    if (count := len(known) - known.null_count()) < LEAST_ROWS:
        raise Invalid(
            f"There are too few rows to learn from: {count} with a value of {target!r}.",
            found=f"{len(known)} rows in {ref.partition('@')[0]}",
            hint=f"At least {LEAST_ROWS} are needed; some hundreds make a useful model.",
        )
    sides = _sides(ws, ref, target, time, since, seed)
    return Cut(ref, target, time, since, seed, *(each.height for each in sides))


def rows(ws: Surface, divided: Cut, side: Side) -> pl.DataFrame:
    """The rows of one side, in order of time where there is one."""
    train, valid, test = _sides(ws, divided.ref, divided.target, divided.time, divided.since, divided.seed)
    parts = {
        "train": [train],
        "valid": [valid],
        "test": [test],
        "fit": [train, valid],
        "all": [train, valid, test],
    }
    return pl.concat(parts[side])


@lru_cache(maxsize=2)
def _sides(
    ws: Surface, ref: str, target: str, time: str, since: datetime | None, seed: int
) -> tuple[pl.DataFrame, ...]:
    frame = versions.load(ws, ref).filter(pl.col(target).is_not_null())
    if time:
        recent = frame if since is None else frame.filter(pl.col(time) >= since)
        return split.by_time(recent.filter(pl.col(time).is_not_null()), time)
    classes = frame[target].n_unique() <= MOST_CLASSES and not frame[target].dtype.is_float()
    return split.random(frame, seed=seed, stratify=target if classes else None)
