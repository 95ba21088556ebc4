"""Training/serving skew: are features spread the same, and has the same row the same values on both sides?

Two questions, as TensorFlow Data Validation asks them. The spread tells that the world or the traffic is another; the
same key with another value tells that a feature is computed in two ways, which no distribution shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.profiles import profile
from fettle.data.profiling.comparison import distance
from fettle.data.profiling.distances import GROUPS
from fettle.data.records import ColumnProfile
from fettle.data.records.checks import FeatureSkew, SkewReport
from fettle.data.types import normalise

PSI_MOST = 0.1
"""A population stability index (less chance) above this is skew: about a third of a standard deviation."""
DIFFER_MOST = 0.001
"""More than one row in a thousand with another value is skew."""
EXAMPLES = 5


def compare_sides(
    training: pl.DataFrame | pl.LazyFrame,
    serving: pl.DataFrame | pl.LazyFrame,
    *,
    key: Sequence[str] = (),
    limits: Mapping[str, float] | None = None,
    psi_most: float = PSI_MOST,
    differ_most: float = DIFFER_MOST,
    tolerance: float = 1e-6,
) -> SkewReport:
    """Compare the features of training rows with those of served rows.

    Args:
        training: Rows a model learned from.
        serving: Rows as the endpoint saw them.
        key: Columns that tell which rows are the same on both sides; empty: only distributions are compared.
        limits: Feature → the greatest PSI allowed for it, instead of `psi_most`.
        psi_most: The greatest population stability index, less what chance alone gives.
        differ_most: The greatest share of rows with another value, in [0, 1].
        tolerance: Numbers are the same up to this share of the greater one (and up to so much, near zero).

    Returns:
        A line for each column that both sides have, and for those only one has, the most skewed first.

    Raises:
        NotFound: A key column is missing on a side.
        Invalid: A key column has another type on the other side.
    """
    a, b = _eager(training), _eager(serving)
    shared = [name for name in a.columns if name in b.columns and name not in key]
    was, now = (profile(each.select(shared), related=False) for each in (a, b)) if shared else (None, None)
    found = {name: FeatureSkew(name) for name in shared}
    if was is not None and now is not None:
        for name in shared:
            limit = (limits or {}).get(name, psi_most)
            found[name] = _spread(was.column(name), now.column(name), limit)
    counts = (0, 0, 0, 0)
    if key:
        found, counts = _by_row(a, b, list(key), found, differ_most, tolerance)
    found |= {
        name: _absent(name, "serving") for name in a.columns if name not in b.columns and name not in key
    }
    found |= {
        name: _absent(name, "training") for name in b.columns if name not in a.columns and name not in key
    }
    ranked = sorted(found.values(), key=lambda each: (not each.skewed, -(each.share or 0), -(each.psi or 0)))
    return SkewReport(a.height, b.height, ranked, *counts)


def _eager(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    return normalise(frame.collect() if isinstance(frame, pl.LazyFrame) else frame)


def _absent(name: str, side: str) -> FeatureSkew:
    return FeatureSkew(name, skewed=True, said=[f"not in {side}"])


def _spread(was: ColumnProfile, now: ColumnProfile, limit: float) -> FeatureSkew:
    if was.type != now.type and {was.type, now.type} != {"integer", "number"}:
        return FeatureSkew(
            was.name, skewed=True, said=[f"type {was.type} in training, {now.type} in serving"]
        )
    apart = distance(was, now)
    if apart is None:
        return FeatureSkew(was.name)
    groups = GROUPS if apart.ks is not None else max(was.distinct, 1)
    chance = groups * (1 / max(1, was.rows - was.missing) + 1 / max(1, now.rows - now.missing))
    psi = max(0.0, apart.psi - chance)
    skewed = psi > limit
    return FeatureSkew(was.name, psi, skewed=skewed, said=[f"PSI {psi:.2f} > {limit:g}"] if skewed else [])


def _by_row(
    a: pl.DataFrame,
    b: pl.DataFrame,
    key: list[str],
    found: dict[str, FeatureSkew],
    differ_most: float,
    tolerance: float,
) -> tuple[dict[str, FeatureSkew], tuple[int, int, int, int]]:
    """Join both sides by key and compare every feature of the pairs."""
    for name in key:
        for side in (a, b):
            if name not in side.columns:
                raise NotFound.among("key column", name, side.columns)
        if a.schema[name] != b.schema[name]:
            raise Invalid(
                f"The key {name!r} has two types.",
                found=f"{a.schema[name]} in training, {b.schema[name]} in serving",
                hint="Bring both to one type first.",
            )
    single = [side.filter(~pl.struct(key).is_duplicated()).drop_nulls(key) for side in (a, b)]
    repeated = a.height - single[0].height + b.height - single[1].height
    pairs = single[0].join(single[1], on=key, how="inner", suffix="\x00serving")
    judged = {
        name: _differing(pairs, key, each, differ_most, tolerance)
        if a.schema[name] == b.schema[name]
        else each
        for name, each in found.items()
    }
    matched = pairs.height
    return judged, (matched, single[0].height - matched, single[1].height - matched, repeated)


def _differing(
    pairs: pl.DataFrame, key: list[str], each: FeatureSkew, differ_most: float, tolerance: float
) -> FeatureSkew:
    name = each.feature
    left, right = pl.col(name), pl.col(f"{name}\x00serving")
    same = left.eq_missing(right)
    if pairs.schema[name].is_float():
        size = pl.max_horizontal(left.abs(), right.abs(), pl.lit(1.0))
        same = same | ((left - right).abs() <= tolerance * size).fill_null(False)
    bad = pairs.filter(~same)
    share = bad.height / pairs.height if pairs.height else 0.0
    skewed = share > differ_most
    shown = bad.head(EXAMPLES).select(
        pl.concat_str([pl.col(part).cast(pl.String) for part in key], separator=", ").alias("key"),
        left.cast(pl.String).alias("left"),
        right.cast(pl.String).alias("right"),
    )
    said = [f"{bad.height:,} of {pairs.height:,} rows differ ({share:.2%})"] if skewed else []
    return FeatureSkew(
        name, each.psi, bad.height, share, list(shown.rows()), each.skewed or skewed, [*each.said, *said]
    )
