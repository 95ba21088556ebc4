"""What clients sent becomes rows of the dataset again, whatever JSON made of it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from fettle.acts import Surface
from fettle.data import versions
from fettle.projects.answered import as_rows, as_type

NOON = datetime(2024, 5, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "kind", "read"),
    [
        (["2024-05-31", "nonsense", None], "date", [date(2024, 5, 31), None, None]),
        (["2024-05-31T12:00:00", "2024-05-31T14:00:00+02:00"], "datetime", [NOON, NOON]),
        ([1, 2, None], "number", [1.0, 2.0, None]),
        ([1.0, 2.0], "integer", [1, 2]),
        (["7", "x"], "integer", [7, None]),
        ([1.5, 2.0], "integer", [1.5, 2.0]),
        (["true", "No"], "boolean", [True, False]),
        ([7, 8], "string", ["7", "8"]),
        ([True, False], "string", ["true", "false"]),
        ([None, None], "date", [None, None]),
    ],
)
def test_values_are_read_as_the_columns_type(sent: list, kind: str, read: list):
    assert as_type(pl.Series("x", sent), kind).to_list() == read  # type: ignore[arg-type]  # kinds are given as text


def test_requests_can_be_appended_to_the_rows_they_came_from(workspace: Surface):
    table = pl.DataFrame(
        {
            "when": [date(2024, 5, 30)],
            "size (MW)": [1.5],
            "städte": ["Ulm"],
            "flag": [True],
            "n": [3],
            "class": ["a"],
        }
    )
    first = versions.commit_frame(workspace, "first", table, time_column="when")
    asked = pl.DataFrame(
        {
            "size (MW)": [2],
            "städte": ["Graz"],
            "flag": [False],
            "class": ["b"],
            "asked": [NOON],
            "more": ["?"],
        }
    )
    rows = as_rows(asked, first, "when", "asked")
    second = versions.commit_frame(workspace, "first", rows, append=True)
    assert second.rows == 2
    assert versions.load(workspace, second)[1].to_dicts() == [
        {
            "when": date(2024, 5, 31),
            "size (MW)": 2.0,
            "städte": "Graz",
            "flag": False,
            "n": None,
            "class": "b",
        }
    ]
