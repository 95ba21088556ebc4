"""Rungs: growing fractions, random folds, successive blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fettle.training.ladder import MOST_ROWS, blocks, drawn, folds, growing


def test_growing_fractions_end_with_all_rows() -> None:
    ladder = growing(np.arange(5000), np.arange(5000, 6000))
    assert [each.fraction for each in ladder.rungs] == [0.2, 0.5, 1.0]
    assert not ladder.mean


def test_few_rows_are_not_divided_and_many_are_capped() -> None:
    assert [each.fraction for each in growing(np.arange(300), np.arange(300, 400)).rungs] == [1.0]
    many = growing(np.arange(4 * MOST_ROWS), np.arange(10)).rungs[-1]
    assert len(drawn(many.learn, many.fraction, 0)) == MOST_ROWS


@given(st.integers(2, 500), st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.integers(0, 99))
def test_a_smaller_draw_lies_within_a_larger_one_in_order(
    count: int, one: float, two: float, seed: int
) -> None:
    small, large = (drawn(np.arange(count), each, seed) for each in sorted((one, two)))
    assert set(small) <= set(large)
    assert np.all(np.diff(large) > 0)


def test_folds_judge_every_row_once_and_keep_the_classes() -> None:
    truth = np.array([0] * 90 + [1] * 10)
    ladder = folds(np.arange(100), truth, stratify=True, seed=1, count=5)
    assert sorted(np.concatenate([each.judge for each in ladder.rungs])) == list(range(100))
    assert all(truth[each.judge].sum() == 2 for each in ladder.rungs)
    assert all(not set(each.judge) & set(each.learn) for each in ladder.rungs)


def test_folds_do_without_strata_where_a_class_is_too_rare() -> None:
    truth = np.array([0] * 99 + [1])
    assert len(folds(np.arange(100), truth, stratify=True, seed=1).rungs) == 4


@given(st.integers(40, 400), st.integers(1, 6))
def test_blocks_learn_from_earlier_rows_only(count: int, parts: int) -> None:
    ladder = blocks(np.arange(count) * 3, count=parts)
    assert all(each.learn.max() < each.judge.min() for each in ladder.rungs)
    assert ladder.rungs[-1].judge[-1] == (count - 1) * 3
    assert np.all(np.diff(np.concatenate([each.judge for each in ladder.rungs])) == 3)
