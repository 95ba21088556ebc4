"""Schemas: inferred from good rows, kept as TOML that reads back the same."""

from datetime import UTC, date, datetime

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.data import schemas, validate
from fettle.data.records import Rule, Schema
from fettle.data.revision import revise

GOOD = pl.DataFrame(
    {
        "age": [20, 30, 40, 60] * 25,
        "größe in m": [1.5, 1.6, 1.9, None] * 25,
        "plan": ["basic", "pro"] * 50,
        "customer_id": list(range(1000, 1100)),
        "left": [True, False] * 50,
    }
)


def test_the_schema_of_good_rows_expects_them():
    schema = schemas.infer(GOOD, "left")

    assert validate.validate(GOOD, schema).anomalies == []
    assert schema.target == "left"
    assert schema.rule("age") == Rule("age", "integer", "integer", min=10.0, max=70.0, missing_max=0.0)
    assert schema.rule("plan").values == ["basic", "pro"]
    assert schema.rule("customer_id").unique
    assert schema.rule("größe in m").missing_max == pytest.approx(0.385)


def test_a_range_keeps_to_its_side_of_zero():
    schema = schemas.infer(pl.DataFrame({"up": [1.0, 9.0], "down": [-1.0, -9.0], "both": [-1.0, 1.0]}))

    assert (schema.rule("up").min, schema.rule("down").max) == (0.0, 0.0)
    assert (schema.rule("both").min, schema.rule("both").max) == (-1.5, 1.5)


def test_an_unknown_target_offers_the_nearest():
    with pytest.raises(NotFound, match="'lefft'") as caught:
        schemas.infer(GOOD, "lefft")

    assert "'left'" in caught.value.hint


names = st.text(min_size=1, max_size=12)
floats = st.one_of(st.none(), st.floats(allow_nan=False))
rules = st.builds(
    Rule,
    name=names,
    type=st.sampled_from(["integer", "number", "boolean", "string", "date", "datetime"]),
    role=st.sampled_from(["number", "category", "text", "constant"]),
    required=st.booleans(),
    min=floats,
    max=floats,
    values=st.one_of(st.none(), st.lists(names, max_size=4)),
    missing_max=st.one_of(st.none(), st.floats(0, 1)),
    unique=st.booleans(),
    regex=st.sampled_from([None, "[a-z]+", 'a"b\\d', "x # y"]),
    min_length=st.one_of(st.none(), st.integers(0, 9)),
    min_at=st.one_of(st.none(), st.datetimes(datetime(1, 1, 2), timezones=st.just(UTC))),
    monotone=st.sampled_from([None, "increasing", "strictly decreasing"]),
    drift_max=st.one_of(st.none(), st.floats(0, 1)),
)


@settings(max_examples=150, deadline=None)
@given(st.builds(Schema, columns=st.lists(rules, max_size=4), target=st.one_of(st.none(), names)))
def test_toml_reads_back_the_same(schema):
    assert schemas.from_toml(schemas.to_toml(schema)) == schema


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("target = ", Invalid, "Invalid value"),
        ('[[column]]\nname = "a"\ntype = "float"\n', Invalid, "float"),
        ('[[column]]\nname = "a"\ntype = "number"\nmin = "low"\n', Invalid, "min"),
        ('[[column]]\nname = "a"\ntype = "number"\nmaximum = 3\n', NotFound, "'max'"),
        ('[[column]]\nname = "a"\ntype = "string"\nregex = "["\n', Invalid, "cannot be used"),
    ],
)
def test_a_mistake_in_toml_is_named(text, kind, said):
    with pytest.raises(kind) as caught:
        schemas.from_toml(text)

    assert said in str(caught.value)


def test_a_target_with_gaps_fits_its_own_schema():
    frame = pl.DataFrame(
        {"x": list(range(40)), "y": [None if row % 4 == 0 else row * 0.5 for row in range(40)]}
    )
    schema = schemas.infer(frame, target="y")

    assert validate.validate(frame, schema).ok
    worse = frame.with_columns(pl.when(pl.col("x") < 25).then(None).otherwise(pl.col("y")).alias("y"))
    assert [each.column for each in validate.validate(worse, schema).of("error")] == ["y"]


def test_long_texts_fit_their_own_schema():
    frame = pl.DataFrame({"answer": ["yes, " * 60, "no, " * 60] * 20})
    assert validate.validate(frame, schemas.infer(frame, target="answer")).ok


def test_a_time_column_in_order_is_expected_so_again():
    days = pl.date_range(date(2024, 1, 1), date(2024, 2, 10), eager=True)
    frame = pl.DataFrame({"on": days, "other": days})
    schema = schemas.infer(frame, time="on")

    assert (schema.rule("on").monotone, schema.rule("other").monotone) == ("increasing", None)
    assert [each.kind for each in validate.validate(frame.reverse(), schema).anomalies] == ["not-monotone"]


def test_dates_without_a_zone_are_taken_as_utc():
    text = '[[column]]\nname = "on"\ntype = "date"\nmin_at = 2024-01-31\nmax_at = 2024-02-01T12:00:00\n'

    rule = schemas.from_toml(text).rule("on")

    assert rule.min_at == datetime(2024, 1, 31, tzinfo=UTC)
    assert rule.max_at == datetime(2024, 2, 1, 12, tzinfo=UTC)


WRITTEN = """# Ours.
target = "left"

[[column]]
# In euros.
name = "amount"
type = "number"
max = 10.0  # the limit
unique = true

[[column]]   # second
name = "plan"
type = "string"
values = [
  "basic", # cheap
  "pro",
]
# the end of plan

[[column]]
name = "left"
type = "boolean"
"""


def test_a_revised_text_keeps_what_a_person_wrote():
    schema = schemas.from_toml(WRITTEN)
    amount, plan, left = schema.columns
    changed = Schema(
        [
            msgspec.structs.replace(amount, max=20.0, missing_max=0.1, unique=False),
            msgspec.structs.replace(plan, values=["basic", "max", "pro"]),
            left,
            Rule("new", "integer"),
        ],
        target="left",
        rows_min=5,
    )

    text = revise(WRITTEN, changed)

    assert schemas.from_toml(text) == changed
    for kept in (
        "# Ours.",
        "# In euros.",
        "max = 20.0  # the limit",
        "[[column]]   # second",
        "# the end of plan",
    ):
        assert kept in text
    assert "unique" not in text
    assert revise(WRITTEN, schema) == WRITTEN


@settings(max_examples=80, deadline=None)
@given(
    st.builds(Schema, columns=st.lists(rules, max_size=3, unique_by=lambda each: each.name)),
    st.builds(Schema, columns=st.lists(rules, max_size=3, unique_by=lambda each: each.name)),
)
def test_a_revised_text_says_the_new_schema(before, after):
    found = schemas.from_toml(revise(schemas.to_toml(before), after))

    assert sorted(found.columns, key=lambda each: each.name) == sorted(
        after.columns, key=lambda each: each.name
    )
