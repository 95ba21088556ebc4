"""Features: versions of definitions, the same values on frames and rows, and joins that never see the future."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.data import versions
from fettle.features import Aggregate, Draft, Joined, join_as_of, needed, row_computer, with_features
from fettle.workspace import Workspace

BMI = Draft("bmi", {"kg": "number", "cm": "number"}, "kg / (cm / 100) ** 2", tags=["body"])
HEAVY = Draft("heavy", {"bmi": "number", "age": "integer"}, "bmi > 30 or (bmi > 28 and age > 60)")
PEOPLE = pl.DataFrame(
    {"kg": [80.0, 95.0, None, 100.0], "cm": [200.0, 170.0, 180.0, 0.0], "age": [30, 70, 40, 50]}
)


def test_a_definition_is_versioned_by_what_decides_its_values(workspace: Workspace):
    one = workspace.features.define(BMI)
    assert (one.ref, one.type) == ("bmi@1", "number")
    again = workspace.features.define(Draft("bmi", BMI.inputs, BMI.expression, description="Body mass index"))
    assert (again.version, again.description, again.tags) == (1, "Body mass index", ["body"])
    two = workspace.features.define(Draft("bmi", BMI.inputs, "kg / (cm / 100) ** 2.5"))
    assert two.version == 2
    assert [each.version for each in workspace.features.history("bmi")] == [2, 1]
    assert workspace.features.show("bmi").version == 2
    assert workspace.features.show("bmi@1").expression == BMI.expression
    with pytest.raises(NotFound, match="bmi"):
        workspace.features.show("bim")
    with pytest.raises(NotFound):
        workspace.features.show("bmi@7")


def test_features_are_found_by_words_and_columns_and_retired_ones_are_not_offered(workspace: Workspace):
    workspace.features.define(BMI)
    workspace.features.define(HEAVY)
    assert [each.name for each in workspace.features.find()] == ["bmi", "heavy"]
    assert [each.name for each in workspace.features.find("BODY")] == ["bmi"]
    assert [each.name for each in workspace.features.find(column="age")] == ["heavy"]
    workspace.features.retire("bmi", "use bmi_adult")
    assert [each.name for each in workspace.features.find()] == ["heavy"]
    assert workspace.features.find("bmi", retired=True)[0].retired == "use bmi_adult"


def test_features_of_features_are_computed_in_order_on_frames_and_rows_alike(workspace: Workspace):
    workspace.features.define(BMI)
    workspace.features.define(HEAVY)
    features = needed(workspace, ["heavy"])
    assert [each.name for each in features] == ["bmi", "heavy"]
    made = with_features(PEOPLE, features)
    assert made["heavy"].to_list() == [False, True, None, None]
    one = row_computer(features)
    for row, whole in zip(PEOPLE.to_dicts(), made.to_dicts(), strict=True):
        assert one(row) == whole


@pytest.mark.parametrize(
    ("draft", "kind", "words"),
    [
        (Draft("x", {}, ""), Invalid, "neither"),
        (Draft("x", {"a": "number"}, "a", function="m:f"), Invalid, "both"),
        (Draft("x", {"a": "number"}, "a > "), Invalid, "expression"),
        (Draft("x", {"a": "number"}, "b + 1"), NotFound, "column"),
        (Draft("x", {"a": "number"}, "a + 1", type="string"), Invalid, "does not give string"),
        (Draft("x", {"a": "number"}, function="m:f"), Invalid, "code"),
        (Draft("a/b", {"a": "number"}, "a"), Invalid, "cannot name"),
        (Draft("bmi", {"heavy": "boolean"}, "1 if heavy else 0"), Invalid, "from itself"),
    ],
)
def test_a_wrong_definition_is_refused(workspace: Workspace, draft, kind, words):
    workspace.features.define(BMI)
    workspace.features.define(HEAVY)
    with pytest.raises(kind, match=words):
        workspace.features.define(draft)
    assert len(workspace.features.find()) == 2


FUNCTIONS = '''
import polars as pl
from fettle.features import feature

@feature("speed", inputs={"km": "number", "hours": "number"}, type="number", owner="trips")
def speed(frame):
    """How fast."""
    return pl.when(pl.col("hours") > 0).then(pl.col("km") / pl.col("hours"))  # a comment
'''


def test_a_function_is_known_by_its_code(workspace: Workspace, tmp_path, monkeypatch):
    file = tmp_path / "trip_features.py"
    file.write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    [made] = workspace.features.load(file)
    with pytest.raises(Denied, match="may not be called"):
        row_computer([made])
    monkeypatch.setenv("FETTLE_FEATURES_FUNCTIONS", "trip_features,no_such_module")
    assert (made.ref, made.function, made.description, made.owner) == (
        "speed@1",
        "trip_features:speed",
        "How fast.",
        "trips",
    )
    trips = pl.DataFrame({"km": [10.0, 5.0, None], "hours": [2.0, 0.0, 1.0]})
    whole = with_features(trips, [made])
    assert whole["speed"].to_list() == [5.0, None, None]
    one = row_computer([made])
    assert [one(row)["speed"] for row in trips.to_dicts()] == [5.0, None, None]

    import msgspec

    stale = msgspec.structs.replace(made, code="0" * 64)
    with pytest.raises(Conflict, match="has changed"):
        with_features(trips, [stale])
    with pytest.raises(Conflict, match="has changed"):
        row_computer([stale])
    gone = msgspec.structs.replace(made, function="no_such_module:speed")
    with pytest.raises(NotFound, match="not here"):
        row_computer([gone])


def test_definitions_are_loaded_from_toml(workspace: Workspace, tmp_path):
    file = tmp_path / "features.toml"
    file.write_text(
        '[[feature]]\nname = "bmi"\nexpression = "kg / (cm / 100) ** 2"\ninputs = {kg = "number", cm = "number"}\n'
        '[[feature]]\nname = "obese"\nexpression = "bmi >= 30"\n'
    )
    assert [each.ref for each in workspace.features.load(file)] == ["bmi@1", "obese@1"]
    assert workspace.features.show("obese").inputs == {"bmi": "number"}
    file.write_text("[[feature]]\nnom = 1\n")
    with pytest.raises(Invalid, match="name"):
        workspace.features.load(file)


# --- joins

START = datetime(2024, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


LOANS = pl.DataFrame(
    {"customer": ["a", "b", "a", "c"], "at": [day(10), day(10), day(3), day(5)], "bad": [1, 0, 0, 1]}
)
PAYMENTS = pl.DataFrame(
    {
        "payer": ["a", "a", "a", "b", "b"],
        "paid_at": [day(1), day(3), day(11), day(2), day(9)],
        "amount": [10.0, 20.0, 999.0, 5.0, None],
    }
)


def joined(**given) -> list[dict]:
    how = Joined("payments", {"customer": "payer"}, "paid_at", **given)
    return join_as_of(LOANS, "at", PAYMENTS, how).drop("customer", "at", "bad").to_dicts()


def test_a_row_gets_the_last_value_known_at_its_time():
    assert [each["amount"] for each in joined(take=["amount"])] == [20.0, None, 20.0, None]
    assert [each["amount"] for each in joined(take=["amount"], strict=True)] == [20.0, None, 10.0, None]
    assert [each["amount"] for each in joined(take=["amount"], lag="1d")] == [20.0, None, 10.0, None]
    assert [each["p_amount"] for each in joined(take=["amount"], max_age="6d", prefix="p_")] == [
        None,
        None,
        20.0,
        None,
    ]


def test_windows_summarise_what_came_before():
    aggregate = [
        Aggregate("n", "count"),
        Aggregate("n_week", "count", window="7d"),
        Aggregate("paid", "sum", "amount"),
        Aggregate("most", "max", "amount", "8d"),
        Aggregate("latest", "last", "paid_at"),
    ]
    made = joined(aggregate=aggregate)
    assert [each["n"] for each in made] == [2, 2, 2, 0]
    assert [each["n_week"] for each in made] == [0, 1, 2, 0]
    assert [each["paid"] for each in made] == [30.0, 5.0, 30.0, None]
    assert [each["most"] for each in made] == [20.0, None, 20.0, None]
    assert [each["latest"] for each in made] == [day(3), day(9), day(3), None]


EVENTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 12), st.none() | st.integers(-5, 5)), max_size=12
)


@given(
    EVENTS,
    st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 12)), min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from(["", "3d"]),
    st.sampled_from(["", "2d"]),
)
@settings(max_examples=150, deadline=None)
def test_a_join_is_what_looking_at_every_row_says(events, asked, strict, window, lag):
    table = pl.DataFrame(
        {"who": [e[0] for e in events], "t": [day(e[1]) for e in events], "v": [e[2] for e in events]},
        schema={"who": pl.String, "t": pl.Datetime("us", "UTC"), "v": pl.Int64},
    )
    spine = pl.DataFrame(
        {"k": [a[0] for a in asked], "at": [None if a[1] is None else day(a[1]) for a in asked]},
        schema={"k": pl.String, "at": pl.Datetime("us", "UTC")},
    )
    how = Joined(
        "t",
        {"k": "who"},
        "t",
        lag=lag,
        strict=strict,
        aggregate=[
            Aggregate("n", "count", window=window),
            Aggregate("s", "sum", "v", window),
            Aggregate("m", "mean", "v", window),
        ],
    )
    made = join_as_of(spine, "at", table, how)
    assert made.select("k", "at").equals(spine)
    late = 2 if lag else 0
    for (who, at), row in zip(asked, made.to_dicts(), strict=True):
        seen = [
            value
            for owner, moment, value in events
            if owner == who
            and at is not None
            and (moment + late < at or (moment + late == at and not strict))
            and (not window or (moment + late > at - 3 or (strict and moment + late == at - 3)))
        ]
        values = [each for each in seen if each is not None]
        assert row["n"] == len(seen)
        assert row["s"] == (sum(values) if values else None)
        assert row["m"] is None if not values else math.isclose(row["m"], sum(values) / len(values))


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"key": {"customr": "payer"}}, NotFound, "customer"),
        ({"key": {"customer": "payr"}}, NotFound, "payer"),
        ({"time": "amount"}, Invalid, "no time"),
        ({"key": {"bad": "payer"}}, Invalid, "different types"),
        ({"take": []}, Invalid, "Nothing is taken"),
        ({"take": ["amount", "amount"]}, Conflict, "twice"),
        ({"aggregate": [Aggregate("bad", "count")]}, Conflict, "twice"),
        ({"aggregate": [Aggregate("x", "sum")]}, Invalid, "made of"),
    ],
)
def test_a_wrong_join_says_what_is_wrong(changes, kind, words):
    given = {"table": "p", "key": {"customer": "payer"}, "time": "paid_at", "take": ["amount"]}
    with pytest.raises(kind, match=words):
        join_as_of(LOANS, "at", PAYMENTS, Joined(**given | changes))


def test_a_plan_is_joined_computed_and_committed_with_what_it_was_made_from(workspace: Workspace, tmp_path):
    loans = versions.commit_frame(workspace, "loans", LOANS, time_column="at")
    payments = versions.commit_frame(workspace, "payments", PAYMENTS, time_column="paid_at")
    workspace.features.define(Draft("reliable", {"n": "integer", "paid": "number"}, "n > 1 and paid > 20"))
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'spine = "loans"\ntime = "at"\nfeatures = ["reliable"]\n'
        '[[tables]]\ntable = "payments"\nkey = {customer = "payer"}\ntime = "paid_at"\n'
        'aggregate = [{name = "n", how = "count"}, {name = "paid", how = "sum", of = "amount"}]\n'
    )
    made = workspace.features.join(plan, dataset="training")
    assert versions.load(workspace, "training")["reliable"].to_list() == [True, False, True, False]
    assert made.metadata == {"made_from": f"{loans.ref} {payments.ref}", "features": "reliable@1"}
    assert made.time_column == "at"
    simple = workspace.features.lookup(
        "loans",
        "payments",
        key={"customer": "payer"},
        time="at",
        table_time="paid_at",
        take=["amount"],
        dataset="simple",
    )
    assert simple.rows == 4
    workspace.features.define(Draft("costly", {"amount": "number"}, "amount > 10"))
    assert workspace.features.compute("simple", ["costly"], dataset="more").rows == 4


def test_what_is_dated_by_the_day_is_known_when_the_day_is_over():
    spine = pl.DataFrame({"k": ["a", "a"], "t": [day(4) + timedelta(hours=18), day(5) + timedelta(hours=8)]})
    table = pl.DataFrame({"k": ["a", "a"], "on": [day(4).date(), day(5).date()], "v": [4, 5]})
    how = Joined("t", {"k": "k"}, "on", take=["v"])
    assert join_as_of(spine, "t", table, how)["v"].to_list() == [None, 4]
    days = spine.with_columns(pl.col("t").dt.date())
    assert join_as_of(days, "t", table, how)["v"].to_list() == [4, 5]
