"""Expressions: what they mean on rows, how a mistake is pointed at, and that nothing else gets through."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.data.checks.compiling import compile_condition
from fettle.data.expressions.syntax import is_expression, parse
from fettle.data.expressions.words import FUNCTIONS

TYPES = {
    "amount": "number",
    "n": "integer",
    "plan": "string",
    "on": "date",
    "at": "datetime",
    "flag": "boolean",
    "größe in m": "number",
}
FRAME = pl.DataFrame(
    {
        "amount": [1.0, -2.0, None],
        "n": [1, 2, 3],
        "plan": ["a", "bb", None],
        "on": [date(2024, 1, 1), date(2024, 5, 1), None],
        "at": [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 5, 1, 12, tzinfo=UTC), None],
        "flag": [True, False, None],
        "größe in m": [1.0, 2.0, 3.0],
    },
    schema_overrides={"at": pl.Datetime("us", "UTC")},
)


def answer(text: str) -> list:
    return FRAME.select(compile_condition(text, TYPES).expr).to_series().to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount > 0", [True, False, None]),
        ("amount >= -2 and n != 1", [False, True, None]),
        ("not amount > 0 or n = 3", [False, True, True]),
        ("0 < n <= 2", [True, True, False]),
        ("n == 2", [False, True, False]),
        ("n <> 2", [True, False, True]),
        ("plan in ('a', 'c')", [True, False, None]),
        ('plan in ("a", "c")', [True, False, None]),
        ("plan not in ('a', 'c')", [False, True, None]),
        ("n in (1, -2, 3.0)", [True, False, True]),
        ("n between 2 and 3", [False, True, True]),
        ("n not between 2 and 3", [True, False, False]),
        ("plan matches '[a-z]'", [True, False, None]),
        ("matches(plan, 'b')", [False, True, None]),
        ("plan like '%b'", [False, True, None]),
        ("plan like '_'", [True, False, None]),
        ("plan is null", [False, False, True]),
        ("plan IS NOT None", [True, True, False]),
        ("missing(plan) or flag", [True, False, True]),
        ("on >= '2024-02-01'", [False, True, None]),
        ("at > on", [False, True, None]),
        ("at <= '2024-05-01T12:00:00'", [True, True, None]),
        ("year(on) = 2024 and weekday(on) = 1", [True, False, None]),
        ("days(at, on) = 0.5", [False, True, None]),
        ("hours(at, on) = 12", [False, True, None]),
        ('"größe in m" * 2 + 1 > 4', [False, True, True]),
        ("col('größe in m') ** 2 = 4", [False, True, False]),
        ("n * (n + 1) / 2 = 3", [False, True, False]),
        ("n % 2 = 1 and -n // 2 < 0", [True, False, True]),
        ("n / 0 > 1", [None, None, None]),
        ("abs(amount) = 2", [False, True, None]),
        ("round(amount / 3, 2) = 0.33", [True, False, None]),
        ("min(n, amount) < 1", [False, True, None]),
        ("max(n, amount) = 2", [False, True, None]),
        ("coalesce(amount, n) = 3", [False, False, True]),
        ("len(trim(plan)) = 1 or flag", [True, False, None]),
        ("starts(plan, 'b') and ends(plan, 'b') and contains(plan, 'bb')", [False, True, None]),
        ("replace(upper(plan), 'B', 'x') = 'xx'", [False, True, None]),
        ("(1 if flag else 0) = 0", [False, True, None]),
        ("n > previous(n)", [None, True, True]),
        ("unique(n)", [True, True, True]),
        ("unique(flag, n)", [True, True, True]),
        ("flag", [True, False, None]),
        ("mean(amount) < 0 and rows() = 3", [True]),
        ("count(amount) = 2 and missing_count(amount) = 1 and distinct(plan) = 2", [True]),
        ("min(on) = '2024-01-01' and max(n) = 3", [True]),
        ("share(n > 1) > 0.6 and quantile(n, 0.5) = 2", [True]),
        ("has_column('n') and not has_column('m') and columns() = 7", [True]),
        ("type_of(n) = 'integer' and type_of(\"größe in m\") = 'number'", [True]),
    ],
)
def test_what_an_expression_means(text, expected):
    assert answer(text) == expected


@pytest.mark.parametrize("name", [*FUNCTIONS])
def test_every_function_can_be_called(name):
    by_kind = {
        "number": "n",
        "text": "plan",
        "boolean": "flag",
        "time": "at",
        "any": "n",
        "decimals": "1",
        "fraction": "0.5",
        "pattern": "'a'",
        "literal": "'a'",
    }
    function = FUNCTIONS[name]
    arguments = ", ".join(by_kind[each] for each in function.takes if each != "…")

    found = compile_condition(f"{name}({arguments}) is not null", TYPES)

    assert FRAME.select(found.expr).schema.dtypes() == [pl.Boolean]
    assert found.whole == (function.whole or not function.takes)
    assert function.about


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("amount >> 0", 9, "instead of '>'"),
        ("amout > 0", 1, "'amount'"),
        ("plan > 3", 6, "a text cannot be compared with a number"),
        ("mean(plan) > 1", 6, "a number is expected, not a text"),
        ("plan matches '['", 14, "pattern"),
        ("(n > 1", 7, "')' is expected"),
        ("n + 1", 3, "a condition is expected"),
        ("florr(n) > 1", 1, "'floor'"),
        ("n in ()", 7, "a column, a value"),
        ("'abc", 1, "quote does not end"),
        ("n > 1 n", 7, "'and' or 'or'"),
        ("at > 'yesterday'", 6, "no date or time"),
        ("abs(n, n) > 1", 1, "takes 1 argument"),
        ("n > 1; drop", 6, "no meaning"),
        ("n and flag", 1, "a condition is expected, not a number"),
        ("round(n, n) > 1", 10, "plain number"),
        ("", 1, "the expression ends"),
        ("not", 4, "the expression ends"),
        ("(" * 80 + "n" + ")" * 80, 61, "too deeply"),
        ("-" * 80 + "n > 1", 60, "too deeply"),
    ],
)
def test_a_mistake_is_pointed_at(text, place, said):
    with pytest.raises((Invalid, NotFound)) as caught:
        compile_condition(text, TYPES)

    assert f"character {place}:" in caught.value.message
    assert said in str(caught.value)
    *_, line, caret = caught.value.found.splitlines()
    if text and len(text) < 40:
        assert line[4:].startswith(text)
        assert caret.index("^") == place - 1 + 4


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "n.real > 1",
        "n[0] > 1",
        "lambda: n",
        "n := 1",
        "{1}",
        "f'{n}' = 'x'",
        "n @ n",
        "$n > 1",
    ],
)
def test_python_that_is_no_expression_is_refused(text):
    with pytest.raises((Invalid, NotFound)):
        compile_condition(text, TYPES)


@settings(max_examples=120, deadline=None)
@given(st.text(alphabet="ab n>=<!()'\"+-*/%,.0123notriandf", max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        found = compile_condition(text, TYPES)
    except (Invalid, NotFound):
        return
    assert is_expression(text)
    FRAME.lazy().select(found.expr).collect_schema()


numbers = st.integers(-3, 3).map(str)
leaves = st.sampled_from(["n", "amount"]) | numbers
sums = st.recursive(
    leaves, lambda part: st.tuples(part, st.sampled_from("+-*"), part).map(lambda t: f"({' '.join(t)})")
)
comparisons = st.tuples(sums, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), sums).map(" ".join)
conditions = st.recursive(
    comparisons,
    lambda part: (
        st.tuples(part, st.sampled_from(["and", "or"]), part).map(lambda t: f"({' '.join(t)})")
        | part.map(lambda each: f"not ({each})")
    ),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(conditions)
def test_arithmetic_and_logic_are_those_of_python(text):
    whole = FRAME.head(2)
    rows = whole.select("n", "amount").to_dicts()

    found = whole.with_columns(found=compile_condition(text, TYPES).expr)["found"].to_list()

    assert found == [eval(text, {}, row) for row in rows]


def test_precedence():
    assert parse("a or b and not c = 1").kind == "or"
    assert parse("1 + 2 * 3 ** 2 = 19").parts[0].kind == "+"


def test_every_error_is_ours():
    for text in ("n >", "n in", "n between 1", "abs(", "n is", "not not", "n matches n", "a if b"):
        with pytest.raises(FettleError):
            compile_condition(text, TYPES)
