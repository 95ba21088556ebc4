"""Profiles, schemas, checks and skew as a user asks for them: by version and by file, kept with the version."""

import json
import subprocess
import sys

import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data import commit_frame, schemas, versions
from fettle.data.records.checks import Check
from fettle.workspace import Workspace

GOOD = pl.DataFrame(
    {"id": range(200), "amount": [float(each % 50) for each in range(200)], "plan": ["basic", "pro"] * 100}
)
BAD = GOOD.with_columns(
    pl.when(pl.col("id") < 3).then(-5.0).otherwise("amount").alias("amount"),
    pl.when(pl.col("id") == 7).then(pl.lit("ultra")).otherwise("plan").alias("plan"),
)


@pytest.fixture
def churn(workspace: Workspace) -> Workspace:
    commit_frame(workspace, "churn", GOOD, schema=schemas.infer(GOOD))
    commit_frame(workspace, "churn", BAD)
    return workspace


def test_a_profile_is_shown_and_written(churn, tmp_path):
    page = tmp_path / "profile.html"

    report = churn.data.profile("churn", html=page)

    assert report.lines()[0].startswith("churn@")
    assert report.profile == versions.profile_of(churn, "churn")
    assert page.read_text().startswith("<!doctype html>")
    assert churn.data.profile("churn", fresh=True).profile == report.profile


def test_a_file_is_profiled_without_becoming_a_version(workspace, tmp_path):
    path = tmp_path / "rows.csv"
    GOOD.write_csv(path)

    assert workspace.data.profile(str(path)).profile.rows == 200
    assert workspace.data.datasets() == []
    with pytest.raises(NotFound):
        workspace.data.profile(str(tmp_path / "none.csv"))


def test_two_versions_are_compared(churn, tmp_path):
    report = churn.data.compare("churn@main~1", "churn", html=tmp_path / "c.html")

    assert any("new: 'ultra'" in line for line in report.lines())
    assert (tmp_path / "c.html").exists()


def test_a_version_is_validated_against_the_nearest_schema_before_it(churn, tmp_path):
    report = churn.data.validate("churn", rows=tmp_path / "bad.csv")

    assert [each.kind for each in report.report.anomalies] == ["range", "unseen-category"]
    assert report.fault == ""
    found = pl.read_csv(tmp_path / "bad.csv")
    assert found["row"].to_list() == [1, 2, 3, 8]


def test_an_error_is_a_fault(churn, tmp_path):
    GOOD.drop("plan").write_csv(tmp_path / "less.csv")
    (tmp_path / "schema.toml").write_text(churn.data.schema("churn@main~1"))

    report = churn.data.validate(str(tmp_path / "less.csv"), schema=tmp_path / "schema.toml")

    assert "missing" in report.fault
    assert report.as_dict()["ok"] is False
    json.dumps(report.as_dict())


def test_accepting_changes_the_schema_of_the_version(churn):
    accepted = churn.data.accept("churn", column=["plan"])

    assert len(accepted.accepted) == 1
    assert '+values = ["basic", "pro", "ultra"]' in accepted.changes
    assert [each.kind for each in churn.data.validate("churn").report.anomalies] == ["range"]
    churn.data.accept("churn", all=True)
    assert churn.data.validate("churn").report.anomalies == []
    with pytest.raises(Invalid, match="unasked"):
        churn.data.accept("churn")


def test_accepting_changes_a_file_in_place_and_keeps_its_comments(churn, tmp_path):
    path = tmp_path / "schema.toml"
    path.write_text("# ours\n" + churn.data.schema("churn@main~1"))

    churn.data.accept("churn", all=True, schema=path)

    assert path.read_text().startswith("# ours\n")
    assert churn.data.validate("churn", schema=path).report.anomalies == []
    assert churn.data.validate("churn").report.anomalies
    churn.data.expect("churn", path)
    assert churn.data.validate("churn").report.anomalies == []


def test_checks_are_kept_made_and_remembered(churn, tmp_path):
    churn.data.add_check("churn", "positive", "amount >= 0", owner="ada")
    churn.data.add_check("churn", "pair", unique=["id"], severity="warning")

    report = churn.data.check("churn", rows=tmp_path / "bad.csv")

    assert report.fault == "1 check(s) of " + report.title + " did not pass: positive."
    assert pl.read_csv(tmp_path / "bad.csv")["row"].to_list() == [1, 2, 3]
    churn.data.check("churn@main~1")
    history = churn.data.check_history("churn", "positive")
    assert [(each.outcome, each.failed) for each in history] == [("passed", 0), ("failed", 3)]
    assert [each.check for each in churn.data.check_history("churn@main~1")] == ["pair", "positive"]
    assert {each.owner for each in history} == {"ada"}
    churn.data.check("churn", record=False)
    assert len(churn.data.check_history("churn")) == 4


def test_checks_are_replaced_and_removed(churn):
    churn.data.add_check("churn", "positive", "amount >= 0")
    churn.data.add_check("churn", "positive", "amount > 0")

    assert [each.expression for each in churn.data.checks("churn")] == ["amount > 0"]
    churn.data.remove_check("churn", "positive")
    with pytest.raises(NotFound):
        churn.data.remove_check("churn", "positive")
    with pytest.raises(Invalid, match="character 9"):
        churn.data.add_check("churn", "bad", "amount >")
    with pytest.raises(Invalid, match="not kept"):
        churn.data.set_checks("churn", [Check(id="f", function="f")])
    with pytest.raises(NotFound, match="no check"):
        churn.data.check("churn")


def test_checks_of_files_come_beside_those_kept(churn, tmp_path):
    churn.data.add_check("churn", "positive", "amount >= 0")
    (tmp_path / "checks.toml").write_text('[[check]]\nid = "positive"\nexpression = "amount > -9"\n')
    (tmp_path / "rules.py").write_text(
        "import polars as pl\nfrom fettle.data.checks.python import check\n"
        "@check()\ndef even(frame):\n    return pl.col('id') % 2 == 0\n"
    )

    report = churn.data.check("churn", checks=[tmp_path / "checks.toml", tmp_path / "rules.py"])

    assert {each.check.id: each.failed for each in report.report.results} == {"positive": 0, "even": 100}


def test_a_reference_to_another_dataset_is_looked_up(churn):
    commit_frame(churn, "plans", pl.DataFrame({"name": ["basic", "pro"]}))
    churn.data.add_check("churn", "known", references="plans@main:name", columns=["plan"])

    assert churn.data.check("churn").report.results[0].failed == 1


def test_a_suite_becomes_the_checks_of_a_dataset(churn, tmp_path):
    suite = {
        "name": "s",
        "expectations": [
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "min_value": 0}},
            {"type": "expect_nothing_known", "kwargs": {}},
        ],
    }
    (tmp_path / "suite.json").write_text(json.dumps(suite))

    made = churn.data.import_checks(tmp_path / "suite.json", dataset="churn", out=tmp_path / "out.toml")

    assert [each.name for each in made.unmapped] == ["expect_nothing_known"]
    assert churn.data.check("churn", checks=[tmp_path / "out.toml"]).report.results[0].failed == 3


def test_skew_of_two_versions(churn):
    report = churn.data.skew("churn@main~1", "churn", key=["id"])

    assert "amount" in report.fault
    assert any("at 0: 0.0 in training, -5.0 in serving" in line for line in report.lines())


def test_declaring_loads_nothing_heavy():
    code = (
        "import sys, fettle.data.errands.quality\n"
        "heavy = {'polars', 'numpy', 'duckdb', 'scipy', 'pyarrow', 'sqlalchemy'} & set(sys.modules)\n"
        "print(*heavy, end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
