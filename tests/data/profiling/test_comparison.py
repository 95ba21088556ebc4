"""Two profiles held against each other: distances against scipy, and what is said of each change."""

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from fettle.data.profiles import profile
from fettle.data.profiling import distances
from fettle.data.profiling.comparison import compare_profiles


def table(rows: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "x": draw.normal(shift, 1, rows),
            "k": draw.integers(0, 4, rows),
            "plan": pl.Series(["basic", "pro", "max"]).gather(draw.integers(0, 3, rows)),
            "id": np.arange(rows) + seed * rows,
        }
    )


def test_nothing_is_said_where_nothing_changed():
    found = compare_profiles(profile(table(5000, 1)), profile(table(5000, 2)))

    assert [each.name for each in found.columns if each.said] == ["id"]


def test_a_version_is_as_itself():
    known = profile(table(500, 1))

    found = compare_profiles(known, known)

    assert all(each.importance == 0 and not each.said for each in found.columns)
    assert found.columns[0].psi == pytest.approx(0)


def test_distances_agree_with_those_of_the_values():
    a, b = table(20_000, 1)["x"].to_numpy(), table(20_000, 2, 0.5)["x"].to_numpy()

    change = next(
        each
        for each in compare_profiles(profile(pl.DataFrame({"x": a})), profile(pl.DataFrame({"x": b}))).columns
    )

    edges = np.concatenate(([-np.inf], np.quantile(a, np.arange(0.1, 0.95, 0.1)), [np.inf]))
    p, q = np.histogram(a, edges)[0], np.histogram(b, edges)[0]
    assert change.ks == pytest.approx(stats.ks_2samp(a, b).statistic, abs=0.01)
    assert change.psi == pytest.approx(distances.psi(p, q), abs=0.01)
    assert change.js == pytest.approx(jensenshannon(p, q), abs=0.01)
    assert change.mean == (pytest.approx(a.mean()), pytest.approx(b.mean()))
    assert "mean" in change.said[0]


def test_js_agrees_with_scipy_and_psi_with_its_formula():
    p, q = [10, 20, 70], [30, 30, 40]

    assert distances.jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q))
    shares = [(a / 100, b / 100) for a, b in zip(p, q, strict=True)]
    assert distances.psi(p, q) == pytest.approx(sum((b - a) * np.log(b / a) for a, b in shares))


def test_few_values_are_compared_as_steps():
    a = pl.DataFrame({"k": [0] * 700 + [1] * 300})
    b = pl.DataFrame({"k": [0] * 300 + [1] * 700})

    change = compare_profiles(profile(a), profile(b)).columns[0]

    assert change.ks == pytest.approx(0.4, abs=0.011)


def test_each_change_is_said_and_the_gravest_comes_first():
    before = table(2000, 1)
    after = (
        table(2000, 2)
        .with_columns(
            pl.when(pl.col("plan") == "max").then(pl.lit("ultra")).otherwise("plan").alias("plan"),
            pl.when(pl.int_range(pl.len()) % 4 == 0).then(None).otherwise("x").alias("x"),
            pl.col("k").cast(pl.String),
            pl.lit(1).alias("fresh"),
        )
        .drop("id")
    )

    found = {each.name: each for each in compare_profiles(profile(before), profile(after)).columns}

    assert found["fresh"].change == "added"
    assert found["id"].change == "removed"
    assert (found["k"].change, found["k"].said[0]) == ("retyped", "type integer → string")
    assert (found["plan"].new, found["plan"].vanished) == (["ultra"], ["max"])
    assert found["x"].missing == (0.0, 0.25)
    assert "missing 0% → 25.0%" in found["x"].said
    ordered = [each.importance for each in compare_profiles(profile(before), profile(after)).columns]
    assert ordered == sorted(ordered, reverse=True)
