from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.tracking.chunks import Points, decode, encode
from fettle.tracking.columns import decode_floats, decode_integers, encode_floats, encode_integers

START = 1_700_000_000_000_000
COUNT = 65_536
rng = np.random.default_rng(5)
steps = np.arange(COUNT)

OLD = "010300000028b52ffd2048ad000068010102000a0a00e0f8003f7f8002004039684004"

integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from(
    [0.0, -0.0, 0.5, 0.25, 1e300, 5e-324]
)


@given(st.lists(integers, max_size=1500) | st.integers(0, 700).map(lambda count: list(range(count))))
def test_integers_come_back(column: list[int]) -> None:
    packed = encode_integers(np.array(column, "<i8"))
    assert decode_integers(packed, len(column)).tolist() == column


@given(
    st.lists(floats, max_size=1500)
    | st.lists(st.integers(-9999, 9999).map(lambda each: each / 100), min_size=1)
)
def test_floats_come_back_bit_for_bit(column: list[float]) -> None:
    array = np.array(column, "<f8")
    assert decode_floats(encode_floats(array), len(column)).tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "values",
    [
        np.exp(-steps / COUNT),
        np.sin(steps / 300),
        np.round(rng.random(COUNT), 3),
        np.full(COUNT, math.nan),
        steps.astype(float),
        -steps / 8,
    ],
)
def test_smooth_series_of_each_kind_take_at_most_two_bytes_a_point(values: np.ndarray) -> None:
    points = Points(steps, START + steps * 1_000, values)
    data = encode(points)
    assert decode(data).values.tobytes() == values.tobytes()
    assert len(data) <= 2 * COUNT


def test_random_values_take_at_most_eight_bytes_a_point_with_steps_and_jittering_times() -> None:
    times = START + np.cumsum(rng.choice([1, 2, 2, 3, 4], COUNT))
    for values in (rng.random(COUNT), rng.normal(size=COUNT)):
        assert len(encode(Points(steps, times, values))) <= 8 * COUNT


def test_steps_and_regular_times_cost_nothing() -> None:
    assert len(encode_integers(steps)) < 20
    assert len(encode_integers(START + steps * 1_000)) < 20


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(ValueError, match="encoding 9"):
        decode_floats(b"\x09", 1)
    with pytest.raises(ValueError, match="encoding 9"):
        decode_integers(b"\x09" + bytes(16), 1)
    with pytest.raises(ValueError, match="format 9"):
        decode(b"\x09" + bytes(4))


def test_chunks_of_the_first_format_are_read() -> None:
    """Written by the first version: 3 points, steps 1 2 4, times 10 20 20, values 0.5, NaN, -0.0."""
    old = bytes.fromhex(OLD)
    points = decode(old)
    assert points.steps.tolist() == [1, 2, 4]
    assert points.at_us.tolist() == [10, 20, 20]
    assert np.array_equal(points.values, [0.5, math.nan, -0.0], equal_nan=True)
    assert math.copysign(1, points.values[2]) == -1
