"""Planning features, and turning rows into inputs."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.training.features import MAX_LEVELS, encode, feature_of, plan
from fettle.training.records import Dropped, Feature, FeaturePlan
from tests.training.tables import mixed, others


def test_every_kind_of_column_enters_in_its_own_way() -> None:
    made = plan(mixed(), "bought", exclude=others("bought"))
    assert {each.name: each.role for each in made.features} == {
        "price €": "number",
        "colour": "category",
        "größe": "category",
        "on sale": "boolean",
        "seen at": "moment",
        "city": "category",
        "age": "number",
    }
    assert (made.task, made.labels) == ("binary", ("no", "yes"))


def test_useless_columns_are_dropped_with_a_reason() -> None:
    made = plan(mixed(), "bought", exclude=others("bought"))
    reasons = {each.name: each.reason for each in made.dropped}
    assert "identifier" in reasons["row id"]
    assert "constant" in reasons["country"]
    assert "identifier" in reasons["note"]
    assert reasons["score"] == "excluded by you"


def test_a_column_with_many_levels_keeps_the_frequent_ones_only() -> None:
    city = next(each for each in plan(mixed(), "bought").features if each.name == "city")
    counts = mixed()["city"].value_counts(sort=True)
    assert len(city.levels) <= MAX_LEVELS < counts.height
    assert city.levels[0] == counts["city"][0]


def test_missing_values_make_a_column_nullable_and_a_level_of_their_own() -> None:
    by_name = {each.name: each for each in plan(mixed(), "bought").features}
    assert by_name["größe"].nullable and "" in by_name["größe"].levels
    assert by_name["age"].nullable and by_name["on sale"].nullable
    assert not by_name["price €"].nullable


def test_a_number_that_rises_with_time_is_a_clock_only_where_time_orders_the_rows() -> None:
    rising = pl.Series("odometer", np.linspace(0, 1, 200) + np.random.default_rng(0).normal(0, 0.01, 200))
    dropped = feature_of(rising, ordered=True)
    assert isinstance(dropped, Dropped) and "time" in dropped.reason
    assert isinstance(feature_of(rising, ordered=False), Feature)


def test_the_time_column_is_no_feature() -> None:
    frame = mixed().sort("seen at")
    made = plan(frame, "bought", time="seen at")
    assert "seen at" not in made.columns
    assert made.time == "seen at"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (pl.Series("x", [None] * 60, dtype=pl.Float64), "no values"),
        (pl.Series("x", [float("nan")] * 60), "no values"),
        (pl.Series("x", [[1]] * 60), "type"),
        (pl.Series("customer_id", np.random.default_rng(0).permutation(60) * 17), "identifier"),
    ],
)
def test_columns_that_tell_nothing(values: pl.Series, reason: str) -> None:
    found = feature_of(values)
    assert isinstance(found, Dropped)
    assert reason in found.reason


def test_too_few_rows_and_unknown_columns_are_refused() -> None:
    with pytest.raises(Invalid, match="too few rows"):
        plan(mixed().head(29), "bought")
    with pytest.raises(NotFound, match="bougth") as caught:
        plan(mixed(), "bougth")
    assert "'bought'" in caught.value.hint


def test_a_table_of_constants_is_refused_with_the_reasons() -> None:
    frame = pl.DataFrame({"a": [1] * 80, "y": [0, 1] * 40})
    with pytest.raises(Invalid, match="No column is left") as caught:
        plan(frame, "y")
    assert "constant" in caught.value.found


def test_encoding_gives_floats_and_strings_without_missing_values() -> None:
    made = plan(mixed(), "bought", exclude=others("bought"))
    inputs = encode(made, mixed())
    assert inputs.columns == [name for each in made.features for name in each.inputs]
    assert set(inputs.dtypes) == {pl.Float32, pl.String}
    assert inputs.null_count().sum_horizontal().item() == 0
    assert inputs["age"].is_nan().sum() == mixed()["age"].null_count()


def test_infinite_and_huge_numbers_count_as_missing() -> None:
    made = plan(pl.DataFrame({"x": np.arange(60) % 7 * 1.5, "y": [0, 1] * 30}), "y")
    inputs = encode(made, pl.DataFrame({"x": [float("inf"), 1e300, None, 2.0]}))
    assert inputs["x"].is_nan().to_list() == [True, True, True, False]


def test_times_with_a_zone_are_taken_in_utc() -> None:
    zone = timezone(timedelta(hours=2))
    local = pl.Series("at", [datetime(2024, 5, 31, 1, 30, tzinfo=zone)] * 2).dt.convert_time_zone(
        "Europe/Zurich"
    )
    made = Feature("at", "moment", parts=("day", "hour"))
    frame = encode(FeaturePlan("binary", "y", (made,)), local.to_frame())
    assert frame.row(0) == (30.0, 23.5)


def test_a_column_of_another_type_than_in_training_is_refused_by_name() -> None:
    made = plan(mixed(), "bought", exclude=others("bought"))
    wrong = mixed().with_columns(pl.lit("twelve").alias("price €"))
    with pytest.raises(Invalid, match="price €"):
        encode(made, wrong)
    with pytest.raises(NotFound, match="price €"):
        encode(made, mixed().drop("price €"))


def test_times_that_hardly_differ_are_dropped() -> None:
    seconds = pl.Series("at", [datetime(2024, 5, 31, 12, 0, each % 60) for each in range(100)])
    found = feature_of(seconds)
    assert isinstance(found, Dropped) and "minute" in found.reason


def test_dates_without_time_have_no_hour() -> None:
    days = pl.Series("on", [date(2024, 1, 1) + timedelta(days=each) for each in range(100)])
    found = feature_of(days)
    assert isinstance(found, Feature)
    assert found.parts == ("year", "month", "day", "weekday")
