"""Schemas: inferred from good rows, kept as TOML that reads back the same."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.data import schemas, validate
from fettle.data.records import Rule, Schema

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
