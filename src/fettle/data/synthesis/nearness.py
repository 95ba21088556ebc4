"""How near synthetic rows come to real ones, held-out rows being the yardstick.

Distances to the closest record and the ratio of nearest to second nearest (Platzer, Reutterer 2021; Zhao et
al. 2021) are means over columns: numbers and times by the difference of their ranks among the real ones,
categories by 0 or 1, missing against known by 1 (Gower 1971).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.core.errors import Invalid
from fettle.core.progress import phase
from fettle.data.records.synthesis import Privacy
from fettle.data.synthesis.learning import epochs
from fettle.data.synthesis.likeness import names_rows

MOST_ROWS = 2000
AT_ONCE = 64
Vector = NDArray[np.float64]


def privacy(
    synthetic: pl.DataFrame,
    train: pl.DataFrame,
    held_out: pl.DataFrame,
    *,
    made_up: Collection[str] = (),
    seed: int = 0,
) -> Privacy:
    """Report how near synthetic rows come to real ones; 2,000 rows of each at most are compared.

    Args:
        synthetic: What was made.
        train: The real rows that it was learnt from.
        held_out: Real rows that nothing was learnt from, at least 2.
        made_up: Columns whose texts are made up, which are not compared.
        seed: Of the rows drawn.

    Raises:
        Invalid: Fewer than 2 rows of one of them.
    """
    if min(synthetic.height, train.height, held_out.height) < 2:
        raise Invalid("Nearness needs two rows of each at least: synthetic, learnt from, and held out.")
    names = [name for name in train.columns if name not in made_up and not names_rows(train[name])]
    count = min(train.height, held_out.height, MOST_ROWS)
    rows = synthetic.sample(min(synthetic.height, MOST_ROWS), seed=seed)
    learnt, others = train.sample(count, seed=seed), held_out.sample(count, seed=seed)
    with phase("Looking for nearest rows", total=3, unit="passes") as done:
        near, second = nearest(rows, learnt, names, train)
        done()
        to_others, _ = nearest(rows, others, names, train)
        done()
        usual, _ = nearest(others, learnt, names, train)
        done()
    ratios = np.where(second > 0, near / np.maximum(second, 1e-12), 1.0)
    closer = (near < to_others).mean() + 0.5 * (near == to_others).mean()
    low = float(np.quantile(usual, 0.05))
    return Privacy(
        rows=rows.height,
        copies=copies(synthetic, train, names),
        copies_holdout=copies(synthetic, held_out, names),
        distance_train=float(np.median(near)),
        distance_holdout=float(np.median(to_others)),
        closer_to_train=float(closer),
        distance_low=float(np.quantile(near, 0.05)) / low if low > 0 else 1.0,
        ratio_median=float(np.median(ratios)),
        ratio_low=float(np.quantile(ratios, 0.05)),
    )


def copies(synthetic: pl.DataFrame, real: pl.DataFrame, names: list[str]) -> float:
    """The share of synthetic rows that equal a real one in all of these columns."""
    if not names:
        return 0.0
    known = real.select(names).unique()
    same = synthetic.select(names).join(known, on=names, how="semi", nulls_equal=True)
    return same.height / synthetic.height


def nearest(
    rows: pl.DataFrame, among: pl.DataFrame, names: list[str], scale: pl.DataFrame
) -> tuple[Vector, Vector]:
    """The distance of each row to the nearest and to the second nearest of others; ranks are those in `scale`."""
    ours, theirs = _placed(rows, names, scale), _placed(among, names, scale)
    first, second = np.empty(rows.height), np.empty(rows.height)
    for start in range(0, rows.height, AT_ONCE):
        total = np.zeros((min(AT_ONCE, rows.height - start), among.height), dtype=np.float32)
        for (category, one), (_, other) in zip(ours, theirs, strict=True):
            here = one[start : start + AT_ONCE, None]
            if category:
                total += here != other[None, :]
                continue
            apart = np.abs(here - other[None, :])
            lacking = np.isnan(here) != np.isnan(other)[None, :]
            total += np.where(lacking, 1.0, np.nan_to_num(apart)).astype(np.float32)
        total /= max(len(names), 1)
        two = np.partition(total, 1, axis=1)[:, :2] if among.height > 1 else np.repeat(total, 2, axis=1)
        first[start : start + AT_ONCE], second[start : start + AT_ONCE] = two[:, 0], two[:, 1]
    return first, second


def _placed(
    frame: pl.DataFrame, names: list[str], scale: pl.DataFrame
) -> list[tuple[bool, NDArray[np.float32]]]:
    """Columns as ranks in [0, 1] among those of `scale`, or as the numbers of their categories."""
    placed = []
    for name in names:
        if frame[name].dtype in (pl.String, pl.Boolean):
            levels = scale[name].drop_nulls().cast(pl.String).unique().sort()
            codes = pl.Series(range(len(levels)), dtype=pl.Float32)
            found = (
                frame[name].cast(pl.String).replace_strict(levels, codes, default=-2, return_dtype=pl.Float32)
            )
            placed.append((True, found.set(frame[name].is_null(), -1).to_numpy()))
            continue
        known = np.sort(epochs(scale[name].drop_nulls()))
        values = epochs(frame[name])
        middle = (np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")) / 2
        placed.append(
            (False, np.where(np.isnan(values), np.nan, middle / max(len(known), 1)).astype(np.float32))
        )
    return placed
