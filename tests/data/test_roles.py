"""Roles: what a model may learn from, and what names a row."""

import numpy as np
import polars as pl
import pytest

from fettle.data.profiles import profile

ROWS = 400
generator = np.random.default_rng(11)
WORDS = ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("price", generator.normal(size=ROWS), "number"),
        ("age", generator.integers(18, 90, ROWS), "integer"),
        ("balance", generator.permutation(10**6)[:ROWS], "integer"),
        ("row", np.arange(1, ROWS + 1), "identifier"),
        ("customer_id", generator.permutation(10**6)[:ROWS], "identifier"),
        ("customerId", generator.permutation(10**6)[:ROWS], "identifier"),
        ("paid", generator.permutation(10**6)[:ROWS], "integer"),
        ("color", generator.choice(WORDS, ROWS), "category"),
        ("uuid", [f"{number:032x}" for number in range(ROWS)], "identifier"),
        ("comment", [f"it was number {number} again" for number in range(ROWS)], "text"),
        ("city", [f"c{number}" for number in generator.integers(0, 150, ROWS)], "text"),
        ("flag", generator.random(ROWS) < 0.5, "boolean"),
        ("same", ["x"] * ROWS, "constant"),
        ("same or missing", [1.0, None] * (ROWS // 2), "constant"),
        ("empty", [None] * ROWS, "constant"),
    ],
)
def test_a_role_follows_from_values_and_name(name, values, role):
    assert profile(pl.DataFrame({name: values})).column(name).role == role


def test_times_are_dates_and_few_rows_name_nothing():
    times = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 5), "1d", eager=True)
    found = profile(pl.DataFrame({"at": times, "id": [1, 2, 3, 4, 5]}))

    assert [column.role for column in found.columns] == ["date", "integer"]
