"""Profile a table: what its columns are like, each read once.

A table that fits is sketched whole: every column is sorted or counted once, and all that is said is exact. A larger
one is sketched slice by slice and the sketches are added, so that memory stays bounded; counts, means and ranges are
still exact, and what is not (distinct counts of many values, quantiles, the tail of the most frequent values) is
named in `ColumnProfile.approximate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from fettle.core import progress
from fettle.data.profiling import associations, html, keep
from fettle.data.profiling.distinct import estimate
from fettle.data.profiling.finish import BINS, LONGEST_VALUE, QUANTILES, column_of
from fettle.data.profiling.sketches import total
from fettle.data.profiling.slices import TOP, SliceSketch, sketch_slice
from fettle.data.records import Profile, profiles
from fettle.data.types import normalise

__all__ = ["BINS", "LONGEST_VALUE", "QUANTILES", "TOP", "profile", "profile_parts"]

CELLS_AT_ONCE = 60_000_000
"""Tables of at most so many cells are sketched whole, and exactly."""
SLICE_ROWS = 1_000_000

Part = tuple[str, pl.LazyFrame]
"""A piece of a table that never changes: its digest (empty: none) and its rows."""

profiles.drawers.append(html.profile_html)


def profile(frame: pl.DataFrame | pl.LazyFrame, *, related: bool = True) -> Profile:
    """Summarise every column of a table.

    Args:
        frame: Any frame, also one that is scanned lazily; an eager one need not be normalised. NaN in a lazy one
            counts as missing too.
        related: Whether to look for correlations.

    Returns:
        Counts, ranges, quantiles, histograms, most frequent values and lengths, as far as they make sense for a
        column's type, with the role each column could play, and which columns hang together.

    Example:
        >>> profile(pl.DataFrame({"age": [31, 47, None]})).column("age").number.max
        47.0
    """
    lazy = normalise(frame).lazy() if isinstance(frame, pl.DataFrame) else frame
    return profile_parts([("", lazy)], related=related)


def profile_parts(parts: Sequence[Part], *, cache: Path | None = None, related: bool = True) -> Profile:
    """Summarise a table that lies in parts, such as the Parquet files of a version.

    Where the table is too large to be sketched whole, the sketch of each part is kept under its digest, so that a
    version that appends a part reads only that one (and the sample of rows for the correlations).

    Args:
        parts: The pieces, in order, all with the same columns.
        cache: The folder for sketches; None keeps none.
        related: Whether to look for correlations.
    """
    sizes = [int(rows.select(pl.len()).collect().item()) for _, rows in parts]
    width = len(parts[0][1].collect_schema()) if parts else 0
    whole = sum(sizes)
    with progress.phase("Profiling", total=whole, unit="rows") as step:
        if whole * width <= CELLS_AT_ONCE:
            frame = normalise(pl.concat([rows for _, rows in parts]).collect())
            made = [sketch_slice(frame, mergeable=False)]
            step(whole)
            samples = [_sampled(frame, 1.0 if whole <= associations.SAMPLE else associations.SAMPLE / whole)]
        else:
            share = min(1.0, associations.SAMPLE / whole) if related else 0.0
            pieces = list(_sketched(parts, cache, share, step))
            made, samples = [sketch for sketch, _ in pieces], [sample for _, sample in pieces]
    return _finished(made, samples if related else [])


def _sketched(
    parts: Sequence[Part], cache: Path | None, share: float, step: progress.Step
) -> Iterator[tuple[SliceSketch, pl.DataFrame]]:
    """Each slice's sketch, from the cache if it is there, and its sample of rows."""
    for digest, rows in parts:
        known = keep.load(cache, digest)
        if known is not None:
            yield known, _sampled_lazily(rows, known.rows, share)
            step(known.rows)
            continue
        made: list[SliceSketch] = []
        for batch in rows.collect_batches(chunk_size=SLICE_ROWS, maintain_order=True):
            frame = normalise(batch)
            made.append(sketch_slice(frame, mergeable=True))
            yield made[-1], _sampled(frame, share)
            step(frame.height)
        if len(made) == 1:
            keep.save(cache, digest, made[0])


def _sampled(frame: pl.DataFrame, share: float) -> pl.DataFrame:
    """So large a share of the rows, drawn by chance, the same each time."""
    if share >= 1.0:
        return frame
    return frame.sample(n=round(frame.height * share), seed=frame.height)


def _sampled_lazily(rows: pl.LazyFrame, height: int, share: float) -> pl.DataFrame:
    if share >= 1.0:
        return normalise(rows.collect())
    if share <= 0.0:
        return pl.DataFrame(schema=rows.collect_schema())
    chosen = np.sort(np.random.default_rng(height).choice(height, round(height * share), replace=False))
    return normalise(rows.select(pl.all().gather(pl.lit(pl.Series(chosen)))).collect())


def _finished(slices: list[SliceSketch], samples: Iterable[pl.DataFrame]) -> Profile:
    rows = sum(each.rows for each in slices)
    names = list(slices[0].columns)
    columns = [column_of(name, total([each.columns[name] for each in slices])) for name in names]
    notes = []
    distinct = slices[0].distinct_rows
    if len(slices) > 1:
        registers = [each.row_registers for each in slices if each.row_registers is not None]
        distinct = min(rows, estimate(np.maximum.reduce(registers)))
        notes.append("Repeated rows are estimated (± 1 % of the rows).")
    inexact = [each.name for each in columns if each.approximate]
    if inexact:
        notes.append(
            f"Approximate in {len(inexact)} column(s): distinct ± 1 %, quantiles ± 0.1 % of the rows."
        )
    frames = list(samples)
    related = []
    if frames and frames[0].width > 1:
        sample = pl.concat(frames)
        numbers, categories, left_out = associations.candidates(columns)
        related = associations.associate(sample, numbers, categories)
        if sample.height < rows:
            notes.append(f"Correlations are those of {sample.height:,} rows drawn by chance.")
        if left_out:
            notes.append(f"No correlations of {len(left_out)} column(s) beyond the first 40 and 20.")
    return Profile(
        rows=rows,
        duplicate_rows=rows - distinct if names else 0,
        columns=columns,
        associations=related,
        notes=notes,
    )
