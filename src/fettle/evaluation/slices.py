"""How good a model is for rows of each kind: a good mean can hide a group for which it is bad."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.evaluation.metrics import main_metric, measured
from fettle.evaluation.outcomes import Outcome
from fettle.evaluation.records import Slice
from fettle.training.scores import score_named

MIN_ROWS = 30
MOST_LEVELS = 12
RANGES = 4
MISSING = "missing"


def by_column(seen: Outcome, column: pl.Series, *, metric: str = "", min_rows: int = MIN_ROWS) -> list[Slice]:
    """Judge each kind of row by itself.

    Numbers with more than 12 values are cut into quarters by their quantiles; of texts the 12 most frequent are taken.
    Slices with fewer than `min_rows` rows say nothing and are left out.

    Args:
        seen: The outcome.
        column: The column that makes the slices, of the frame that the outcome was made of.
        metric: What to measure; empty means the task's main metric.
        min_rows: See above.
    """
    name = metric or main_metric(seen.task)
    found = []
    for value, mask in _kinds(column[seen.rows]):
        if mask.sum() >= min_rows:
            interval = measured(seen.take(mask), name)
            found.append(Slice(column.name, value, name, interval, float(mask.mean())))
    return found


def by_columns(
    seen: Outcome, frame: pl.DataFrame, columns: Sequence[str], *, metric: str = ""
) -> list[Slice]:
    """The slices of several columns, one after the other."""
    return [each for name in columns for each in by_column(seen, frame[name], metric=metric)]


def weakest(slices: Sequence[Slice], seen: Outcome) -> Slice | None:
    """The slice with the worst value; None without slices."""
    if not slices:
        return None
    maximize = score_named(seen.task, slices[0].metric).maximize
    return min(slices, key=lambda each: each.measured.value if maximize else -each.measured.value)


def _kinds(column: pl.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    if column.dtype.is_float():
        column = column.fill_nan(None)
    missing = column.is_null()
    if missing.any():
        yield MISSING, missing.to_numpy()
    if column.dtype.is_numeric() and column.n_unique() > MOST_LEVELS:
        yield from _ranges(column.cast(pl.Float64))
        return
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        column = column.dt.strftime("%Y-%m")
    texts = column.cast(pl.String)
    levels = texts.drop_nulls().value_counts(sort=True).sort(["count", column.name], descending=[True, False])
    for level in levels[column.name].head(MOST_LEVELS).to_list():
        yield level, (texts == level).fill_null(False).to_numpy()


def _ranges(column: pl.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    values = column.to_numpy()
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, RANGES + 1)))
    for place, (low, high) in enumerate(pairwise(edges.tolist())):
        last = place == len(edges) - 2
        below = values <= high if last else values < high
        yield f"[{low:.4g}, {high:.4g}{']' if last else ')'}", (values >= low) & below
