"""The kind of problem, its classes and their codes."""

from __future__ import annotations

import polars as pl
import pytest

from fettle.core.errors import Invalid
from fettle.training.targets import codes_of, labels_of, shares_of, task_of


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 30, "binary"),
        (["a", "b", "c"] * 20, "multiclass"),
        ([True, False] * 30, "binary"),
        ([1, 2] * 30, "binary"),
        ([1.0, 2.0, 3.0] * 20, "multiclass"),
        (list(range(60)), "regression"),
        ([0.5, 1.5] * 30, "regression"),
    ],
)
def test_the_task_follows_from_the_values(values: list[object], task: str) -> None:
    assert task_of(pl.Series("y", values)) == task


def test_what_is_asked_for_wins_where_it_can() -> None:
    assert task_of(pl.Series("y", [1, 2, 3] * 20), "regression") == "regression"
    assert task_of(pl.Series("y", [0.5, 1.5] * 20), "classification") == "binary"
    with pytest.raises(Invalid, match="number"):
        task_of(pl.Series("y", ["a", "b"] * 20), "regression")
    with pytest.raises(Invalid, match="more than two"):
        task_of(pl.Series("y", ["a", "b", "c"] * 20), "binary")


def test_a_target_of_one_value_is_refused_with_that_value() -> None:
    with pytest.raises(Invalid, match="one value only") as caught:
        task_of(pl.Series("y", ["same"] * 60))
    assert "'same'" in caught.value.found


def test_free_text_is_no_class() -> None:
    with pytest.raises(Invalid, match="too many different values"):
        task_of(pl.Series("y", [f"text {each}" for each in range(60)]))


def test_labels_keep_their_type_and_have_the_order_of_their_texts() -> None:
    assert labels_of(pl.Series([2.0, 1.0, 10.0])) == (1, 10, 2)
    assert labels_of(pl.Series([True, False])) == (False, True)
    assert labels_of(pl.Series(["UP", "DOWN", None])) == ("DOWN", "UP")


def test_codes_are_places_among_the_labels_and_unknown_ones_are_minus_one() -> None:
    labels = labels_of(pl.Series([1, 2]))
    assert codes_of(pl.Series([2, 1, 3, None]), labels).tolist() == [1, 0, -1, -1]
    assert codes_of(pl.Series([2.0, 1.0]), labels).tolist() == [1, 0]
    assert shares_of(pl.Series([1, 1, 1, 2]), labels) == (0.75, 0.25)
