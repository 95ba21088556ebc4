"""Cuts: bounded, the same however rows were batched, and at the same rows again after a change."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.data.tables import cuts
from fettle.data.tables.cuts import pieces_of, row_hashes, rows_of

HASHES = [16764633894333697323, 2109121953275089565, 34602826920772745]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of about 512 rows, so that small tables have many."""
    monkeypatch.setattr(cuts, "PIECE_ROWS", 512)


def table(rows: int, start: int = 0) -> pl.DataFrame:
    noise = np.random.default_rng(start)
    return pl.DataFrame(
        {"id": np.arange(start, start + rows), "x": noise.normal(size=rows), "s": ["a", "b"] * (rows // 2)}
    )


def bounds(frame: pl.DataFrame, key: list[str] | None = None) -> list[int]:
    return np.cumsum([each.height for each in pieces_of([frame], key or ())]).tolist()


def test_pieces_are_bounded_and_lose_no_row():
    frame = table(20_000)
    pieces = list(pieces_of([frame]))

    assert pl.concat(pieces).equals(frame)
    heights = [each.height for each in pieces]
    assert all(256 <= height <= 1024 for height in heights[:-1])
    assert len(set(heights)) > 3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=6))
def test_cuts_do_not_depend_on_batches(places: list[int]):
    frame = table(3000)
    edges = [0, *sorted(places), frame.height]
    batches = [frame[a:b] for a, b in itertools.pairwise(edges)]
    assert [each.height for each in pieces_of(batches)] == [each.height for each in pieces_of([frame])]


def test_cuts_fall_at_the_same_rows_after_an_insertion():
    frame = table(20_000)
    before = set(bounds(frame))
    after = {place - 70 for place in bounds(pl.concat([frame[:5000], table(70, 50_000), frame[5000:]]))}
    assert len({each for each in before if each > 8000} - after) <= 1
    assert {each for each in before if each <= 5000} == {each for each in before if each <= 5000} & {
        each + 70 for each in after
    }


def test_a_key_alone_decides_where_cuts_fall():
    frame = table(10_000)
    other = frame.with_columns(pl.col("x") + 1, s=pl.lit("z"))
    assert bounds(frame, ["id"]) == bounds(other, ["id"])
    assert bounds(frame) == bounds(other)  # the first column of which half of the values differ is the id
    assert bounds(frame, ["x"]) != bounds(other, ["x"])


def test_rows_without_any_difference_are_cut_too():
    heights = [
        each.height
        for each in pieces_of(
            [pl.DataFrame({"a": [1] * 5000, "b": [None] * 5000}, schema={"a": pl.Int64, "b": pl.String})]
        )
    ]
    assert sum(heights) == 5000
    assert max(heights) <= 1024


def test_wide_rows_make_pieces_of_fewer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    narrow, wide = pl.DataFrame({"a": range(1000)}), pl.DataFrame({"a": ["x" * 10_000] * 1000})
    assert rows_of(narrow) == 1 << 17
    assert rows_of(wide) == 1024


def test_the_hash_of_rows_never_changes():
    frame = pl.DataFrame(
        {
            "i": [1, None, 3],
            "f": [0.0, -0.0, 1.5],
            "s": ["", "héllo", "0123456789"],
            "b": [True, None, False],
            "d": pl.Series(["2024-01-01", None, "1999-12-31"]).str.to_date(),
        }
    )
    assert row_hashes(frame).tolist() == HASHES
    assert row_hashes(frame.select("f"))[0] == row_hashes(frame.select("f"))[1]


@given(st.lists(st.text(max_size=20) | st.none(), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_equal_texts_have_equal_hashes_wherever_they_lie(texts: list[str | None]):
    alone = [row_hashes(pl.DataFrame({"s": pl.Series([each], dtype=pl.String)}))[0] for each in texts]
    assert row_hashes(pl.DataFrame({"s": pl.Series(texts, dtype=pl.String)})).tolist() == [
        int(each) for each in alone
    ]
