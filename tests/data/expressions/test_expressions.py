"""The language of expressions: what it says on a row it says on a frame, and what it cannot say it points at."""

import math
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.data.expressions import read
from fettle.data.records.versions import Type

TYPES: dict[str, Type] = {
    "a": "number",
    "b": "number",
    "n": "integer",
    "flag": "boolean",
    "name": "string",
    "city": "string",
    "day": "date",
    "at": "datetime",
    "till": "datetime",
    "with space": "number",
}
SCHEMA = {
    "a": pl.Float64,
    "b": pl.Float64,
    "n": pl.Int64,
    "flag": pl.Boolean,
    "name": pl.String,
    "city": pl.String,
    "day": pl.Date,
    "at": pl.Datetime("us", "UTC"),
    "till": pl.Datetime("us", "UTC"),
    "with space": pl.Float64,
}
ROW = {
    "a": 2.5,
    "b": -4.0,
    "n": 7,
    "flag": True,
    "name": "  Ada ",
    "city": "Łódź",
    "day": date(2024, 5, 31),
    "at": datetime(2024, 5, 31, 13, 45, tzinfo=UTC),
    "till": datetime(2024, 6, 2, 1, 45, tzinfo=UTC),
    "with space": 1.0,
}
MEANS = {
    "a + b": -1.5,
    "a - b * 2": 10.5,
    "n / 2": 3.5,
    "n // 2": 3.0,
    "-n // 2": -4.0,
    "n % 4": 3.0,
    "-n % 4": 1.0,
    "a ** 2": 6.25,
    "a / 0": None,
    "log(b)": None,
    "sqrt(b)": None,
    "exp(a * 1000)": None,
    "abs(b) + max(a, n, 1) - min(a, b)": 15.0,
    "round(a) + round(3.5)": 6.0,
    "floor(a) + ceil(a)": 5.0,
    "n > 3": True,
    "n == 7.0": True,
    "3 < n <= 7": True,
    "between(a, 2, 2.5)": True,
    "n in (1, 7)": True,
    "n not in (1, 7)": False,
    "flag and a > 3": False,
    "not flag or a > 2": True,
    '"old" if n >= 7 else "young"': "old",
    "n if flag else a": 7.0,
    "true and false": False,
    "trim(name) + upper(city)": "AdaŁÓDŹ",
    "len(city)": 4.0,
    'replace(city, "ó", "o")': "Łodź",
    'contains(city, "dź") and starts(city, "Ł") and ends(city, "ź")': True,
    r'matches(trim(name), "^[A-Z]\w+$")': True,
    'name == "Ada"': False,
    'city in ("Łódź", "Kraków")': True,
    "year(day) + month(at) / 100": 2024.05,
    "weekday(day)": 5.0,
    "hour(at) + hour(day)": 13.0,
    "days(till, at)": 1.5,
    "hours(at, day)": 13.75,
    'at >= "2024-05-31"': True,
    'day < "2024-05-31"': False,
    'day in ("2024-05-31", "2024-06-01")': True,
    "at > day": True,
    'at == "2024-05-31T13:45"': True,
    'col("with space") + 1': 2.0,
    "missing(a)": False,
    "a is None or b is not None": True,
    "coalesce(n, a)": 7.0,
    "n = 7 AND a <> 3 Or flag IS NULL": True,
    "n between 7 and 8 and n not between 8 and 9": True,
    "a < b < n or b < a < n": True,
    "name like '%Ada%' and city LIKE '___ź'": True,
    "city matches 'Ł.*' and not (city matches 'Ł')": True,
    "city in ['Łódź',]": True,
    "n in (a, b, n)": True,
    "at is not null and missing(name) = false": True,
    "round(a / 3, 2) + round(-a, 1)": -1.67,
    "least(n, a) + greatest(a, 3)": 5.5,
    "is_whole(n) and not is_whole(a) and is_finite(a)": True,
    "number('-1.5e1') + number(replace('7,5', ',', '.'))": -7.5,
    "number(name)": None,
    "date('2024-05-31') = day and date('2024-5-31') is null": True,
    "days(at, '2024-05-31T13:45')": 0.0,
    "coalesce(day, at) < '2024-05-31T00:00:01'": True,
    "null if n > 3 else a": None,
    "a if flag else none": 2.5,
    "flag + (n > 3) * 2": 3.0,
    "flag = 1": True,
    "n = 7.5 or +n > 6": True,
    "1 + 2 * 3 ** 2 - 4 / 2": 17.0,
    "'it''s' + \"x\"": "it'sx",
    "matches('10 $', '[0-9]+ [$€]$')": True,
}


@pytest.mark.parametrize("text", MEANS)
def test_an_expression_means_the_same_on_a_row_and_on_a_frame(text: str):
    found = read(text, TYPES)
    frame = pl.DataFrame([ROW], schema=SCHEMA)
    assert found.of(ROW) == MEANS[text]
    assert frame.select(found.polars).item() == MEANS[text]


@pytest.mark.parametrize("text", MEANS)
def test_what_is_missing_makes_missing(text: str):
    row = dict.fromkeys(TYPES)
    found = read(text, TYPES)
    frame = pl.DataFrame([row], schema=SCHEMA)
    assert frame.select(pl.lit(0), found.polars.alias("x"))["x"].to_list() == [found.of(row)]


def test_what_is_decided_needs_no_other_value():
    missing = {**ROW, "a": None}
    assert read("flag or a > 1", TYPES).of(missing) is True
    assert read("not flag and a > 1", TYPES).of(missing) is False
    assert read("flag and a > 1", TYPES).of(missing) is None


TEXTS = st.recursive(
    st.sampled_from(["name", "city", "'a'", "' 1'", "'1.5'", "''"]),
    lambda each: st.one_of(
        st.tuples(st.sampled_from(["upper", "lower", "trim"]), each).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(each, each).map(lambda p: f"({p[0]} + {p[1]})"),
        each.map(lambda text: f"replace({text}, 'a', 'bb')"),
        st.tuples(each, each).map(lambda p: f"({p[0]} if flag else {p[1]})"),
        st.tuples(each, each).map(lambda p: f"coalesce({p[0]}, {p[1]})"),
    ),
    max_leaves=3,
)
MOMENTS = st.sampled_from(
    ["day", "at", "till", "'2024-05-31'", "'2024-05-31T12:00'", "date(name)", "coalesce(day, at)"]
)
NUMBERS = st.recursive(
    st.one_of(
        st.sampled_from(["a", "b", "n", "2", "0.5", "3", "365.25", "1e300", "flag"]),
        st.tuples(st.sampled_from(["len", "number"]), TEXTS).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(st.sampled_from(["year", "month", "weekday", "hour"]), MOMENTS).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        st.tuples(MOMENTS, MOMENTS).map(lambda p: f"hours({p[0]}, {p[1]})"),
    ),
    lambda each: st.one_of(
        st.tuples(each, st.sampled_from(["+", "-", "*", "/", "//", "%"]), each).map(
            lambda p: f"({' '.join(p)})"
        ),
        st.tuples(st.sampled_from(["abs", "sqrt", "floor", "ceil", "round", "-"]), each).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        each.map(lambda text: f"round({text}, 2)"),
        st.tuples(each, each).map(lambda p: f"max({p[0]}, {p[1]})"),
        st.tuples(each, each, each).map(lambda p: f"({p[0]} if {p[1]} > {p[2]} else {p[0]})"),
        st.tuples(each, each).map(lambda p: f"coalesce({p[0]}, {p[1]})"),
        each.map(lambda text: f"(null if flag else {text})"),
    ),
    max_leaves=6,
)
SIGNS = st.sampled_from(["<", "<=", "==", "!=", ">", ">=", "=", "<>"])


def compared(each: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Every way to compare values of one kind."""
    return st.one_of(
        st.tuples(each, SIGNS, each).map(" ".join),
        st.tuples(each, SIGNS, each, SIGNS, each).map(" ".join),
        st.tuples(each, st.sampled_from(["between", "not between"]), each, each).map(
            lambda p: f"{p[0]} {p[1]} {p[2]} and {p[3]}"
        ),
        st.tuples(each, st.sampled_from(["in", "NOT IN"]), each, each).map(
            lambda p: f"{p[0]} {p[1]} ({p[2]}, {p[3]})"
        ),
        st.tuples(each, st.sampled_from(["is null", "is not None"])).map(" ".join),
    )


TESTS = st.recursive(
    st.one_of(
        compared(NUMBERS),
        compared(TEXTS),
        compared(MOMENTS),
        st.tuples(st.sampled_from(["starts", "ends", "contains"]), TEXTS, TEXTS).map(
            lambda p: f"{p[0]}({p[1]}, {p[2]})"
        ),
        st.tuples(
            TEXTS, st.sampled_from(["like 'a%'", "like '_.'", "matches '[a-z$]+'", "not like '%1'"])
        ).map(" ".join),
        st.tuples(st.sampled_from(["is_whole", "is_finite"]), NUMBERS).map(lambda p: f"{p[0]}({p[1]})"),
        st.sampled_from(["flag", "missing(a)", "name == 'x'", "n in (1, 2, 3)", "n > 9007199254740993"]),
    ),
    lambda each: st.one_of(
        st.tuples(each, st.sampled_from(["and", "or"]), each).map(lambda p: f"({' '.join(p)})"),
        each.map(lambda text: f"(not {text})"),
        st.tuples(each, each, each).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
    ),
    max_leaves=4,
)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
WORDS = st.text(max_size=4) | st.sampled_from(["2024-05-31", "2024-02-30", "1.5", "-3e2", "a1", "A.", "$"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.none() | st.floats(-1e6, 1e6),
            "b": st.none() | st.sampled_from([0.0, -1.0, 0.5, 3.0]),
            "n": st.none() | st.integers(-1000, 1000) | st.integers(2**53, 2**53 + 4),
            "flag": st.none() | st.booleans(),
            "name": st.none() | WORDS,
            "city": st.none() | WORDS,
            "day": st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
            "at": st.none() | TIMES,
            "till": st.none() | TIMES,
            "with space": st.none(),
        }
    ),
    min_size=1,
    max_size=5,
)


@given(st.one_of(NUMBERS, TESTS, TEXTS), ROWS)
@settings(max_examples=300, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_any_expression_gives_the_same_on_rows_and_frames(text: str, rows: list[dict]):
    found = read(text, TYPES)
    frame = pl.DataFrame(rows, schema=SCHEMA)
    whole = frame.with_columns(found.polars.alias("x"))["x"].to_list()
    for row, made in zip(rows, whole, strict=True):
        wanted = found.of(row)
        if isinstance(wanted, float) and isinstance(made, float):
            assert math.isclose(made, wanted, rel_tol=1e-12, abs_tol=1e-12), (text, row)
        else:
            assert made == wanted, (text, row)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("a >", Invalid, "at character 4: a column, a value"),
        ("amount > 0", NotFound, "no column 'amount'"),
        ("A > 0", NotFound, "Did you mean 'a'"),
        ("a > name", Invalid, "at character 3: a number cannot be compared with a text"),
        ("name + 1", Invalid, "at character 1: a number is expected, not a text"),
        ("a and flag", Invalid, "at character 1: a condition is expected, not a number"),
        ("__import__('os')", NotFound, "no function"),
        ("a.real", Invalid, "no meaning"),
        ("[a for a in b]", Invalid, "instead of '['"),
        ("lambda: 1", Invalid, "no meaning"),
        ("(a := 1)", Invalid, "no meaning"),
        ('f"{a}"', Invalid, "the end"),
        ("open('x')", NotFound, "no function"),
        ("lower(a)", Invalid, "at character 7: a text is expected, not a number"),
        ("a in n", Invalid, "a list such as"),
        ('a in ("x", "y")', Invalid, "a number cannot be compared with a text"),
        ('matches(name, "(")', Invalid, "at character 15: this pattern"),
        (r'matches(name, "(?=a)b")', Invalid, "look-around"),
        ('starts(name, "a")', Invalid, "a text is 'a'"),
        (r"matches(name, '\pL')", Invalid, "pattern"),
        ("matches(name, '[[:alpha:]]')", Invalid, "classes within classes"),
        ("matches(name, city)", Invalid, "a pattern in quotes is expected"),
        ("replace(name, city, 'x')", Invalid, "a text in quotes is expected"),
        ('at > "yesterday"', Invalid, "2024-01-31"),
        ("a" + "+a" * 6000, Invalid, "too long"),
        ("a" + "+a" * 3000, Invalid, "too deeply"),
        ("not " * 2000 + "flag", Invalid, "too deeply"),
        ("a ** " * 1500 + "a", Invalid, "too deeply"),
        ("(" * 300 + "a" + ")" * 300, Invalid, "too deeply"),
        ("a is b", Invalid, "'null' is expected"),
        ("a = null", Invalid, "x is null"),
        ("null", Invalid, "a value is expected"),
        ("none if flag else null", Invalid, "a value is expected"),
        ("round(a, 1.5)", Invalid, "whole number from 0 to 15"),
        ("like > 1", Invalid, 'a column of that name is "like"'),
        ("1j", Invalid, "instead of 'j'"),
        ("", Invalid, "the expression ends"),
        ("a; b", Invalid, "no meaning"),
        ("mean(a) > 1", Invalid, "mean() looks at other rows"),
        ("min(a)", Invalid, "min(x, y)"),
        ("previous(a)", Invalid, "in a check"),
        ("unique(a)", Invalid, "in a check"),
        ("rows() > 1", Invalid, "in a check"),
        ("has_column('a')", Invalid, "in a check"),
    ],
)
def test_what_cannot_be_said_is_pointed_at(text: str, kind: type[FettleError], words: str):
    with pytest.raises(kind) as caught:
        read(text, TYPES)
    assert words in str(caught.value)


def test_the_columns_of_an_expression_are_known():
    found = read("a > 1 and lower(city) == 'x' or col('with space') > a", TYPES)
    assert (found.type, found.columns) == ("boolean", ["a", "city", "with space"])


@pytest.mark.parametrize(
    "text",
    [
        "+".join(["a"] * 149),
        "%".join(["a"] * 149),
        "exp(" * 50 + "a" + ")" * 50,
        "coalesce(b, " * 50 + "a" + ")" * 50,
        "0 < (" * 50 + "a" + ") < 1" * 50,
        " or ".join(["a > 1"] * 1000),
    ],
)
def test_a_long_expression_is_read_and_computed_in_steps_as_many_as_its_words(text: str):
    found = read(text, TYPES)
    assert pl.DataFrame([ROW], schema=SCHEMA).select(found.polars).item() == found.of(ROW)
