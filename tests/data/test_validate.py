"""Validation: each kind of anomaly, its severity, the count by hand, and the change that would accept it."""

import numpy as np
import polars as pl
import pytest

from fettle.data import schemas, validate
from fettle.data.records import Report

GOOD = pl.DataFrame(
    {
        "age": [20, 30, 40, 60] * 25,
        "height": [1.5, 1.6, 1.9, 1.7] * 25,
        "plan": ["basic", "pro"] * 50,
        "customer_id": list(range(1000, 1100)),
        "left": ["yes", "no"] * 50,
    }
)
SCHEMA = schemas.infer(GOOD, "left")


def check(*changes: pl.Expr | pl.Series) -> Report:
    return validate.validate(GOOD.with_columns(*changes), SCHEMA)


def first(column: str, count: int, value) -> pl.Expr:
    return pl.when(pl.int_range(pl.len()) < count).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)


@pytest.mark.parametrize(
    ("change", "kind", "severity", "rows", "examples"),
    [
        (first("age", 3, 300), "range", "warning", 3, ["300"]),
        (first("age", 100, 300), "range", "warning", 100, ["300"]),
        (first("height", 2, -1.5), "range", "warning", 2, ["-1.5"]),
        (first("height", 4, float("inf")), "infinite", "error", 4, ["inf"]),
        (first("height", 5, None), "missing-rate", "warning", 5, []),
        (first("height", 60, float("nan")), "missing-rate", "error", 60, []),
        (first("left", 1, None), "missing-rate", "error", 1, []),
        (first("plan", 7, "prro"), "unseen-category", "warning", 7, ["prro"]),
        (first("left", 1, "maybe"), "unseen-category", "error", 1, ["maybe"]),
        (first("customer_id", 2, 1099), "not-unique", "warning", 3, ["1099"]),
        (pl.col("age").cast(pl.String), "type", "error", 100, ["20", "30", "40", "60"]),
        (pl.lit(1).alias("new"), "new-column", "notice", 0, []),
    ],
)
def test_an_anomaly_is_found_counted_and_can_be_accepted(change, kind, severity, rows, examples):
    report = check(change)

    found = report.anomalies[0]
    assert len(report.anomalies) == 1
    assert (found.kind, found.severity, found.rows, found.examples) == (kind, severity, rows, examples)
    assert report.ok == (severity != "error")
    assert found.suggestion
    if found.change is not None:
        assert validate.validate(GOOD.with_columns(change), validate.accept(SCHEMA, [found])).anomalies == []


def test_a_missing_column_offers_one_that_looks_like_it():
    report = validate.validate(GOOD.rename({"height": "heigth"}), SCHEMA)

    assert [each.kind for each in report.anomalies] == ["missing-column", "new-column"]
    assert "Rename 'heigth' to 'height'" in report.anomalies[0].suggestion
    assert validate.validate(GOOD.drop("height"), validate.accept(SCHEMA, report.anomalies)).ok


def test_an_unseen_category_offers_the_value_it_may_be_meant_to_be():
    assert "meant to be 'basic'" in check(first("plan", 1, "basik")).anomalies[0].suggestion


def test_several_anomalies_come_gravest_first():
    report = check(first("age", 1, 300), first("height", 9, float("inf")), pl.lit(1).alias("new"))

    assert [each.severity for each in report.anomalies] == ["error", "warning", "notice"]
    assert [each.kind for each in report.of("warning")] == ["range"]


def test_whole_numbers_pass_for_numbers_and_an_all_missing_column_has_no_type():
    rounded = check(pl.col("height").round().cast(pl.Int64))
    empty = check(pl.lit(None, dtype=pl.String).alias("age"))

    assert rounded.ok
    assert [each.kind for each in empty.anomalies] == ["missing-rate"]


def test_no_rows_are_an_error():
    report = validate.validate(GOOD.head(0), SCHEMA)

    assert not report.ok
    assert report.anomalies[0].kind == "no-rows"


def test_rows_drawn_from_the_same_law_raise_no_errors():
    generator = np.random.default_rng(4)

    def draw(rows: int) -> pl.DataFrame:
        return pl.DataFrame({"x": generator.normal(size=rows), "k": generator.choice(["a", "b", "c"], rows)})

    assert validate.validate(draw(5000), schemas.infer(draw(5000))).anomalies == []


def test_every_kind_of_anomaly_has_a_severity():
    assert set(validate.KINDS.values()) == {"error", "warning", "notice"}
