"""Skew between training and serving: distributions, and the same row with another value."""

import numpy as np
import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data.skew import compare_sides
from fettle.data.skewed import SkewShown


def table(rows: int = 4000) -> pl.DataFrame:
    draw = np.random.default_rng(9)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "x": draw.normal(size=rows),
            "y": draw.normal(size=rows),
            "plan": pl.Series(["a", "b", "c"]).gather(draw.integers(0, 3, rows)),
        }
    )


TABLE = table()


def feature(report, name):
    return next(each for each in report.features if each.feature == name)


def test_the_same_rows_are_not_skewed():
    report = compare_sides(TABLE, TABLE.sample(fraction=1.0, shuffle=True, seed=2), key=["id"])

    assert report.skewed == []
    assert (report.matched, report.only_training, report.only_serving, report.repeated) == (4000, 0, 0, 0)
    assert SkewShown("a", "b", report).fault == ""


def test_a_feature_computed_in_two_ways_is_found_though_its_distribution_is_the_same():
    serving = TABLE.with_columns(-pl.col("x"), plan=pl.col("plan").reverse())
    differ = (serving["plan"] != TABLE["plan"]).sum()

    report = compare_sides(TABLE, serving, key=["id"])

    assert feature(report, "x").psi < 0.1
    assert feature(report, "x").differ == 4000
    assert feature(report, "plan").differ == differ
    assert not feature(report, "y").skewed
    assert [each.feature for each in report.skewed] == ["x", "plan"]
    key, was, now = feature(report, "x").examples[0]
    assert float(was) == -float(now) == TABLE["x"][int(key)]
    assert SkewShown("a", "b", report).fault == "2 feature(s) are skewed: x, plan."


def test_rounding_is_no_skew_and_a_few_rows_are_not():
    serving = TABLE.with_columns(
        pl.col("x") * (1 + 1e-9), pl.when(pl.col("id") < 4).then(0.0).otherwise("y").alias("y")
    )

    report = compare_sides(TABLE, serving, key=["id"])

    assert feature(report, "x").differ == 0
    assert (feature(report, "y").differ, feature(report, "y").skewed) == (4, False)
    assert feature(compare_sides(TABLE, serving, key=["id"], differ_most=0.0005), "y").skewed


def test_distributions_are_compared_with_a_limit_a_feature():
    serving = TABLE.with_columns(pl.col("x") + 1, pl.col("y") + 1)

    report = compare_sides(TABLE, serving, limits={"y": 9.0})

    assert [each.feature for each in report.skewed if each.feature != "id"] == ["x"]
    assert feature(report, "y").psi == pytest.approx(feature(report, "x").psi, abs=0.2)


def test_missing_values_differ_from_present_ones_only():
    gaps = TABLE.with_columns(pl.when(pl.col("id") < 100).then(None).otherwise("x").alias("x"))

    assert feature(compare_sides(gaps, gaps, key=["id"]), "x").differ == 0
    assert feature(compare_sides(TABLE, gaps, key=["id"]), "x").differ == 100


def test_rows_without_partner_and_repeated_keys_are_counted():
    serving = pl.concat([TABLE.slice(1000), TABLE.slice(3990)])

    report = compare_sides(TABLE, serving, key=["id"])

    assert (report.matched, report.only_training, report.only_serving, report.repeated) == (2990, 1010, 0, 20)


def test_columns_of_one_side_and_other_types_are_said():
    serving = TABLE.drop("y").with_columns(pl.lit(1).alias("new"), pl.col("x").cast(pl.String))

    report = compare_sides(TABLE, serving)

    assert feature(report, "y").said == ["not in serving"]
    assert feature(report, "new").said == ["not in training"]
    assert feature(report, "x").said == ["type number in training, string in serving"]
    assert any("not in serving" in line for line in SkewShown("a", "b", report).lines())


def test_a_wrong_key_is_named():
    with pytest.raises(NotFound, match="'idd'"):
        compare_sides(TABLE, TABLE, key=["idd"])
    with pytest.raises(Invalid, match="two types"):
        compare_sides(TABLE, TABLE.with_columns(pl.col("id").cast(pl.String)), key=["id"])
