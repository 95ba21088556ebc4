"""Six types for everything, without losing a value."""

from datetime import UTC, datetime, time, timedelta, timezone

import polars as pl
import pytest

from fettle.core.errors import Invalid
from fettle.data.types import columns_of, normalise, type_of

NOON = datetime(2024, 5, 31, 12)


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "kept"),
    [
        ([1, None], pl.Int8, "integer", [1, None]),
        ([2**63 - 1], pl.UInt64, "integer", [2**63 - 1]),
        ([2**63], pl.UInt64, "number", [float(2**63)]),
        ([float("nan"), 1.5], pl.Float32, "number", [None, 1.5]),
        ([True, None], pl.Boolean, "boolean", [True, None]),
        (["a", None], pl.Categorical, "string", ["a", None]),
        ([None, None], pl.Null, "string", [None, None]),
        ([time(10, 30)], pl.Time, "string", ["10:30:00"]),
        ([timedelta(minutes=1)], pl.Duration("ms"), "number", [60.0]),
        ([NOON], pl.Datetime("ns"), "datetime", [NOON.replace(tzinfo=UTC)]),
        ([[1, 2], None, []], pl.List(pl.Int64), "string", ["[1,2]", None, "[]"]),
        ([["a"], ["b"]], pl.Array(pl.String, 1), "string", ['["a"]', '["b"]']),
    ],
)
def test_every_type_becomes_one_of_six(values, dtype, kind, kept):
    frame = normalise(pl.DataFrame({"c": pl.Series(values, dtype=dtype)}))

    assert type_of(frame.schema["c"]) == kind
    assert frame["c"].to_list() == kept
    assert normalise(frame).equals(frame)


def test_decimals_become_numbers_and_times_move_to_utc():
    summer = NOON.replace(tzinfo=timezone(timedelta(hours=2)))
    frame = normalise(pl.DataFrame({"d": pl.Series(["1.50"]).cast(pl.Decimal(10, 2)), "t": [summer]}))

    assert frame.rows() == [(1.5, datetime(2024, 5, 31, 10, tzinfo=UTC))]


def test_structures_become_columns():
    frame = normalise(
        pl.DataFrame({"s": [{"a": 1, "b": {"c": "x"}}, None], "s.b": [1, 2]}).rename({"s.b": "z"})
    )

    assert [column.name for column in columns_of(frame)] == ["s.a", "s.b.c", "z"]
    assert frame.rows() == [(1, "x", 1), (None, None, 2)]


def test_a_field_never_overwrites_a_column():
    with pytest.raises(Invalid, match=r"'s\.a'"):
        normalise(pl.DataFrame({"s": [{"a": 1}], "s.a": [2]}))


def test_bytes_are_refused():
    with pytest.raises(Invalid, match="'b' cannot be used"):
        normalise(pl.DataFrame({"b": [b"\x00"]}))


def test_a_number_too_large_for_64_bits_keeps_every_digit():
    ids = pl.DataFrame(
        {"id": pl.Series([2**63 + 1, 7], dtype=pl.UInt64), "round": pl.Series([2**63, 0], dtype=pl.UInt64)}
    )
    kept = normalise(ids)
    assert kept["id"].to_list() == ["9223372036854775809", "7"]
    assert kept["round"].to_list() == [float(2**63), 0.0]
