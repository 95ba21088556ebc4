"""The profile, held to numpy and to counting by hand."""

from collections import Counter
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.canonical import decode, encode
from fettle.data import profiles
from fettle.data.profiles import BINS, QUANTILES, TOP, profile, profile_parts
from fettle.data.records import Profile

numbers = st.one_of(st.none(), st.floats(width=32), st.floats())


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=60))
def test_numbers_agree_with_numpy(values):
    found = profile(pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})).column("x")

    present = np.array([value for value in values if value is not None and not np.isnan(value)])
    finite = present[np.isfinite(present)]
    assert found.missing == len(values) - len(present)
    assert found.distinct == len(set(present.tolist()))
    if not len(finite):
        assert found.number is None
        return
    number = found.number
    assert (number.min, number.max) == (finite.min(), finite.max())
    assert number.infinite == len(present) - len(finite)
    assert (number.zeros, number.negatives) == ((present == 0).sum(), (finite < 0).sum())
    assert sum(number.histogram.counts) == len(finite)
    assert np.all(np.isfinite(number.histogram.edges))
    assert decode(encode(number), type(number)) == number


def test_moments_and_quantiles_agree_with_numpy():
    values = np.random.default_rng(3).lognormal(size=5000)

    number = profile(pl.DataFrame({"x": values})).column("x").number

    assert number.mean == pytest.approx(values.mean(), rel=1e-12)
    assert number.std == pytest.approx(values.std(ddof=1), rel=1e-12)
    expected = np.quantile(values, QUANTILES)
    assert list(number.quantiles.values()) == pytest.approx(expected.tolist(), rel=1e-12)
    counts, edges = np.histogram(values, bins=BINS)
    assert number.histogram.counts == counts.tolist()
    assert number.histogram.edges == pytest.approx(edges.tolist())


def test_most_frequent_values_are_sorted_by_count_then_value():
    values = [f"v{number % 37}" for number in range(500)]

    column = profile(pl.DataFrame({"count": values})).column("count")

    expected = sorted(Counter(values).items(), key=lambda each: (-each[1], each[0]))
    assert [(each.value, each.count) for each in column.top] == expected
    assert column.distinct == 37


def test_of_many_values_the_most_frequent_are_listed():
    values = [f"v{number % 150:03}" for number in range(1000)]

    column = profile(pl.DataFrame({"s": values, "i": [int(each[1:]) for each in values]}))

    expected = sorted(Counter(values).items(), key=lambda each: (-each[1], each[0]))[:TOP]
    assert [(each.value, each.count) for each in column.column("s").top] == expected
    assert [each.count for each in column.column("i").top] == [count for _, count in expected]


def test_texts_times_booleans_and_constants_are_summarised():
    frame = pl.DataFrame(
        {
            "text": ["", " ", "a b", None],
            "on": [date(2024, 1, 1), None, date(2024, 5, 31), None],
            "flag": [True, True, False, None],
            "same": [7, 7, 7, 7],
            "nothing": [None] * 4,
        }
    )

    found = profile(frame)

    text = found.column("text").text
    assert (text.min_length, text.max_length, text.blank, text.spaced) == (0, 3, 2, 1)
    assert text.mean_length == pytest.approx(4 / 3)
    assert found.column("on").time.max_at == datetime(2024, 5, 31, tzinfo=UTC)
    assert [(each.value, each.count) for each in found.column("flag").top] == [("true", 2), ("false", 1)]
    assert found.column("same").constant
    assert found.column("nothing").constant
    assert not found.column("nothing").unique
    assert found.column("flag").missing_rate == 0.25


def test_duplicate_rows_are_counted():
    frame = pl.DataFrame({"a": [1, 1, 2, None, None], "b": ["x", "x", "x", None, None]})

    assert profile(frame).duplicate_rows == 2


def test_a_lazy_frame_and_many_columns_give_the_same_profile():
    generator = np.random.default_rng(1)
    frame = pl.DataFrame({f"größe {number}": generator.normal(size=50) for number in range(90)})

    found = profile(frame)

    assert found == profile(frame.lazy())
    assert [column.name for column in found.columns] == frame.columns
    assert decode(encode(found), Profile) == found


def test_a_profile_does_not_depend_on_the_order_of_rows():
    generator = np.random.default_rng(2)
    frame = pl.DataFrame(
        {"k": generator.integers(0, 40, 2000), "s": generator.integers(0, 40, 2000).astype(str)}
    )

    assert profile(frame) == profile(frame.sample(fraction=1.0, shuffle=True, seed=5))


def test_a_profile_of_an_earlier_release_is_still_read():
    old = b"""{"rows":2,"duplicate_rows":0,"columns":[{"name":"x","type":"number","role":"number","rows":2,"missing":0,
    "distinct":2,"number":{"min":0.0,"max":1.0,"mean":0.5,"std":0.7,"quantiles":{"0.5":0.5},"zeros":1,"negatives":0,
    "infinite":0,"histogram":{"edges":[0.0,1.0],"counts":[2]}},"text":null,"time":null,"top":[]}]}"""

    found = decode(old, Profile)

    assert found.column("x").number.percentiles == []
    assert found.associations == []


def test_times_are_summarised_with_their_order():
    times = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 31), "1h", eager=True)
    frame = pl.DataFrame({"at": times})

    assert profile(frame).column("at").time.ordered
    shuffled = profile(frame.sample(fraction=1.0, shuffle=True, seed=1)).column("at").time
    assert not shuffled.ordered
    assert sum(shuffled.histogram.counts) == frame.height
    assert shuffled.percentiles[50] == pytest.approx(datetime(2024, 1, 16, tzinfo=UTC).timestamp())


@pytest.fixture
def small_slices(monkeypatch):
    """Tables of more than so few cells are sketched slice by slice."""
    monkeypatch.setattr(profiles, "CELLS_AT_ONCE", 10)


def mixed(rows: int, seed: int = 0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "x": pl.Series(draw.normal(size=rows)).set(pl.Series(draw.random(rows) < 0.1), None),
            "i": draw.integers(0, 50, rows),
            "s": pl.Series([f"level {each}" for each in range(30)]).gather(draw.integers(0, 30, rows)),
            "code": pl.Series(draw.integers(0, 10**12, rows)).cast(pl.String),
            "at": pl.Series(np.sort(draw.integers(10**15, 2 * 10**15, rows))).cast(pl.Datetime("us", "UTC")),
        }
    )


def test_slices_give_what_the_whole_gives(small_slices, tmp_path):
    frame = mixed(30_000)
    exact = profiles._finished([profiles.sketch_slice(frame, mergeable=False)], [])
    parts = [(f"{at:064}", frame.slice(at * 10_000, 10_000).lazy()) for at in range(3)]

    merged = profile_parts(parts, related=False)

    for whole, sliced in zip(exact.columns, merged.columns, strict=True):
        assert (sliced.rows, sliced.missing, sliced.text) == (whole.rows, whole.missing, whole.text)
        assert sliced.distinct == pytest.approx(whole.distinct, rel=0.03)
        assert sliced.role == whole.role
        if whole.number is not None:
            assert (sliced.number.min, sliced.number.max) == (whole.number.min, whole.number.max)
            assert sliced.number.mean == pytest.approx(whole.number.mean, rel=1e-9)
            assert sliced.number.std == pytest.approx(whole.number.std, rel=1e-9)
            assert sum(sliced.number.histogram.counts) == sum(whole.number.histogram.counts)
            ordered = np.sort(frame[whole.name].drop_nulls().to_numpy())
            low = np.searchsorted(ordered, sliced.number.quantiles["0.5"], "left") / ordered.size
            high = np.searchsorted(ordered, sliced.number.quantiles["0.5"], "right") / ordered.size
            assert low - 0.001 <= 0.5 <= high + 0.001
    assert merged.column("s").top == exact.column("s").top
    assert merged.column("s").approximate == []
    assert merged.column("at").time.ordered
    assert "distinct" in merged.column("code").approximate
    assert merged.notes


def test_appending_reads_only_the_new_part(small_slices, tmp_path):
    frame = mixed(4_000)
    parts = [(f"{at:064}", frame.slice(at * 1000, 1000).lazy()) for at in range(4)]
    before = profile_parts(parts[:3], cache=tmp_path, related=False)
    kept = sorted(each.name for each in tmp_path.rglob("*.sketch"))

    def refuse(_: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("a part that is known is read again")

    known = [(digest, rows.map_batches(refuse, schema=rows.collect_schema())) for digest, rows in parts[:3]]
    sketched = profiles._sketched([*known, parts[3]], tmp_path, 0.0, lambda _=1: None)
    after = profiles._finished([sketch for sketch, _ in sketched], [])

    assert len(kept) == 3
    assert after == profile_parts(parts, related=False)
    assert (before.rows, after.rows) == (3000, 4000)


def test_a_damaged_sketch_is_made_again(small_slices, tmp_path):
    frame = mixed(2_000)
    parts = [(f"{at:064}", frame.slice(at * 1000, 1000).lazy()) for at in range(2)]
    first = profile_parts(parts, cache=tmp_path)
    for each in tmp_path.rglob("*.sketch"):
        each.write_bytes(b"\x93broken")

    assert profile_parts(parts, cache=tmp_path) == first
