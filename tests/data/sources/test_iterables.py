"""Rows from a program, one by one, in any of the forms that rows have."""

import dataclasses
import enum
import uuid
from collections import namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.data import ingest
from fettle.data.reading import Reading
from fettle.data.sources import iterables


@dataclasses.dataclass
class Inner:
    b: int


@dataclasses.dataclass
class Outer:
    a: str
    inner: Inner


class Record(msgspec.Struct):
    a: str
    inner: dict[str, int]


class Colour(enum.Enum):
    RED = "red"


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([{"a": 1}, {"b": "x"}], [{"a": 1, "b": None}, {"a": None, "b": "x"}]),
        ([{"a": {"b": {"c": 1}}, "l": [1, "x", Decimal("1.5")]}], [{"a.b.c": 1, "l": '[1,"x",1.5]'}]),
        ([Outer("x", Inner(1))], [{"a": "x", "inner.b": 1}]),
        ([Record("x", {"b": 1})], [{"a": "x", "inner.b": 1}]),
        ([Pair(1, 2.5), Pair(2, None)], [{"a": 1, "b": 2.5}, {"a": 2, "b": None}]),
    ],
)
def test_rows_of_any_form_become_a_table(rows, wanted):
    found = ingest.read(iter(rows))

    assert found.frame.to_dicts() == wanted
    assert found.source.kind == "rows"
    assert found.source.digest == ingest.read(iter(rows)).source.digest


def test_tuples_get_the_names_that_are_given():
    assert ingest.read([(1, "x"), (2, None)], columns=["n", "t"]).frame.rows() == [(1, "x"), (2, None)]


def test_each_value_becomes_one_of_the_six_types():
    row = {
        "decimal": Decimal("5.00"),
        "whole": Decimal("5"),
        "nan": float("nan"),
        "bytes": b"\x01\xff",
        "enum": Colour.RED,
        "uuid": uuid.UUID(int=7),
        "seconds": timedelta(minutes=1),
        "clock": time(12, 30),
        "numpy": np.float32(1.5),
        "naive": datetime(2024, 5, 1, 12),
        "zoned": datetime(2024, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))),
        "day": date(2024, 5, 1),
    }

    found = ingest.read([row])

    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert found.frame.row(0) == (
        5.0, 5, None, "01ff", "red", str(uuid.UUID(int=7)), 60.0, "12:30:00", 1.5, noon, noon, date(2024, 5, 1),
    )  # fmt: skip
    assert found.notes == ["'bytes': bytes are kept as their hexadecimal digits"]


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([], {}, "no rows"),
        ([{"a": 1}, 7], {}, "row 2 cannot be a row"),
        ([(1, 2)], {}, "need names"),
        ([(1, 2), (1,)], {"columns": ["a", "b"]}, "row 2 has 1 value(s)"),
        ([{"a": object()}], {}, "a value of type object, in row 1"),
        ([{"a": 1}] * 30 + [{"a": "abc"}], {}, "'abc'; the first in row 31"),
    ],
)
def test_bad_rows_are_told_with_their_place(rows, options, said):
    with pytest.raises(Invalid) as caught:
        ingest.read(rows, **options)

    assert said in str(caught.value)


@pytest.mark.parametrize("value", [7, b"bytes", {"a": 1}, None])
def test_what_is_no_source_is_refused(value):
    with pytest.raises(Invalid, match="cannot be read as a source"):
        ingest.read(value)


VALUES = st.one_of(
    st.none(), st.integers(-(2**64), 2**64), st.floats(allow_nan=False), st.booleans(), st.text()
)


@given(
    rows=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), min_size=1, max_size=9),
    size=st.integers(1, 4),
)
def test_the_size_of_the_batches_changes_nothing(rows, size):
    rows = [{"a": 1}, *rows]
    reading = Reading(mixed="text")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(iterables, "BATCH_ROWS", size)
        small = iterables.read_rows(iter(rows), reading)

    whole = iterables.read_rows(rows, reading)

    assert small.frame.equals(whole.frame)
    assert small.notes == whole.notes
    assert whole.frame.height == len(rows)
    assert set(whole.frame.dtypes) <= {pl.Int64, pl.Float64, pl.Boolean, pl.String}
