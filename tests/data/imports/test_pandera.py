"""pandera schemas: as 0.35 writes them, as earlier releases did, and as an object where pandera is installed."""

from pathlib import Path

import polars as pl
import pytest

from fettle.core.errors import Invalid
from fettle.data.checks.run import run_checks
from fettle.data.imports.pandera import _MAPPED, from_fields, from_schema
from fettle.data.imports.suites import read_suite

# as pandera 0.35 `to_json()` writes it
WRITTEN = """{
 "schema_type": "dataframe", "api": "pandas", "strict": true, "name": "nice", "ordered": true, "unique": ["a", "b"],
 "columns": {
  "a": {"description": "the a", "dtype": "int64", "unique": true, "greater_than_or_equal_to": 0,
        "in_range": {"min_value": 0, "max_value": 10, "include_min": true, "include_max": false}},
  "b": {"dtype": "string[python]", "nullable": true, "isin": ["x", "yy"], "str_matches": "x|y",
        "str_length": {"min_value": 1, "max_value": 3, "exact_value": null}, "str_startswith": "x"},
  "t": {"dtype": "datetime64[ns]", "greater_than": "2020-01-01"},
  "z": {"dtype": "float64", "not_equal_to": {"value": 3, "raise_warning": true}}
 }
}"""
FRAME = pl.DataFrame(
    {
        "a": [1, 2, 10],
        "b": ["x", "yy", None],
        "t": ["2019-01-01", "2021-01-01", "2022-01-01"],
        "z": [1.0, 3.0, 2.0],
    }
).with_columns(pl.col("t").str.to_datetime())


def failures(made) -> dict[str, int]:
    results = run_checks(FRAME, made.checks).results
    assert [each.check.id for each in results if each.outcome == "broken"] == []
    return {each.check.id: each.failed for each in results if each.failed}


def test_what_to_json_writes_asks_the_same(tmp_path):
    path = tmp_path / "schema.json"
    path.write_text(WRITTEN)

    made = read_suite(path)

    assert made.unmapped == []
    assert failures(made) == {
        "a-in-range": 1,
        "b-str-startswith": 1,
        "t-greater-than": 1,
        "z-not-equal-to": 1,
    }
    by_id = {each.id: each for each in made.checks}
    assert by_id["z-not-equal-to"].severity == "warning"
    assert by_id["a-unique"].description == "the a"
    assert by_id["table-unique"].unique == ["a", "b"]
    assert by_id["table-columns"].expression == "columns_are('a', 'b', 't', 'z')"


def test_yaml_is_read_where_it_can_be(tmp_path: Path):
    pytest.importorskip("yaml")
    path = tmp_path / "schema.yaml"
    path.write_text(
        "columns:\n  a:\n    dtype: int64\n    in_range:\n      min_value: 2\n      max_value: 9\n"
    )

    assert failures(read_suite(path)) == {"a-in-range": 2}
    path.write_text("a: [")
    with pytest.raises(Invalid, match="not YAML"):
        read_suite(path)


def test_checks_as_earlier_releases_wrote_them():
    by_name = {"columns": {"a": {"dtype": "int64", "checks": {"greater_than": 1, "isin": {"value": [1, 2]}}}}}
    by_list = {
        "columns": {
            "a": {
                "dtype": None,
                "checks": [
                    {"min_value": 1, "options": {"check_name": "greater_than", "raise_warning": True}},
                    {"allowed_values": [1, 2], "options": {"check_name": "isin"}},
                ],
            }
        }
    }

    for fields in (by_name, by_list):
        assert failures(from_fields(fields)) == {"a-greater-than": 1, "a-isin": 1}


@pytest.mark.parametrize(
    ("name", "given", "failed"),
    [
        ("equal_to", 1, 2),
        ("not_equal_to", 1, 1),
        ("greater_than", 1, 1),
        ("greater_than_or_equal_to", 2, 1),
        ("less_than", 2, 2),
        ("less_than_or_equal_to", 2, 1),
        ("in_range", {"min_value": 1, "max_value": 2, "include_min": False}, 2),
        ("isin", [1, 2], 1),
        ("notin", [1, 2], 2),
        ("unique_values_eq", [1, 2, 10], 0),
    ],
)
def test_each_check_of_numbers(name, given, failed):
    made = from_fields({"columns": {"a": {"checks": {name: given}}}})

    assert failures(made).get(f"a-{name.replace('_', '-')}", 0) == failed


@pytest.mark.parametrize(
    ("name", "given", "failed"),
    [
        ("str_matches", "y", 1),
        ("str_contains", "y", 1),
        ("str_startswith", "x", 1),
        ("str_endswith", "yy", 1),
        ("str_length", {"exact_value": 1}, 1),
    ],
)
def test_each_check_of_texts(name, given, failed):
    made = from_fields({"columns": {"b": {"nullable": True, "checks": {name: given}}}})

    assert failures(made) == {f"b-{name.replace('_', '-')}": failed}
    assert name in _MAPPED


def test_what_cannot_be_mapped_is_listed():
    made = from_fields(
        {
            "columns": {
                "a": {"dtype": "object", "required": False, "my_check": {"value": 1}},
                "b.*": {"regex": True},
                "c": {"str_matches": "(?=x)"},
            },
            "checks": {"wide": {}},
            "index": [{"dtype": "int64"}],
            "strict": True,
        }
    )

    named = {each.name for each in made.unmapped}
    assert {
        "required=False",
        "a-type",
        "a-my-check",
        "regex",
        "c-str-matches",
        "strict",
        "wide",
        "index",
    } <= named


def test_an_object_is_read_with_its_custom_checks_listed():
    pandera = pytest.importorskip("pandera.polars")
    schema = pandera.DataFrameSchema(
        {
            "a": pandera.Column(int, [pandera.Check.ge(2), pandera.Check(lambda data: True, name="mine")]),
            "b": pandera.Column(pl.String, nullable=True),
        },
        strict=False,
    )

    made = from_schema(schema)

    assert failures(made) == {"a-greater-than-or-equal-to": 1}
    assert [each.name for each in made.unmapped] == ["a-mine"]


def test_another_object_is_refused():
    with pytest.raises(Invalid, match="no pandera schema"):
        from_schema(3)
