from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fettle.tracking.chunks import Points, decode, encode
from fettle.tracking.thinning import thin

integers = st.integers(-(2**62), 2**62)
anything = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(integers, integers, anything), max_size=200))
def test_decoding_gives_back_every_bit(rows: list[tuple[int, int, float]]) -> None:
    points = Points(
        np.array([row[0] for row in rows], "<i8"),
        np.array([row[1] for row in rows], "<i8"),
        np.array([row[2] for row in rows], "<f8"),
    )
    back = decode(encode(points))
    assert back.steps.tolist() == points.steps.tolist()
    assert back.at_us.tolist() == points.at_us.tolist()
    assert back.values.tobytes() == points.values.tobytes()


def curve(count: int) -> Points:
    steps = np.arange(count)
    noise = np.random.default_rng(7).normal(0, 0.01, count)
    return Points(steps, 1_700_000_000_000_000 + steps * 1_000, np.exp(-steps / count) + noise)


def test_a_noisy_curve_takes_less_than_a_third_of_its_raw_size() -> None:
    points = curve(4096)
    assert len(encode(points)) < 4096 * 8


@given(st.integers(0, 3000), st.integers(4, 400))
def test_a_thinned_curve_keeps_its_ends_and_extremes(count: int, most: int) -> None:
    points = curve(count)
    thinned = thin(points, most)
    assert len(thinned) <= max(most, 0)
    if count:
        assert thinned.steps[0] == 0
        assert thinned.steps[-1] == count - 1
        assert thinned.values.min() == points.values.min()
        assert thinned.values.max() == points.values.max()


def test_a_spike_of_one_point_survives_thinning() -> None:
    points = curve(100_000)
    points.values[54_321] = 99.0
    assert 54_321 in thin(points, 100).steps


def test_stretches_without_finite_values_stay_visible() -> None:
    points = Points(np.arange(1000), np.arange(1000), np.full(1000, np.nan))
    assert 0 < len(thin(points, 50)) <= 50
