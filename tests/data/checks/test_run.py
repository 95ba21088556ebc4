"""Checks made of a table: counts against counting by hand, rows, tolerance, and what cannot be made."""

import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data.checks import files, sql
from fettle.data.checks.python import check, load_checks
from fettle.data.checks.report import ChecksReport
from fettle.data.checks.run import failing_rows, failing_table, run_checks
from fettle.data.records.checks import Check, CheckReport

FRAME = pl.DataFrame({"amount": [1.0, -2.0, None] * 10, "n": range(30), "plan": ["a", "bb", None] * 10})


def one(made: Check, **given) -> CheckReport:
    return run_checks(FRAME, [made], **given).results[0]


@pytest.mark.parametrize(
    ("fields", "outcome", "rows", "failed"),
    [
        ({"expression": "amount > 0"}, "failed", 30, 10),
        ({"expression": "amount > 0", "mostly": 0.5}, "passed", 20, 10),
        ({"expression": "amount > 0", "mostly": 0.51}, "failed", 20, 10),
        ({"expression": "amount is not null", "mostly": 0.6}, "passed", 30, 10),
        ({"expression": "mean(n) < 3"}, "failed", 1, 1),
        ({"expression": "mean(n) < 300"}, "passed", 1, 0),
        ({"sql": "plan IN ('a', 'bb') AND n >= 0"}, "passed", 30, 0),
        ({"sql": "length(plan) = 1"}, "failed", 30, 10),
        ({"query": "SELECT * FROM data WHERE n > 27"}, "failed", 30, 2),
        ({"query": "SELECT plan, count(*) AS c FROM data GROUP BY plan HAVING c > 10"}, "passed", 30, 0),
        ({"unique": ["n"]}, "passed", 30, 0),
        ({"unique": ["plan", "amount"]}, "failed", 30, 30),
        ({"references": "plans@main:id", "columns": ["plan"]}, "failed", 30, 10),
        ({"references": "plans@main:id, n", "columns": ["plan", "n"]}, "failed", 30, 19),
    ],
)
def test_each_form_counts_the_rows_that_fail(fields, outcome, rows, failed):
    plans = pl.LazyFrame({"id": ["a", "zz"], "n": [0, 1]})

    found = one(Check(id="it", **fields), lookup={"plans@main": plans}.__getitem__)

    assert (found.outcome, found.rows, found.failed) == (outcome, rows, failed)
    if outcome == "failed" and rows > 1:
        assert found.failing
        assert len(found.failing) == min(20, failed)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"expression": "foo > 1"}, "no column 'foo'"),
        ({"sql": "n > 'x'"}, "cannot compare"),
        ({"sql": "nn > 1"}, "nn"),
        ({"sql": "n + 1"}, "no true or false"),
        ({"query": "SELECT * FROM other"}, "other"),
        ({"query": "SELECT 1; SELECT 2"}, "one query"),
        ({"query": "DROP TABLE data"}, "one query"),
        ({"unique": ["m"]}, "'m'"),
        ({"references": "plans@main:id", "columns": ["plan"]}, "no workspace"),
        ({"function": "lost"}, "not here"),
    ],
)
def test_what_cannot_be_made_is_broken_and_the_others_are_made(fields, said):
    report = run_checks(FRAME, [Check(id="bad", **fields), Check(id="good", expression="n >= 0")])

    assert [each.outcome for each in report.results] == ["broken", "passed"]
    assert said in report.results[0].message
    assert not report.ok


def test_failing_rows_are_numbered_from_one_with_the_columns_looked_at():
    found = one(Check(id="it", expression="amount > 0 or n < 3"))

    assert found.failing[0].row == 5
    assert found.failing[0].values == {"amount": "-2.0", "n": "4"}
    assert failing_rows(FRAME, found.check)["row"].to_list() == [5, 8, 11, 14, 17, 20, 23, 26, 29]


def test_all_failing_rows_of_all_checks_as_one_table():
    checks = [
        Check(id="positive", expression="amount > 0"),
        Check(id="few", query="SELECT * FROM data WHERE n > 27"),
        Check(id="whole", expression="rows() < 3"),
        Check(id="fine", expression="n >= 0"),
    ]

    table = failing_table(FRAME.lazy(), checks)

    assert table.columns == ["check", "row", "column", "value"]
    assert table.filter(check="positive").height == 10
    assert table.filter(check="few")["row"].unique().sort().to_list() == [29, 30]
    assert table.filter(check="few", row=30, column="n")["value"].to_list() == ["29"]


def test_python_functions_give_an_expression_or_the_rows_that_fail():
    @check(severity="warning", owner="ada")
    def small(frame: pl.LazyFrame) -> pl.Expr:
        """N is small.

        More.
        """
        return pl.col("n") < 28

    @check(id="other name")
    def many(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.filter(pl.col("n") > 26)

    @check()
    def wrong(frame: pl.LazyFrame) -> int:
        return 3

    @check()
    def raising(frame: pl.LazyFrame) -> pl.Expr:
        raise KeyError("nothing")

    report = run_checks(FRAME, [small, many, wrong, raising])

    assert [each.outcome for each in report.results] == ["failed", "failed", "broken", "broken"]
    assert [each.failed for each in report.results[:2]] == [2, 3]
    assert (report.results[0].check.description, report.results[0].check.owner) == ("N is small.", "ada")
    assert report.results[1].check.id == "other name"


def test_a_file_of_functions_is_read(tmp_path):
    path = tmp_path / "rules.py"
    path.write_text(
        "import polars as pl\n"
        "from fettle.data.checks.python import check\n"
        "@check(mostly=0.9)\n"
        "def good(frame):\n    return pl.col('n') >= 0\n"
    )

    assert [each.check.id for each in load_checks(path)] == ["good"]
    path.write_text("x = 1\n")
    with pytest.raises(Invalid, match="declares no check"):
        load_checks(path)
    path.write_text("import nowhere_to_be_found\n")
    with pytest.raises(Invalid, match="cannot be run"):
        load_checks(path)
    with pytest.raises(NotFound):
        load_checks(tmp_path / "none.py")


@pytest.mark.parametrize(
    "text",
    [
        "plan in (select column_1 from read_csv('{path}'))",
        "exists(select 1)",
        "n > (WITH x AS (SELECT 1) SELECT * FROM x)",
        "plan = 'a\\' or n in (select 1) or ''='",
        "n > 1 -- ' \n or n in (select 1) -- '",
        "n > 1 /* ' */ or n in (select 1) /* ' */",
        "plan = $$'$$ or n in (select 1) or plan = $$'$$",
    ],
)
def test_an_sql_condition_reads_no_file(text, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("column_1\nhush\n")

    with pytest.raises(Invalid) as caught:
        sql.condition(text.format(path=secret))

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["plan = 'select'", '"from" > 1', "extract(year from at) > 2000", "trim(both from plan) = ''"]
)
def test_words_that_only_look_like_queries_pass(text):
    try:
        sql.condition(text)
    except Invalid as error:
        assert "holds no query" not in error.message


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM '{path}'",
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM read_text('{path}')",
        "COPY data TO '{path}'",
        "ATTACH '{path}' AS x",
        "SET enable_external_access = true",
    ],
)
def test_a_query_reaches_no_file(query, tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("a\nhush\n")

    with pytest.raises(Invalid) as caught:
        sql.rows_of(query.format(path=path), FRAME)

    assert "hush" not in str(caught.value)
    assert path.read_text() == "a\nhush\n"


def test_nan_is_missing_in_lazy_frames_too():
    frame = pl.LazyFrame({"x": [1.0, float("nan")]})

    assert run_checks(frame, [Check(id="it", expression="x > 0")]).results[0].failed == 0
    assert run_checks(frame, [Check(id="it", expression="x is not null")]).results[0].failed == 1


def test_no_rows_pass_what_is_asked_of_rows():
    report = run_checks(
        FRAME.head(0), [Check(id="it", expression="n > 1", mostly=0.9), Check(id="u", unique=["n"])]
    )

    assert [each.outcome for each in report.results] == ["passed", "passed"]


def test_the_report_says_what_failed_and_where():
    report = ChecksReport(
        "demo",
        run_checks(
            FRAME,
            [
                Check(id="positive", expression="amount > 0", owner="ada", description="No refunds here."),
                Check(id="soft", expression="n > 2", severity="warning"),
                Check(id="lost", expression="foo > 2", severity="notice"),
            ],
        ),
    )
    text = "\n".join(report.lines())

    assert "0 of 3 checks passed on 30 rows" in text
    assert "10 of 30 fail · No refunds here." in text
    assert "row 2: amount='-2.0'" in text
    assert "lost could not be made" in text
    assert report.fault == "1 check(s) of demo did not pass: positive."
    assert report.as_dict()["ok"] is False


TOML = """
[[check]]
id = "positive"
expression = "amount > 0"
mostly = 0.99
severity = "warning"

[[check]]
id = "pair"
unique = ["plan", "n"]
"""


def test_toml_reads_back_the_same():
    checks = files.from_toml(TOML)

    assert checks[0] == Check(id="positive", expression="amount > 0", mostly=0.99, severity="warning")
    assert files.from_toml(files.to_toml(checks)) == checks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[check]]\nid = 'a'\n", "asks one thing"),
        ("[[check]]\nid = 'a'\nexpression = 'n > 1'\nsql = 'n > 1'\n", "expression, sql"),
        ("[[check]]\nid = 'a'\nexpresion = 'n > 1'\n", "'expression'"),
        ("[[check]]\nid = 'a'\nexpression = 'n >'\n", "character 4"),
        ("[[check]]\nid = 'a'\nexpression = 'n > 1'\nmostly = 1.5\n", "(0, 1]"),
        ("[[check]]\nid = 'a'\nexpression = 'n > 1'\nseverity = 'bad'\n", "severity"),
        ("[[check]]\nid = ''\nexpression = 'n > 1'\n", "needs an id"),
        ("[[check]]\nid = 'a'\nexpression = 'n > 1'\n[[check]]\nid = 'a'\nexpression = 'n > 1'\n", "twice"),
        ("[[check]]\nid = 'a'\nreferences = 'x'\ncolumns = ['n']\n", "columns here and there"),
        ("[[checks]]\n", "'check'"),
        ("[[check", "mistake"),
    ],
)
def test_a_mistake_in_toml_is_named(text, said):
    with pytest.raises((Invalid, NotFound)) as caught:
        files.from_toml(text)

    assert said in str(caught.value)
