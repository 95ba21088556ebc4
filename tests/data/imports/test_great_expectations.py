"""Great Expectations suites of both forms: each expectation asks here what it asked there, or is listed."""

import msgspec
import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data.checks.run import run_checks
from fettle.data.imports.great_expectations import _MAPPED, from_suite
from fettle.data.imports.suites import read_suite

FRAME = pl.DataFrame(
    {
        "n": [1, 2, 3, 4],
        "m": [1, 3, 3, None],
        "plan": ["a", "b", "a", None],
        "a b": [1.0, 2.0, None, 4.0],
        "on": ["2024-01-01", "2024-01-02", "2024-01-03", None],
    }
).with_columns(pl.col("on").str.to_date())

# name, arguments, rows that fail (1: a condition about the whole table that fails); outcomes and counts are those that
# Great Expectations 1.24 gives for the same rows in pandas
CASES = [
    ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 3}, 1),
    ("expect_table_row_count_to_equal", {"value": 4}, 0),
    ("expect_table_column_count_to_equal", {"value": 5}, 0),
    ("expect_table_column_count_to_be_between", {"min_value": 6}, 1),
    ("expect_table_columns_to_match_set", {"column_set": ["n", "m", "plan", "a b", "on"]}, 0),
    ("expect_table_columns_to_match_set", {"column_set": ["n"], "exact_match": False}, 0),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["m", "n"]}, 1),
    ("expect_column_to_exist", {"column": "a b"}, 0),
    ("expect_column_values_to_not_be_null", {"column": "a b"}, 1),
    ("expect_column_values_to_be_null", {"column": "n"}, 4),
    ("expect_column_values_to_be_unique", {"column": "m"}, 2),
    ("expect_column_values_to_be_in_set", {"column": "plan", "value_set": ["a", "o'x", None]}, 1),
    ("expect_column_values_to_not_be_in_set", {"column": "n", "value_set": [1, 2]}, 2),
    ("expect_column_distinct_values_to_be_in_set", {"column": "plan", "value_set": ["a"]}, 1),
    ("expect_column_distinct_values_to_contain_set", {"column": "plan", "value_set": ["c"]}, 1),
    ("expect_column_distinct_values_to_equal_set", {"column": "plan", "value_set": ["a", "b"]}, 0),
    ("expect_column_values_to_be_between", {"column": "n", "min_value": 1, "strict_min": True}, 1),
    ("expect_column_values_to_be_between", {"column": "on", "max_value": "2024-01-02"}, 1),
    ("expect_column_values_to_be_of_type", {"column": "n", "type_": "int64"}, 0),
    ("expect_column_values_to_be_in_type_list", {"column": "n", "type_list": ["FLOAT", "VARCHAR"]}, 1),
    ("expect_column_values_to_match_regex", {"column": "plan", "regex": "^a$"}, 1),
    ("expect_column_values_to_not_match_regex", {"column": "plan", "regex": "a"}, 2),
    ("expect_column_values_to_match_regex_list", {"column": "plan", "regex_list": ["a", "b"]}, 0),
    (
        "expect_column_values_to_match_regex_list",
        {"column": "plan", "regex_list": ["a", "b"], "match_on": "all"},
        3,
    ),
    ("expect_column_values_to_not_match_regex_list", {"column": "plan", "regex_list": ["x", "b"]}, 1),
    ("expect_column_values_to_match_like_pattern", {"column": "plan", "like_pattern": "a%"}, 1),
    ("expect_column_values_to_not_match_like_pattern", {"column": "plan", "like_pattern": "a%"}, 2),
    (
        "expect_column_values_to_match_like_pattern_list",
        {"column": "plan", "like_pattern_list": ["a", "c"]},
        1,
    ),
    (
        "expect_column_values_to_not_match_like_pattern_list",
        {"column": "plan", "like_pattern_list": ["a"]},
        2,
    ),
    ("expect_column_value_lengths_to_be_between", {"column": "plan", "min_value": 2}, 3),
    ("expect_column_value_lengths_to_equal", {"column": "plan", "value": 1}, 0),
    ("expect_column_values_to_be_increasing", {"column": "m"}, 0),
    ("expect_column_values_to_be_increasing", {"column": "m", "strictly": True}, 1),
    ("expect_column_values_to_be_decreasing", {"column": "n"}, 3),
    (
        "expect_column_value_z_scores_to_be_less_than",
        {"column": "n", "threshold": 1, "double_sided": True},
        2,
    ),
    ("expect_column_max_to_be_between", {"column": "n", "max_value": 3}, 1),
    ("expect_column_min_to_be_between", {"column": "n", "min_value": 1}, 0),
    ("expect_column_mean_to_be_between", {"column": "n", "min_value": 2.5, "max_value": 2.5}, 0),
    ("expect_column_median_to_be_between", {"column": "n", "min_value": 3}, 1),
    ("expect_column_stdev_to_be_between", {"column": "n", "min_value": 1.29, "max_value": 1.2911}, 0),
    ("expect_column_sum_to_be_between", {"column": "n", "min_value": 10, "max_value": 10}, 0),
    ("expect_column_unique_value_count_to_be_between", {"column": "m", "min_value": 3}, 1),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "m", "max_value": 0.5}, 1),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "m", "min_value": 0.75}, 0),
    (
        "expect_column_quantile_values_to_be_between",
        {"column": "n", "quantile_ranges": {"quantiles": [0.0, 0.5], "value_ranges": [[1, 1], [None, 2]]}},
        1,
    ),
    ("expect_column_pair_values_to_be_equal", {"column_A": "n", "column_B": "m"}, 2),
    (
        "expect_column_pair_values_to_be_equal",
        {"column_A": "n", "column_B": "m", "ignore_row_if": "either_value_is_missing"},
        1,
    ),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "n", "column_B": "m"}, 4),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "n", "column_B": "m", "or_equal": True},
        2,
    ),
    (
        "expect_column_pair_values_to_be_in_set",
        {"column_A": "n", "column_B": "m", "value_pairs_set": [[1, 1], [3, 3]]},
        2,
    ),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["n", "m"], "sum_total": 2}, 3),
    (
        "expect_multicolumn_sum_to_equal",
        {"column_list": ["n", "m"], "sum_total": 2, "ignore_row_if": "any_value_is_missing"},
        2,
    ),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["n", "m"]}, 2),
    ("expect_compound_columns_to_be_unique", {"column_list": ["plan", "m"]}, 0),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE n > 2"}, 2),
]


@pytest.mark.parametrize(("name", "arguments", "failed"), CASES)
def test_each_expectation_asks_the_same(name, arguments, failed):
    made = from_suite({"name": "s", "expectations": [{"type": name, "kwargs": arguments}]})

    assert made.unmapped == []
    result = run_checks(FRAME, made.checks).results[0]
    assert (result.message, result.failed) == ("", failed)


def test_every_mapping_has_a_case():
    assert set(_MAPPED) <= {name for name, _, _ in CASES}


def test_both_forms_are_read_with_severity_tolerance_and_notes(tmp_path):
    old = {
        "expectation_suite_name": "old",
        "expectations": [
            {
                "expectation_type": "expect_column_values_to_be_between",
                "kwargs": {"column": "n", "min_value": 0, "mostly": 0.9, "result_format": "BASIC"},
                "meta": {"notes": {"format": "markdown", "content": ["No debts."]}},
            }
        ],
    }
    new = {
        "name": "new",
        "expectations": [
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "n", "min_value": 0, "mostly": 0.9},
                "severity": "info",
                "id": "d1f0",
            }
        ]
        * 2,
    }

    found = []
    for name, suite in (("old", old), ("new", new)):
        path = tmp_path / f"{name}.json"
        path.write_bytes(msgspec.json.encode(suite))
        found.append(read_suite(path))

    first, second = found
    assert (first.checks[0].mostly, first.checks[0].description) == (0.9, "No debts.")
    assert [each.severity for each in second.checks] == ["notice", "notice"]
    assert len({each.id for each in second.checks}) == 2
    assert first.checks[0].expression == "n >= 0"


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("expect_column_kl_divergence_to_be_less_than", {"column": "n"}, "no counterpart"),
        ("expect_column_values_to_be_between", {"column": "n"}, "no bounds"),
        ("expect_column_values_to_be_between", {}, "not as expected"),
        ("expect_column_values_to_match_regex", {"column": "plan", "regex": "(?=a)"}, "cannot be used"),
        ("expect_column_values_to_be_in_set", {"column": "plan", "value_set": []}, "empty"),
        (
            "expect_column_values_to_be_in_set",
            {"column": "plan", "value_set": [{"a": 1}]},
            "cannot be written",
        ),
        ("expect_column_values_to_be_of_type", {"column": "n", "type_": "object"}, "none of fettle's"),
        ("expect_column_values_to_not_be_null", {"column": "n", "row_condition": "m > 1"}, "some rows only"),
    ],
)
def test_what_cannot_be_mapped_is_listed(name, arguments, reason):
    made = from_suite({"expectations": [{"type": name, "kwargs": arguments}]})

    assert made.checks == []
    assert made.unmapped[0].name == name
    assert reason in made.unmapped[0].reason
    assert any(name in line for line in made.lines())


@pytest.mark.parametrize(("text", "said"), [("{}", "neither"), ("{", "not JSON"), ("[1]", "neither")])
def test_another_file_is_refused(text, said, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(text)

    with pytest.raises(Invalid, match=said):
        read_suite(path)
    with pytest.raises(NotFound):
        read_suite(tmp_path / "none.json")
