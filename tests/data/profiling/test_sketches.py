"""The mergeable pieces: HyperLogLog, points and moments, each against the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.data.profiling.distinct import estimate, registers_of
from fettle.data.profiling.points import KEPT, Points, merged
from fettle.data.profiling.sketches import Levels, Numbers, moments


def hashes(low: int, high: int) -> np.ndarray:
    """SplitMix64 of the whole numbers between."""
    with np.errstate(over="ignore"):
        z = (np.arange(low, high, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


@pytest.mark.parametrize("count", [0, 1, 100, 5_000, 40_000, 1_000_000])
def test_distinct_counts_are_near_the_truth(count):
    # four standard errors of 1.04 / sqrt(2 ** 14)
    assert estimate(registers_of(hashes(0, count))) == pytest.approx(count, rel=4 * 0.0081, abs=0.5)


def test_registers_of_a_union_are_the_maximum():
    a, b = registers_of(hashes(0, 3000)), registers_of(hashes(2000, 6000))

    assert np.array_equal(np.maximum(a, b), registers_of(hashes(0, 6000)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80))
def test_quantiles_of_whole_points_are_those_of_numpy(values):
    points = Points(np.sort(values))
    shares = [0.0, 0.13, 0.5, 0.99, 1.0]

    assert points.quantiles(shares) == pytest.approx(np.quantile(values, shares).tolist(), rel=1e-9, abs=1e-9)


def test_thinned_points_keep_ranks():
    draw = np.random.default_rng(5)
    slices = [np.sort(draw.lognormal(each, 1, 30_000)) for each in range(4)]
    truth = np.sort(np.concatenate(slices))

    points = merged([Points(each).thinned() for each in slices])

    assert points.total == truth.size
    for share in (0.01, 0.25, 0.5, 0.9, 0.999):
        found = np.searchsorted(truth, points.quantiles([share])[0]) / truth.size
        assert found == pytest.approx(share, abs=1.5 / KEPT)
    edges = np.linspace(truth[0], truth[-1], 21)
    assert sum(points.counts(edges)) == truth.size
    assert points.counts(edges) == pytest.approx(
        np.histogram(truth, edges)[0].tolist(), abs=4 * 30_000 / KEPT
    )


def numbers(values: np.ndarray) -> Numbers:
    ordered = np.sort(values)
    return Numbers(Points(ordered), ordered[0], ordered[-1], *moments(ordered), 0, 0, 0)


def test_moments_add_up():
    draw = np.random.default_rng(6)
    a, b = draw.normal(1e6, 1, 500), draw.normal(5, 100, 700)
    both = np.concatenate((a, b))

    made = numbers(a) + numbers(b)

    assert made.mean == pytest.approx(both.mean(), rel=1e-12)
    assert made.squares == pytest.approx(((both - both.mean()) ** 2).sum(), rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.text(max_size=2), st.integers(1, 9)),
    st.dictionaries(st.text(max_size=2), st.integers(1, 9)),
)
def test_levels_add_up(a, b):
    made = Levels(a) + Levels(b)

    assert made.complete
    assert made.counts == {key: a.get(key, 0) + b.get(key, 0) for key in a.keys() | b.keys()}
