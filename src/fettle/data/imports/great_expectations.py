"""Take over a Great Expectations suite: the JSON of 0.18 (`expectation_type`) and of 1.x (`type`).

The package is not needed. Missing values pass where Great Expectations leaves them out too. An expectation without a
counterpart is listed with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fettle.core.errors import FettleError
from fettle.data.checks.vetting import vet
from fettle.data.imports.found import (
    Imported,
    NotMapped,
    Unmapped,
    bounds,
    column,
    kind_named,
    listed,
    named,
    value,
)
from fettle.data.records.checks import Check
from fettle.data.records.schemas import Severity
from fettle.data.schemas import check_pattern

Arguments = Mapping[str, Any]
_SEVERITIES: dict[str, Severity] = {"critical": "error", "warning": "warning", "info": "notice"}
_IGNORED = frozenset(("result_format", "include_config", "catch_exceptions", "batch_id", "meta"))


def from_suite(suite: Mapping[str, Any]) -> Imported:
    """The checks of a suite, read from its JSON."""
    checks: list[Check] = []
    unmapped: list[Unmapped] = []
    taken: set[str] = set()
    for each in suite.get("expectations") or []:
        name = str(each.get("type") or each.get("expectation_type") or "?")
        given = {key: what for key, what in (each.get("kwargs") or {}).items() if key not in _IGNORED}
        try:
            checks.append(vet(_check(name, given, each, taken)))
        except NotMapped as reason:
            unmapped.append(Unmapped(name, _about(given), str(reason)))
        except FettleError as error:
            unmapped.append(Unmapped(name, _about(given), f"{error.message} {error.found}".strip()))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            unmapped.append(Unmapped(name, _about(given), f"its arguments are not as expected: {error!r}"))
    title = str(suite.get("name") or suite.get("expectation_suite_name") or "suite")
    return Imported(f"Great Expectations suite {title}", checks, unmapped)


def _about(given: Arguments) -> str:
    names = [given[key] for key in ("column", "column_A", "column_B") if key in given]
    return ", ".join(map(str, names or given.get("column_list") or ["table"]))


def _check(name: str, given: Arguments, each: Mapping[str, Any], taken: set[str]) -> Check:
    if given.get("row_condition"):
        raise NotMapped(
            f"it holds for some rows only ({given['row_condition']}); write `not (…) or …` by hand"
        )
    if name == "unexpected_rows_expectation":
        form: dict[str, Any] = {"query": _query(each, given)}
    elif name in _GROUPS:
        form = {"unique": [str(part) for part in given["column_list"]]}
    elif name in _MAPPED:
        form = {"expression": _MAPPED[name](given)}
    else:
        raise NotMapped("it has no counterpart")
    for pattern in [given.get("regex"), *(given.get("regex_list") or [])]:
        if pattern is not None:
            check_pattern(str(pattern))
    short = (
        name.removeprefix("expect_")
        .removeprefix("column_values_to_")
        .removeprefix("column_")
        .removeprefix("table_")
    )
    meta = each.get("meta") or {}
    notes = meta.get("notes") if isinstance(meta, Mapping) else None
    content = notes.get("content") if isinstance(notes, Mapping) else notes
    said = each.get("description") or (content[0] if isinstance(content, list) and content else content)
    return Check(
        id=named(
            f"{'table' if name.startswith('expect_table') else _about(given).replace(', ', '-')}-{short}".replace(
                "_", "-"
            ),
            taken,
        ),
        **form,
        severity=_SEVERITIES.get(str(each.get("severity") or "critical"), "error"),
        mostly=float(given.get("mostly") or 1.0),
        description=str(said or ""),
    )


def _query(each: Mapping[str, Any], given: Arguments) -> str:
    query = str(given.get("unexpected_rows_query") or each.get("unexpected_rows_query") or "")
    if not query:
        raise NotMapped("it has no query")
    return query.replace("{batch}", "data")


def _within(what: str, given: Arguments) -> str:
    return bounds(
        what,
        given.get("min_value"),
        given.get("max_value"),
        strict_low=bool(given.get("strict_min")),
        strict_high=bool(given.get("strict_max")),
    )


def _of(given: Arguments, key: str = "column") -> str:
    return column(given[key])


def _whole(function: str) -> Callable[[Arguments], str]:
    return lambda given: _within(f"{function}({_of(given)})", given)


def _in_set(given: Arguments) -> str:
    return f"{_of(given)} in {listed(given['value_set'])}"


def _any(parts: list[str], given: Arguments) -> str:
    if not parts:
        raise NotMapped("its list is empty")
    return (" and " if given.get("match_on") == "all" else " or ").join(parts)


def _patterns(given: Arguments) -> list[str]:
    return [f"matches({_of(given)}, {value(each)})" for each in given["regex_list"]]


def _likes(given: Arguments, key: str) -> list[str]:
    return [f"{_of(given)} like {value(each)}" for each in given[key]]


def _ordered(sign: str) -> Callable[[Arguments], str]:
    def build(given: Arguments) -> str:
        exact = sign if given.get("strictly") else f"{sign}="
        return f"{_of(given)} {exact} previous({_of(given)})"

    return build


def _greater(given: Arguments) -> str:
    return _pair(given, ">=" if given.get("or_equal") else ">")


def _pair(given: Arguments, sign: str) -> str:
    """A comparison of two columns; where one value is missing it fails, unless such rows are to be ignored."""
    a, b = _of(given, "column_A"), _of(given, "column_B")
    ignored = given.get("ignore_row_if") or "both_values_are_missing"
    if ignored == "either_value_is_missing":
        return f"{a} {sign} {b}"
    missing = f"{a} is null and {b} is null" if ignored == "both_values_are_missing" else "false"
    return f"coalesce({a} {sign} {b}, {missing})"


def _pairs(given: Arguments) -> str:
    a, b = _of(given, "column_A"), _of(given, "column_B")
    return " or ".join(f"({a} = {value(x)} and {b} = {value(y)})" for x, y in given["value_pairs_set"])


def _sum(given: Arguments) -> str:
    """The sum of several columns; a missing one counts as 0 there, unless such rows are to be ignored."""
    names = [column(each) for each in given["column_list"]]
    wanted = value(given["sum_total"])
    if given.get("ignore_row_if") == "any_value_is_missing":
        return f"{' + '.join(names)} = {wanted}"
    text = f"{' + '.join(f'coalesce({name}, 0)' for name in names)} = {wanted}"
    if given.get("ignore_row_if") == "never":
        return text
    return f"{text} or ({' and '.join(f'{name} is null' for name in names)})"


def _within_record(given: Arguments) -> str:
    names = [column(each) for each in given["column_list"]]
    pairs = [f"{a} != {b}" for at, a in enumerate(names) for b in names[at + 1 :]]
    return " and ".join(pairs)


def _equal_set(given: Arguments) -> str:
    values = [each for each in given["value_set"] if each is not None]
    return f"{_contain_set(given)} and distinct({_of(given)}) = {len(set(map(repr, values)))}"


def _contain_set(given: Arguments) -> str:
    return " and ".join(
        f"share({_of(given)} = {value(each)}) > 0" for each in given["value_set"] if each is not None
    )


def _quantiles(given: Arguments) -> str:
    ranges = given["quantile_ranges"]
    return " and ".join(
        bounds(f"quantile({_of(given)}, {share})", low, high)
        for share, (low, high) in zip(ranges["quantiles"], ranges["value_ranges"], strict=True)
    )


def _z_scores(given: Arguments) -> str:
    score = f"({_of(given)} - mean({_of(given)})) / std({_of(given)})"
    return f"{f'abs({score})' if given.get('double_sided', True) else score} < {value(given['threshold'])}"


def _type(given: Arguments) -> str:
    names = given.get("type_list") or [given["type_"]]
    kinds = list(dict.fromkeys(kind_named(str(name)) for name in names))
    return f"type_of({_of(given)}) in {listed(kinds)}"


def _columns_match(given: Arguments) -> str:
    wanted = [str(each) for each in given["column_set"]]
    parts = [f"has_column({value(each)})" for each in wanted]
    if given.get("exact_match", True):
        parts.append(f"columns() = {len(wanted)}")
    return " and ".join(parts)


_GROUPS = frozenset(("expect_compound_columns_to_be_unique", "expect_multicolumn_values_to_be_unique"))
_MAPPED: dict[str, Callable[[Arguments], str]] = {
    "expect_table_row_count_to_be_between": lambda given: _within("rows()", given),
    "expect_table_row_count_to_equal": lambda given: f"rows() = {value(given['value'])}",
    "expect_table_column_count_to_be_between": lambda given: _within("columns()", given),
    "expect_table_column_count_to_equal": lambda given: f"columns() = {value(given['value'])}",
    "expect_table_columns_to_match_set": _columns_match,
    "expect_table_columns_to_match_ordered_list": lambda given: (
        f"columns_are({', '.join(value(each) for each in given['column_list'])})"
    ),
    "expect_column_to_exist": lambda given: f"has_column({value(given['column'])})",
    "expect_column_values_to_not_be_null": lambda given: f"{_of(given)} is not null",
    "expect_column_values_to_be_null": lambda given: f"{_of(given)} is null",
    "expect_column_values_to_be_unique": lambda given: f"unique({_of(given)})",
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_not_be_in_set": lambda given: (
        f"{_of(given)} not in {listed(given['value_set'])}"
    ),
    "expect_column_distinct_values_to_be_in_set": _in_set,
    "expect_column_distinct_values_to_contain_set": _contain_set,
    "expect_column_distinct_values_to_equal_set": _equal_set,
    "expect_column_values_to_be_between": lambda given: _within(_of(given), given),
    "expect_column_values_to_be_of_type": _type,
    "expect_column_values_to_be_in_type_list": _type,
    "expect_column_values_to_match_regex": lambda given: f"matches({_of(given)}, {value(given['regex'])})",
    "expect_column_values_to_not_match_regex": lambda given: (
        f"not matches({_of(given)}, {value(given['regex'])})"
    ),
    "expect_column_values_to_match_regex_list": lambda given: _any(_patterns(given), given),
    "expect_column_values_to_not_match_regex_list": lambda given: f"not ({_any(_patterns(given), {})})",
    "expect_column_values_to_match_like_pattern": lambda given: (
        f"{_of(given)} like {value(given['like_pattern'])}"
    ),
    "expect_column_values_to_not_match_like_pattern": lambda given: (
        f"{_of(given)} not like {value(given['like_pattern'])}"
    ),
    "expect_column_values_to_match_like_pattern_list": lambda given: _any(
        _likes(given, "like_pattern_list"), given
    ),
    "expect_column_values_to_not_match_like_pattern_list": lambda given: (
        f"not ({_any(_likes(given, 'like_pattern_list'), {})})"
    ),
    "expect_column_value_lengths_to_be_between": lambda given: _within(f"len({_of(given)})", given),
    "expect_column_value_lengths_to_equal": lambda given: f"len({_of(given)}) = {value(given['value'])}",
    "expect_column_values_to_be_increasing": _ordered(">"),
    "expect_column_values_to_be_decreasing": _ordered("<"),
    "expect_column_value_z_scores_to_be_less_than": _z_scores,
    "expect_column_max_to_be_between": _whole("max"),
    "expect_column_min_to_be_between": _whole("min"),
    "expect_column_mean_to_be_between": _whole("mean"),
    "expect_column_median_to_be_between": _whole("median"),
    "expect_column_stdev_to_be_between": _whole("std"),
    "expect_column_sum_to_be_between": _whole("sum"),
    "expect_column_unique_value_count_to_be_between": _whole("distinct"),
    "expect_column_proportion_of_unique_values_to_be_between": lambda given: _within(
        f"distinct({_of(given)}) / count({_of(given)})", given
    ),
    "expect_column_proportion_of_non_null_values_to_be_between": lambda given: _within(
        f"count({_of(given)}) / rows()", given
    ),
    "expect_column_quantile_values_to_be_between": _quantiles,
    "expect_column_pair_values_to_be_equal": lambda given: _pair(given, "="),
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_to_be_in_set": _pairs,
    "expect_multicolumn_sum_to_equal": _sum,
    "expect_select_column_values_to_be_unique_within_record": _within_record,
}
"""Expectation → the expression that asks the same."""
