"""What columns have in common, held to scipy and to formulas written out."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from fettle.data.profiles import profile
from fettle.data.profiling import associations
from fettle.data.profiling.associations import correlation_ratio, cramers_v, pearson


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    draw = np.random.default_rng(11)
    x = draw.normal(size=3000)
    group = draw.integers(0, 4, 3000)
    return pl.DataFrame(
        {
            "x": x,
            "curve": np.exp(2 * x),
            "gaps": pl.Series(-x + draw.normal(size=3000)).set(pl.Series(draw.random(3000) < 0.2), None),
            "group": pl.Series(["a", "b", "c", "d"]).gather(group),
            "near": pl.Series(["p", "q", "r", "s"]).gather(np.where(draw.random(3000) < 0.8, group, 0)),
            "by_group": group * 1.5 + draw.normal(size=3000),
            "noise": draw.normal(size=3000),
        }
    )


def value(frame: pl.DataFrame, a: str, b: str, method: str) -> float:
    found = profile(frame).associations
    return next(each.value for each in found if {each.a, each.b} == {a, b} and each.method == method)


def test_numbers_agree_with_scipy(frame):
    x, curve = frame["x"].to_numpy(), frame["curve"].to_numpy()
    assert value(frame, "x", "curve", "pearson") == pytest.approx(stats.pearsonr(x, curve)[0], abs=1e-6)
    assert value(frame, "x", "curve", "spearman") == pytest.approx(1.0)

    both = frame.drop_nulls()
    rho = stats.spearmanr(both["x"], both["gaps"]).statistic
    assert value(frame, "x", "gaps", "spearman") == pytest.approx(rho, abs=1e-6)


def test_categories_agree_with_the_formula(frame):
    table = frame.group_by("group", "near").len().pivot(on="near", index="group", values="len").fill_null(0)
    counts = table.drop("group").to_numpy()
    n, (r, c) = counts.sum(), counts.shape
    phi = max(
        0.0, stats.chi2_contingency(counts, correction=False).statistic / n - (r - 1) * (c - 1) / (n - 1)
    )
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    expected = np.sqrt(phi / min(rows - 1, columns - 1))

    assert value(frame, "group", "near", "cramers_v") == pytest.approx(expected, abs=1e-6)


def test_the_correlation_ratio_is_the_root_of_the_share_of_variance_between_groups(frame):
    groups = [part["by_group"].to_numpy() for part in frame.partition_by("group")]
    everything = frame["by_group"].to_numpy()
    between = sum(len(each) * (each.mean() - everything.mean()) ** 2 for each in groups)
    expected = np.sqrt(between / ((everything - everything.mean()) ** 2).sum())

    assert value(frame, "group", "by_group", "correlation_ratio") == pytest.approx(expected, abs=1e-6)


def test_what_does_not_vary_hangs_together_with_nothing():
    same, some = np.full(50, 3.0), np.arange(50.0)
    levels = np.zeros(50, np.int64)

    assert pearson(same, some) == 0.0
    assert cramers_v(levels, np.arange(50) % 3) == 0.0
    assert correlation_ratio(levels, some) == 0.0
    assert correlation_ratio(np.arange(50) % 2, same) == 0.0


def test_huge_numbers_do_not_overflow():
    x = np.array([1e300, -1e300, 5e299, 2e299] * 5)

    assert pearson(x, x) == pytest.approx(1.0)


def test_weak_ones_are_left_out_and_many_columns_are_capped(monkeypatch):
    draw = np.random.default_rng(1)
    monkeypatch.setattr(associations, "NUMBERS_MOST", 5)
    frame = pl.DataFrame({f"n{each}": draw.normal(size=20_000) for each in range(7)})

    found = profile(frame)

    assert found.associations == []
    assert any("2 column(s)" in note for note in found.notes)


def test_a_large_table_is_sampled_and_says_so(monkeypatch):
    monkeypatch.setattr(associations, "SAMPLE", 1000)
    x = np.random.default_rng(2).normal(size=5000)

    found = profile(pl.DataFrame({"a": x, "b": x * 2}))

    assert found.associations[0].rows == 1000
    assert any("1,000 rows drawn by chance" in note for note in found.notes)
