"""Validation: each kind of anomaly, its severity, the count by hand, and the change that would accept it."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from fettle.data import schemas, validate
from fettle.data.profiles import profile
from fettle.data.records import Report, Rule, Schema

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


def rows_of(report: Report, kind: str) -> list[tuple[int, str | None]]:
    return [(each.row, each.value) for each in next(a for a in report.anomalies if a.kind == kind).failing]


def test_the_rows_that_fail_are_listed_with_numbers_from_one():
    report = check(pl.when(pl.int_range(pl.len()) == 7).then(300).otherwise("age").alias("age"))

    assert rows_of(report, "range") == [(8, "300")]
    assert rows_of(check(first("height", 30, None)), "missing-rate") == [(row, None) for row in range(1, 21)]


def test_all_failing_rows_as_a_frame():
    bad = GOOD.with_columns(first("age", 30, 300), first("plan", 2, "x"), first("height", 1, None))

    found = validate.failing_rows(bad, SCHEMA)

    assert found.columns == ["row", "column", "kind", "value"]
    assert found.filter(kind="range")["row"].to_list() == list(range(1, 31))
    assert found.filter(column="plan")["value"].to_list() == ["x", "x"]
    assert found.filter(kind="missing-rate")["value"].to_list() == [None]
    assert validate.failing_rows(GOOD, SCHEMA).height == 0


TEXTS = pl.DataFrame(
    {
        "code": ["AB12", "CD34", "EF56", "GH78"],
        "at": [datetime(2024, 1, day) for day in (1, 2, 3, 4)],
        "on": [date(2024, 1, day) for day in (1, 2, 3, 4)],
    }
)
AT, LATER = datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "kind", "rows"),
    [
        (Rule("code", "string", regex="[A-Z]{2}[0-9]{2}"), None, []),
        (Rule("code", "string", regex="[A-F]{2}[0-9]{2}"), "pattern", [4]),
        (Rule("code", "string", regex="AB"), "pattern", [1, 2, 3, 4]),
        (Rule("code", "string", min_length=5), "length", [1, 2, 3, 4]),
        (Rule("code", "string", min_length=4, max_length=4), None, []),
        (Rule("at", "datetime", min_at=AT), "date-range", [1]),
        (Rule("at", "datetime", max_at=LATER), "date-range", [4]),
        (Rule("on", "date", min_at=AT, max_at=LATER), "date-range", [1, 4]),
        (Rule("at", "datetime", monotone="strictly increasing"), None, []),
        (Rule("on", "date", monotone="decreasing"), "not-monotone", [2, 3, 4]),
    ],
)
def test_rules_about_texts_and_times(rule, kind, rows):
    report = validate.validate(TEXTS, Schema([rule]))
    found = [each for each in report.anomalies if each.kind != "new-column"]

    assert [each.kind for each in found] == ([kind] if kind else [])
    if kind:
        assert [each.row for each in found[0].failing] == rows
        assert found[0].suggestion
        accepted = validate.accept(Schema([rule]), found)
        again = validate.validate(TEXTS, accepted)
        assert [each.kind for each in again.anomalies if each.kind != "new-column"] == []


def test_order_looks_past_missing_values():
    frame = pl.DataFrame({"n": [1, None, 3, 2, None, 2]})

    report = validate.validate(frame, Schema([Rule("n", "integer", monotone="increasing")]))

    assert rows_of(report, "not-monotone") == [(4, "2")]
    strictly = validate.validate(frame, Schema([Rule("n", "integer", monotone="strictly increasing")]))
    assert rows_of(strictly, "not-monotone") == [(4, "2"), (6, "2")]


def test_too_few_rows_are_said():
    report = validate.validate(TEXTS, Schema([], rows_min=5))

    found = next(each for each in report.anomalies if each.kind == "few-rows")
    assert validate.accept(Schema([], rows_min=5), [found]).rows_min == 4


def test_texts_in_a_column_of_numbers_are_listed():
    frame = pl.DataFrame({"n": ["1", "2", "three", None]})

    report = validate.validate(frame, Schema([Rule("n", "integer")]))

    assert rows_of(report, "type") == [(3, "three")]
    assert "1 of 3 cannot be read as integer" in report.anomalies[0].message
    assert validate.failing_rows(frame, Schema([Rule("n", "integer")]))["row"].to_list() == [3]


def test_drift_is_told_against_a_reference():
    draw = np.random.default_rng(3)
    good, other = (pl.DataFrame({"x": draw.normal(shift, 1, 5000)}) for shift in (0, 1))
    schema = Schema([Rule("x", "number", drift_max=0.1)])

    assert validate.validate(good, schema, reference=profile(good)).anomalies == []
    assert validate.validate(other, schema).anomalies == []
    found = validate.validate(other, schema, reference=profile(good)).anomalies
    assert [each.kind for each in found] == ["drift"]
    accepted = validate.accept(schema, found)
    assert validate.validate(other, accepted, reference=profile(good)).anomalies == []


def test_a_lazy_frame_gives_the_same_report():
    bad = GOOD.with_columns(first("age", 3, 300), first("height", 2, float("nan")))

    assert validate.validate(bad.lazy(), SCHEMA) == validate.validate(bad, SCHEMA)
