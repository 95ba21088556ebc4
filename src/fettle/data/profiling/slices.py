"""Sketch a slice of rows: every column once sorted or counted, on all processors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.core.scalars import number
from fettle.data.profiling.distinct import Registers, registers_of
from fettle.data.profiling.points import Points
from fettle.data.profiling.sketches import (
    HEAVY_KEPT,
    LEVELS_KEPT,
    Levels,
    Numbers,
    Sketch,
    Texts,
    Times,
    moments,
)
from fettle.data.types import type_of

TOP = 20
"""Most frequent values listed of a column with many …"""
LEVELS = 100
"""… and of a column with up to so many different ones, all."""
_TURN = np.uint64(0x9E3779B97F4A7C15)


class SliceSketch(msgspec.Struct, frozen=True):
    """The sketches of all columns of a slice, and the hash of every row (or their registers)."""

    rows: int
    columns: dict[str, Sketch]
    row_registers: Registers | None = None
    distinct_rows: int = 0


def sketch_slice(frame: pl.DataFrame, *, mergeable: bool) -> SliceSketch:
    """Sketch the columns of a normalised frame.

    Args:
        frame: The rows.
        mergeable: True where the sketch will be added to others: it is made small and gets registers. False keeps
            every sorted value, and all that is read from it is exact.
    """
    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        made = list(pool.map(lambda column: _column(column, mergeable), frame.get_columns()))
    rows = _row_hashes([hashes for _, hashes in made], frame.height)
    return SliceSketch(
        frame.height,
        {column.name: sketch for column, (sketch, _) in zip(frame.get_columns(), made, strict=True)},
        registers_of(rows) if mergeable else None,
        _different(np.sort(rows)),
    )


def _column(column: pl.Series, mergeable: bool) -> tuple[Sketch, NDArray[np.uint64]]:
    hashes = column.hash().to_numpy()
    present = column.drop_nulls() if column.null_count() else column
    kind = type_of(column.dtype)
    facts: Mapping[str, Any] = (
        _of_texts(present)
        if kind == "string"
        else _of_booleans(present)
        if kind == "boolean"
        else _of_times(present)
        if kind in ("date", "datetime")
        else _of_numbers(present)
    )
    sketch = Sketch(kind, len(column), column.null_count(), **facts)
    if mergeable:
        shown = hashes if present is column else present.hash().to_numpy()
        sketch = _small(sketch, registers_of(shown))
    return sketch, hashes


def _small(sketch: Sketch, registers: Registers) -> Sketch:
    numbers, times, levels = sketch.numbers, sketch.times, sketch.levels
    if numbers is not None:
        numbers = msgspec.structs.replace(numbers, points=numbers.points.thinned())
    if times is not None:
        times = msgspec.structs.replace(times, points=times.points.thinned())
    if levels is not None and (len(levels.counts) > LEVELS_KEPT or not levels.complete):
        levels = levels.heaviest(HEAVY_KEPT)
    return msgspec.structs.replace(sketch, registers=registers, numbers=numbers, times=times, levels=levels)


def _of_numbers(present: pl.Series) -> dict[str, Any]:
    whole = present.dtype.is_integer()
    ordered = np.sort(present.to_numpy())
    starts = _starts(ordered)
    facts: dict[str, Any] = {"distinct": starts.size}
    if whole:
        facts["levels"] = _levels(ordered, starts)
    finite = ordered.astype(np.float64, copy=False)
    if not whole:
        finite = finite[np.searchsorted(finite, -np.inf, "right") : np.searchsorted(finite, np.inf, "left")]
    if finite.size:
        below, above = np.searchsorted(finite, 0.0, "left"), np.searchsorted(finite, 0.0, "right")
        mean, squares = moments(finite)
        facts["numbers"] = Numbers(
            Points(finite),
            float(finite[0]),
            float(finite[-1]),
            mean,
            squares,
            int(above - below),
            int(below),
            int(ordered.size - finite.size),
        )
    return facts


def _starts(ordered: NDArray[Any]) -> NDArray[np.int64]:
    """Where each different value begins in a sorted array."""
    if not ordered.size:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate((np.array([True]), ordered[1:] != ordered[:-1])))


def _different(ordered: NDArray[Any]) -> int:
    return int(ordered.size and 1 + np.count_nonzero(ordered[1:] != ordered[:-1]))


def _levels(ordered: NDArray[Any], starts: NDArray[np.int64]) -> Levels:
    """The counts of the runs in a sorted array: all of them, or the most frequent if there are very many."""
    counts = np.diff(starts, append=ordered.size)
    if starts.size <= LEVELS_KEPT:
        return Levels(dict(zip(ordered[starts].tolist(), counts.tolist(), strict=True)))
    least = np.partition(counts, counts.size - HEAVY_KEPT)[counts.size - HEAVY_KEPT]
    more = np.flatnonzero(counts > least)
    equal = np.flatnonzero(counts == least)[: HEAVY_KEPT - more.size]
    chosen = np.concatenate((more, equal))
    return Levels(dict(zip(ordered[starts[chosen]].tolist(), counts[chosen].tolist(), strict=True)), False)


def _of_booleans(present: pl.Series) -> dict[str, Any]:
    yes = int(present.sum() or 0)
    counts = {value: count for value, count in ((True, yes), (False, len(present) - yes)) if count}
    return {"distinct": len(counts), "levels": Levels(counts)}


def _of_times(present: pl.Series) -> dict[str, Any]:
    scale = 86400.0 if present.dtype == pl.Date else 1e-6
    stored = present.to_physical().to_numpy()
    if not stored.size:
        return {"distinct": 0}
    in_order = bool((stored[1:] >= stored[:-1]).all())
    ordered = stored if in_order else np.sort(stored)
    times = Times(Points(ordered * scale), float(stored[0] * scale), float(stored[-1] * scale), in_order)
    return {"distinct": _different(ordered), "times": times}


def _of_texts(present: pl.Series) -> dict[str, Any]:
    if not len(present):
        return {"distinct": 0, "levels": Levels({})}
    distinct = present.n_unique()
    named = present.alias("value")
    if distinct == len(present):
        values, counts, weights = named, None, None
    else:
        table = named.value_counts(name="count")
        values, counts = table["value"], table["count"]
        weights = counts.cast(pl.Int64)
    lengths = values.str.len_chars().cast(pl.Int64)
    bare = values.str.strip_chars()
    many = pl.Series([1], dtype=pl.Int64) if weights is None else weights
    texts = Texts(
        int(number(lengths.min()) or 0),
        int(number(lengths.max()) or 0),
        int((lengths * many).sum()),
        int(((bare == "").cast(pl.Int64) * many).sum()),
        int((bare.str.contains(r"\s").cast(pl.Int64) * many).sum()),
    )
    return {"distinct": distinct, "levels": _levels_of_texts(values, counts), "texts": texts}


def _levels_of_texts(values: pl.Series, counts: pl.Series | None) -> Levels:
    """All texts with their counts, or the most frequent, those first in the alphabet among equals."""
    complete = len(values) <= LEVELS_KEPT
    if counts is None:
        kept = values if complete else values.bottom_k(HEAVY_KEPT)
        return Levels(dict.fromkeys(kept.to_list(), 1), complete)
    if not complete:
        least = counts.top_k(HEAVY_KEPT).min()
        more, equal = values.filter(counts > least), values.filter(counts == least)
        equal = equal.bottom_k(HEAVY_KEPT - len(more))
        kept = counts.filter(counts > least).to_list() + [least] * len(equal)
        return Levels(dict(zip(more.to_list() + equal.to_list(), kept, strict=True)), False)
    return Levels(dict(zip(values.to_list(), counts.to_list(), strict=True)))


def _row_hashes(columns: list[NDArray[np.uint64]], rows: int) -> NDArray[np.uint64]:
    """A 64-bit hash of each row: equal rows have equal ones; others collide once in 10^7 tables of a million rows."""
    made = np.zeros(rows, np.uint64)
    for each in columns:
        made *= _TURN
        made ^= made >> np.uint64(29)
        made += each
    return made
