"""Which rows a model learns from, is chosen on, and is judged on.

A `Cut` names rows of one commit without copying them: the same commit and cut give the same rows anywhere. Rows that a
column orders in time are cut in time, so that nothing later is known earlier; others are dealt at random by a seed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np
import polars as pl

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.data import split, versions
from fettle.projects.records import Cut

Side = Literal["train", "valid", "test", "fit", "all"]
"""`fit` is train and valid together: what the judged model learned from; `all` what the packed one learned from."""

LEAST_ROWS = 50
LEAST_JUDGED = 50
MOST_CLASSES = 50
TEST = split.TRAIN_VALID_TEST[2]


def cut(
    ws: Surface,
    ref: str,
    *,
    target: str,
    time: str = "",
    recent_s: float | None = None,
    seed: int = 0,
    known: str = "",
) -> Cut:
    """Divide a commit's rows: 70 % to learn from, 15 % to choose on, 15 % to judge on.

    The rows to judge on are taken from those that the champion's commit does not hold, as far as there are enough:
    the champion that serves has learned from all rows of its commit, and would be judged too well on them.

    Args:
        ws: The workspace.
        ref: The commit, as `dataset@commit`.
        target: The column to predict.
        time: The column that orders rows; empty: they are dealt at random, the classes evenly.
        recent_s: Only rows of the last so many seconds, by the time column; None means all.
        seed: Of the random deal.
        known: The champion's commit, as `dataset@commit`; empty if there is no champion.

    Raises:
        NotFound: The target or the time is no column of the commit.
        Invalid: Fewer than 50 rows with a known target.
    """
    since = None
    if time and recent_s is not None:
        latest = versions.load(ws, ref, [time])[time].max()
        since = latest - timedelta(seconds=recent_s) if isinstance(latest, datetime) else None
    values = versions.load(ws, ref, [target])[target]
    if (count := len(values) - values.null_count()) < LEAST_ROWS:
        raise Invalid(
            f"There are too few rows to learn from: {count} with a value of {target!r}.",
            found=f"{len(values)} rows in {ref.partition('@')[0]}",
            hint=f"At least {LEAST_ROWS} are needed; some hundreds make a useful model.",
        )
    fresh = _frame(ws, ref, target, time, since, known)[NEW].sum() if known and known != ref else 0
    used = known if fresh >= LEAST_JUDGED else ""
    sides = _sides(ws, ref, target, time, since, seed, used)
    return Cut(ref, target, time, since, seed, used, *(each.height for each in sides))


def rows(ws: Surface, divided: Cut, side: Side) -> pl.DataFrame:
    """The rows of one side, in order of time where there is one."""
    train, valid, test = _sides(
        ws, divided.ref, divided.target, divided.time, divided.since, divided.seed, divided.known
    )
    parts = {
        "train": [train],
        "valid": [valid],
        "test": [test],
        "fit": [train, valid],
        "all": [train, valid, test],
    }
    return pl.concat(parts[side])


NEW = "fettle new row"
"""A column that marks rows which the champion's commit does not hold; never part of what is returned."""


@lru_cache(maxsize=2)
def _sides(
    ws: Surface, ref: str, target: str, time: str, since: datetime | None, seed: int, known: str
) -> tuple[pl.DataFrame, ...]:
    frame = _frame(ws, ref, target, time, since, known)
    classes = frame[target].n_unique() <= MOST_CLASSES and not frame[target].dtype.is_float()
    stratify = target if classes else None
    if not known:
        plain = frame.drop(NEW)
        return split.by_time(plain, time) if time else split.random(plain, seed=seed, stratify=stratify)
    test, rest = _fresh_test(frame, time, seed)
    share = split.TRAIN_VALID_TEST[0] / sum(split.TRAIN_VALID_TEST[:2])
    fractions = (share, 1 - share)
    learned = (
        split.by_time(rest, time, fractions)
        if time
        else split.random(rest, fractions, seed=seed, stratify=stratify)
    )
    return (*learned, test)


def _fresh_test(frame: pl.DataFrame, time: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take the judged rows from the new ones: the newest, or some at random; and all others that come before."""
    fresh = frame.filter(pl.col(NEW)).drop(NEW)
    count = min(fresh.height, max(LEAST_JUDGED, round(frame.height * TEST)))
    if time:
        test = fresh.sort(time, maintain_order=True).tail(count)
        return test, frame.filter(pl.col(time) < test[time][0]).drop(NEW)
    places = np.random.default_rng(seed).permutation(fresh.height)
    dealt = pl.Series(np.isin(np.arange(fresh.height), places[:count]))
    old = frame.filter(~pl.col(NEW)).drop(NEW)
    return fresh.filter(dealt), pl.concat([old, fresh.filter(~dealt)])


def _frame(ws: Surface, ref: str, target: str, time: str, since: datetime | None, known: str) -> pl.DataFrame:
    """The commit's rows with a known target, each marked as new to the champion or not."""
    frame = _marked(ws, ref, known).filter(pl.col(target).is_not_null())
    if not time:
        return frame
    timed = frame.filter(pl.col(time).is_not_null())
    return timed if since is None else timed.filter(pl.col(time) >= since)


def _marked(ws: Surface, ref: str, known: str) -> pl.DataFrame:
    frame = versions.load(ws, ref)
    if not known:
        return frame.with_columns(pl.lit(True).alias(NEW))
    commit, before = ws.call("data.show", ref=ref), ws.call("data.show", ref=known)
    if commit.parts[: len(before.parts)] == before.parts:
        place = pl.int_range(pl.len())
        return frame.with_columns((place >= before.rows).alias(NEW))
    held = versions.load(ws, before)
    shared = [name for name in frame.columns if name in held.columns]
    seen = held.select(shared).unique().with_columns(pl.lit(False).alias(NEW))
    return frame.join(seen, on=shared, how="left", nulls_equal=True, maintain_order="left").with_columns(
        pl.col(NEW).fill_null(True)
    )
