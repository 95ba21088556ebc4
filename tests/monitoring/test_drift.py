"""Every statistic agrees with scipy; the alarm rule is silent without drift and hears a fifth of a deviation."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.spatial.distance import jensenshannon

from fettle.data.bins import ColumnProfile, column_profile, count
from fettle.monitoring import drift

stats: Any = scipy_stats  # scipy does not say what its results hold

counts = st.lists(st.integers(0, 400), min_size=2, max_size=12)
sizes = st.integers(1, 3000)


def some(values: list[int]) -> np.ndarray:
    filled = np.array(values, float)
    filled[0] += 1
    return filled


@given(
    st.lists(st.integers(0, 9), min_size=30, max_size=200),
    st.lists(st.integers(0, 9), min_size=30, max_size=200),
)
def test_ks_on_bins_that_hold_one_value_each_is_scipys(was: list[int], now: list[int]):
    expected = stats.ks_2samp(was, now, method="asymp")
    binned = drift.ks_binned(np.bincount(was, minlength=10), np.bincount(now, minlength=10))
    exact = drift.ks_exact(was, now)
    assert binned.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert (binned.p, exact.p) == pytest.approx((expected.pvalue, expected.pvalue), rel=1e-9)
    assert exact.statistic == pytest.approx(expected.statistic, abs=1e-12)


def test_ks_on_quantile_bins_never_exceeds_the_exact_statistic():
    generator = np.random.default_rng(3)
    was, now = generator.normal(size=20_000), generator.normal(0.1, 1.1, 4_000)
    column = column_profile(pl.Series(was))
    shown = drift.measure(column, count(pl.Series(now), column.bins))
    exact = stats.ks_2samp(was, now, method="asymp").statistic
    assert exact - 1.5 / 64 <= shown.statistic <= exact


@given(counts, counts)
def test_chi_square_is_scipys(was: list[int], now: list[int]):
    size = min(len(was), len(now))
    left, right = some(was[:size]), some(now[:size])
    table = np.vstack((left, right))
    table = table[:, table.sum(axis=0) > 0]
    shown = drift.chi_square(left, right)
    if table.shape[1] < 2:
        assert shown == (0.0, 1.0)
        return
    expected = stats.chi2_contingency(table, correction=False)
    assert shown.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert shown.p == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)


@given(counts, counts)
def test_pooling_keeps_the_totals_and_leaves_no_rare_level(was: list[int], now: list[int]):
    size = min(len(was), len(now))
    left, right = some(was[:size]), some(now[:size])
    pooled = drift.pool(left, right)
    assert (pooled[0].sum(), pooled[1].sum()) == (left.sum(), right.sum())
    expected = (pooled[0] + pooled[1]) * min(left.sum(), right.sum()) / (left.sum() + right.sum())
    assert pooled[0].size == 1 or expected.min() >= drift.EXPECTED_AT_LEAST - 1e-9


@given(counts, counts)
def test_jensen_shannon_is_scipys(was: list[int], now: list[int]):
    size = min(len(was), len(now))
    left, right = some(was[:size]), some(now[:size])
    assert drift.jensen_shannon(left, right) == pytest.approx(jensenshannon(left, right), abs=1e-9)
    assert drift.jensen_shannon(left, right, base=2) == pytest.approx(jensenshannon(left, right, 2), abs=1e-9)


def test_psi_of_a_worked_example():
    # shares .5 .3 .2 → .4 .4 .2: (−.1)·ln .8 + .1·ln(4/3) + 0
    assert drift.psi([50, 30, 20], [40, 40, 20]) == pytest.approx(0.02231435513 + 0.02876820724)
    assert drift.psi([50, 50, 0], [50, 50, 0]) == 0.0
    assert drift.psi_corrected([50, 30, 20], [40, 40, 20]) == pytest.approx(
        0.05108256237 - 2 * (1 / 100 + 1 / 100)
    )


def test_corrected_psi_is_about_zero_without_drift():
    generator = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    drawn = [
        drift.psi_corrected(generator.multinomial(5000, shares), generator.multinomial(1000, shares))
        for _ in range(400)
    ]
    assert abs(np.mean(drawn)) < 3 * np.std(drawn) / 20


@given(st.integers(0, 60), sizes, st.integers(0, 60), sizes)
def test_the_rate_test_is_scipys_exact_test(was: int, was_of: int, now: int, now_of: int):
    was, now = min(was, was_of), min(now, now_of)
    expected = stats.fisher_exact([[now, now_of - now], [was, was_of - was]], alternative="greater").pvalue
    assert drift.rate_rose(was, was_of, now, now_of) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_is_scipys(p_values: list[float]):
    assert drift.benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values))


@pytest.mark.parametrize(
    ("p", "size", "said"),
    [
        (0.009, 0.30, "critical"), (0.009, 0.25, "critical"), (0.009, 0.12, "warning"), (0.009, 0.02, "notice"),
        (0.009, 0.019, "none"), (0.011, 5.0, "none"), (0.01, 0.02, "notice"),
    ],
)  # fmt: skip
def test_an_alarm_needs_significance_and_effect(p: float, size: float, said: str):
    assert drift.severity(p, size) == said


def test_missing_and_unseen_values_are_signals_and_do_not_move_the_distance():
    column = column_profile(pl.Series(["a"] * 900 + ["b"] * 900))
    shown = drift.measure(
        column, count(pl.Series(["a"] * 450 + ["b"] * 450 + ["c"] * 60 + [None] * 40), column.bins)
    )
    assert shown.signals == ["nulls", "unseen"]
    assert (shown.psi, shown.p) == (0.0, 1.0)
    assert (shown.nulls, shown.unseen) == (0.04, 0.06)


def test_a_handful_of_bad_values_is_no_signal():
    column = column_profile(pl.Series([float(i) for i in range(1000)]))
    few = pl.Series([float(i) for i in range(994)] + [None] * 6)
    assert drift.measure(column, count(few, column.bins)).signals == []
    broken = pl.Series([str(i) for i in range(900)] + ["n/a"] * 100)
    assert drift.measure(column, count(broken, column.bins)).signals == ["invalid"]
    beyond = pl.Series([float(i) for i in range(950)] + [5e6] * 50)
    assert drift.measure(column, count(beyond, column.bins)).signals == ["range"]


def test_a_window_without_any_value_is_no_drift_but_a_signal():
    column = column_profile(pl.Series([1.0, 2.0, 3.0] * 300))
    shown = drift.measure(column, count(pl.Series([None] * 600, dtype=pl.Float64), column.bins))
    assert (shown.p, shown.psi_corrected, shown.signals) == (1.0, 0.0, ["nulls"])


LAWS = ("normal", "lognormal", "few", "categories")


def draw(law: str, generator: np.random.Generator, rows: int, shift: float = 0.0) -> pl.Series:
    if law == "few":
        return pl.Series(generator.choice([1.0, 2.0, 5.0], rows, p=[0.2 - shift / 10, 0.5, 0.3 + shift / 10]))
    if law == "categories":
        weights = 1.0 / np.arange(1, 31)
        return pl.Series(generator.choice(30, rows, p=weights / weights.sum())).cast(pl.String)
    normal = generator.normal(shift, 1.0, rows)
    return pl.Series(np.exp(normal) if law == "lognormal" else normal)


def alarms(law: str, runs: int, reference: int, rows: int, shift: float = 0.0, seed: int = 11) -> float:
    """Share of runs in which one feature among ten undrifted ones is given a severity."""
    generator = np.random.default_rng(seed)
    columns: list[ColumnProfile] = [column_profile(draw(law, generator, reference)) for _ in range(runs)]
    heard = 0
    for column in columns:
        shown = {"x": drift.measure(column, count(draw(law, generator, rows, shift), column.bins))}
        quiet = {f"quiet {k}": shown["x"].replace(p=float(generator.uniform())) for k in range(9)}
        heard += drift.judge(shown | quiet)["x"].severity != "none"
    return heard / runs


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("rows", [500, 2000])
def test_no_drift_no_alarm(law: str, rows: int):
    assert alarms(law, 200, 5000, rows) <= 0.005


@pytest.mark.parametrize("law", ["normal", "lognormal"])
def test_a_fifth_of_a_deviation_is_heard_at_two_thousand_rows(law: str):
    assert alarms(law, 100, 20_000, 2000, shift=0.2) >= 0.97
