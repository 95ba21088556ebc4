"""The grammar: what can be said, what is pointed at when it cannot, and that nothing hangs."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.tracking import search
from fettle.tracking.records.search import All, Condition, Either, Field, Not, Order, Term

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def one(text: str) -> Term:
    found = search.parse(text, now=NOW)
    assert isinstance(found, Term)
    return found


def name(value: str) -> Term:
    return Term(Field("attribute", "name"), "=", (value,))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("metrics.loss = 1", Field("metrics", "loss")),
        ("metric.loss.last = 1", Field("metrics", "loss")),
        ("metrics.loss.min = 1", Field("metrics", "loss", "low")),
        ("metrics.loss.HIGH = 1", Field("metrics", "loss", "high")),
        ("metrics.valid/loss.mean = 1", Field("metrics", "valid/loss", "mean")),
        ("metrics.`a b`.count = 1", Field("metrics", "a b", "count")),
        ('metrics."a.min" = 1', Field("metrics", "a.min")),
        ("params.a.min = 1", Field("params", "a.min")),
        ("parameter.x-y = 1", Field("params", "x-y")),
        ("tags.mlflow.mark = 'a'", Field("tags", "mlflow.mark")),
        ("tag.'ключ' = 'a'", Field("tags", "ключ")),
        ("attributes.run_name = 'a'", Field("attribute", "name")),
        ("RUN.run_name = 'a'", Field("attribute", "name")),
        ("run_id = 'a'", Field("attribute", "id")),
        ("dataset = 'a@b'", Field("dataset", "ref")),
        ("datasets.digest = 'a'", Field("dataset", "digest")),
        ("duration > 3", Field("attribute", "duration_s")),
    ],
)
def test_fields(text: str, field: Field) -> None:
    assert one(text).field == field


@pytest.mark.parametrize(
    ("text", "op", "values", "denied"),
    [
        ("params.x == 1", "=", (1,), False),
        ("params.x <> -1.5e-3", "=", (-0.0015,), True),
        ("params.x = 1_000", "=", (1000,), False),
        ("params.x = 12345678901234567890", "=", (12345678901234567890.0,), False),
        ("params.x in (1, 'a', true,)", "in", (1, "a", True), False),
        ("params.x NOT IN ['a']", "in", ("a",), True),
        ("params.x between 1 and 2", "between", (1, 2), False),
        ("params.x not between 1 and 2", "between", (1, 2), True),
        ("tags.x like 'it''s%'", "like", ("it's%",), False),
        ('tags.x not ILIKE "a"', "ilike", ("a",), True),
        ("name contains 'x'", "contains", ("x",), False),
        ("tags.x is null", "null", (), False),
        ("tags.x IS NOT none", "null", (), True),
        ("metrics.x > -inf", ">", (-math.inf,), False),
        ("status = 'FINISHED'", "=", ("finished",), False),
        ("archived", "=", (True,), False),
        ("archived = false", "=", (False,), False),
        ("deleted != true", "=", (True,), True),
        ('words "a b"', "contains", ("a b",), False),
        ('started = "2026-01-31"', "between", (NOW - 29 * DAY, NOW - 28 * DAY - TICK), False),
        ('started > "2026-02-28"', ">=", (NOW,), False),
        ('started <= "2026-02-28"', "<", (NOW,), False),
        ('started < "2026-03-01T01:00+01:00"', "<", (NOW,), False),
        ('ended >= "2 days ago"', ">=", (NOW - 2 * DAY,), False),
        ('started between "2026-02-27" and "2026-02-28"', "between", (NOW - 2 * DAY, NOW - TICK), False),
        ("attributes.start_time > 1772323200000", ">", (NOW,), False),
    ],
)
def test_comparisons(text: str, op: str, values: tuple[object, ...], denied: bool) -> None:
    found = one(text)
    assert (found.op, found.values, found.denied) == (op, values, denied)


def test_not_binds_closer_than_and_and_that_than_or() -> None:
    a, b, c = name("a"), name("b"), name("c")
    parse = search.parse
    assert parse("name = 'a' or name = 'b' and not name = 'c'") == Either((a, All((b, Not(c)))))
    assert parse("(name = 'a' OR name = 'b') AND name = 'c'") == All((Either((a, b)), c))
    assert parse("") == parse(" \n ") == All()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("metrics.loss < 'x'", 16, "a number"),
        ("metrix.loss < 1", 1, "metrics"),
        ("metrics.`a`.lst < 1", 1, "last"),
        ("statu = 'x'", 1, "status"),
        ("status = 'finishd'", 10, "finished"),
        ("name = tree", 8, "'tree'"),
        ("name like 3", 11, "text in quotes"),
        ("name = 'a' and", 15, "ends"),
        ("name = 'a' name", 12, "'and'"),
        ("(name = 'a'", 12, "')'"),
        ("name = 'a", 8, "quote does not end"),
        ("name ~ 'a'", 6, "no meaning"),
        ("name", 5, "a comparison"),
        ("params.x in ()", 14, "a value"),
        ("params.x in 'a'", 13, "a list"),
        ("params.x between 1 and 'a'", 24, "a number and a text"),
        ("metrics.x < nan", 13, "nan"),
        ("started > 'soon'", 11, "a time"),
        ("started in ('2026-01-01')", 13, "list"),
        ("archived > true", 10, "true or false"),
        ("datasets.size = 'a'", 1, "digest"),
        ("metrics.x like 'a'", 16, "no letters"),
        ("name = 'a\x00'", 10, "control"),
        ("name = 'a\ud800'", 10, "control"),
    ],
)
def test_mistakes_are_pointed_at(text: str, place: int, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        search.parse(text, now=NOW)
    error = refused.value
    assert f"character {place}:" in error.message
    assert words in str(error)
    _, shown, caret = error.found.split("\n")
    assert len(caret) - 4 == place
    assert text[0] == shown.strip()[0]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60_000,
        "not " * 15_000,
        "((name='a')" * 5000,
        "name = 'a' and " * 4300,
        "params.x in (" + "1," * 30_000,
        "a" * 65_536,
        "a." * 32_000,
        "`" * 65_000,
        '"' * 65_001,
        " " * 65_000 + "?",
        "metrics." + "x" * 65_000 + " <",
        "1" * 65_000,
        "name = '" + "'" * 64_000,
        "started > '" + "9" * 60_000 + "'",
        "started > " + "9" * 60_000,
        "x" * 70_000,
    ],
)
@pytest.mark.parametrize("dialect", ["fettle", "mlflow"])
def test_hostile_text_ends_in_an_error(text: str, dialect: search.Dialect) -> None:
    with pytest.raises(Invalid):
        search.parse(text, dialect=dialect)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="metrics.params`\"'()<>=!,% andorotlike12.5-inull\x00é", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for dialect in ("fettle", "mlflow"):
        try:
            search.parse(text, dialect=dialect, now=NOW)
        except Invalid as error:
            assert error.message


# --- order


def test_orders() -> None:
    found = search.parse_order(["-metrics.loss.min", "params.depth DESC", "started", "tags.`a b` asc"])
    assert found == (
        Order(Field("metrics", "loss", "low"), True),
        Order(Field("params", "depth"), True),
        Order(Field("attribute", "started_at")),
        Order(Field("tags", "a b")),
    )


@pytest.mark.parametrize(
    "text", ["", "-", "loss", "metrics.x.y z", "name, id", "dataset", "name = 'a'", "'name'"]
)
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="sorted"):
        search.parse_order([text])


# --- MLflow's grammar


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("metrics.m > 1.5", Term(Field("metrics", "m"), ">", (1.5,))),
        ("metric.`a b` <= -2", Term(Field("metrics", "a b"), "<=", (-2,))),
        ("metrics.a.min != 3", Term(Field("metrics", "a.min"), "=", (3,), True)),
        ('param."a-b" = "x"', Term(Field("params", "a-b"), "=", ("x",))),
        ("parameters.a ILIKE '%X'", Term(Field("params", "a"), "ilike", ("%X",))),
        ("tags.mlflow.log-model.history = 'x'", Term(Field("tags", "mlflow.log-model.history"), "=", ("x",))),
        ("tag.a IS NULL", Term(Field("tags", "a"), "null")),
        ("params.a is not null", Term(Field("params", "a"), "null", (), True)),
        ("status = 'RUNNING'", Term(Field("attribute", "status"), "=", ("running",))),
        ("attributes.`Run name` LIKE 'x%'", Term(Field("attribute", "name"), "like", ("x%",))),
        ("attr.created >= 1772323200000", Term(Field("attribute", "started_at"), ">=", (NOW,))),
        ("run_id NOT IN ('a', \"b\")", Term(Field("attribute", "id"), "in", ("a", "b"), True)),
        ("dataset.name IN ('a')", Term(Field("dataset", "name"), "in", ("a",))),
        ("datasets.context = 'train'", Term(Field("dataset", "context"), "=", ("train",))),
    ],
)
def test_what_mlflow_reads_is_read_and_is_a_part_of_the_language(text: str, found: Condition) -> None:
    assert search.parse(text, dialect="mlflow") == All((found,))
    if ".min" not in text:  # here a statistic unless it is quoted
        assert search.parse(text, now=NOW) == found


def test_mlflows_comparisons_are_joined_by_and() -> None:
    found = search.parse("metrics.a > 1 AND params.b = 'c' and tags.d != 'e'", dialect="mlflow")
    assert isinstance(found, All)
    assert len(found.parts) == 3
    assert search.parse("", dialect="mlflow") == All()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metrics.a > 'x'", "Expected numeric value type for metric"),
        ("metrics.a > nan", "Expected numeric value type for metric"),
        ("metrics.a LIKE 'x'", "Invalid comparator"),
        ("metrics.a IS NULL", "only supported for tags and params"),
        ("params.a = 3", "Expected a quoted string value for parameter"),
        ("params.a > 'x'", "Invalid comparator"),
        ("params.a IN ('x')", "Invalid comparator"),
        ("tags.a = b", "Expected a quoted string value for tag"),
        ("status IN ('RUNNING')", "Only ['run_id'] attributes"),
        ("run_id IN ()", "list"),
        ("run_id IN (1)", "list"),
        ("attributes.end_time = 'x'", "numeric attribute"),
        ("attributes.end_time LIKE 'x'", "Invalid comparator"),
        ("attributes.notes = 'x'", "Invalid attribute key"),
        ("lifecycle = 'x'", "Invalid attribute key"),
        ("a.b = 'x'", "Invalid entity type"),
        ("dataset.size = 'x'", "Invalid dataset key"),
        ("metrics.a > 1 OR metrics.b > 1", "Invalid clause(s) in filter string"),
        ("(metrics.a > 1)", "Invalid clause(s) in filter string"),
        ("NOT metrics.a > 1", "Invalid clause(s) in filter string"),
        ("metrics.a", "Invalid comparison clause"),
        ("metrics.a > 1 AND", "Invalid clause(s)"),
        ("params.a = 'x", "Error on parsing filter"),
    ],
)
def test_what_mlflow_refuses_is_refused_in_its_words(text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        search.parse(text, dialect="mlflow")
    assert message in refused.value.message


def test_mlflows_order_ends_with_the_newest_and_the_id() -> None:
    ties = (Order(Field("attribute", "started_at"), True), Order(Field("attribute", "id")))
    found = search.parse_order(
        ["metrics.`a b` DESC", "params.x", "attribute.start_time asc"], dialect="mlflow"
    )
    assert found[:3] == (
        Order(Field("metrics", "a b"), True, as_text=True),
        Order(Field("params", "x"), as_text=True),
        Order(Field("attribute", "started_at"), as_text=True),
    )
    assert found[3:] == ties
    for text in ("", "metrics.a down", "a.b", "dataset.name", "metrics.a, params.b", "'metrics.a"):
        with pytest.raises(Invalid, match=r"order_by|entity|attribute key"):
            search.parse_order([text], dialect="mlflow")


@pytest.mark.parametrize(
    "key", ["loss", "a.b", "a.min", "a b", "a`b", 'a"b', 'a`"b', "a=b", "ключ", "valid/x-1"]
)
def test_a_spelled_field_means_its_key(key: str) -> None:
    assert search.parse_fields([search.spelled("metrics", key)]) == (Field("metrics", key),)
