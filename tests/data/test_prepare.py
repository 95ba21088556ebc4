"""The errands of preparing: from a version to a cleaned, split, leak-free, or synthetic one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.data import splits, versions
from fettle.data.clean.fitted import decoded
from fettle.data.errands import prepare
from fettle.data.errands.synthesize import synthesize
from fettle.data.records.synthesis import Privacy
from fettle.storage.objects import get_object

START = datetime(2024, 1, 1, tzinfo=UTC)
OPERATIONS = """
[[clean]]
do = "text"
columns = ["city"]
case = "title"
[[clean]]
do = "impute"
columns = ["x"]
by = "mean"
indicator = true
"""


def table(rows: int = 600) -> pl.DataFrame:
    random = np.random.default_rng(rows)
    x = random.normal(size=rows)
    return pl.DataFrame(
        {
            "who": [f"c{each}" for each in random.integers(0, 150, rows)],
            "at": [START + timedelta(hours=each) for each in range(rows)],
            "x": [None if each % 9 == 0 else float(value) for each, value in enumerate(x)],
            "city": random.choice(["Bern", "bern ", "Chur"], rows),
            "churned": x + random.normal(size=rows) > 0,
        }
    )


@pytest.fixture
def ws(workspace):
    versions.commit_frame(workspace, "churn", table(), time_column="at")
    return workspace


@pytest.fixture
def operations(tmp_path: Path) -> Path:
    path = tmp_path / "clean.toml"
    path.write_text(OPERATIONS)
    return path


def test_a_version_is_split_kept_and_found_again(ws) -> None:
    report = prepare.split(ws, "churn", by="time", target="churned")

    assert [(each.name, each.rows) for each in report.sides] == [("train", 420), ("valid", 90), ("test", 90)]
    assert report.fault == ""
    commit = ws.call("data.show", ref="churn")
    found = splits.find(ws, commit)
    assert found is not None
    assert found[1] == report.split
    assert found[0].ref == report.kept
    assert splits.rows(ws, "churn", "test")["at"].min() > splits.rows(ws, "churn", "train")["at"].max()
    with pytest.raises(NotFound, match="'tset'"):
        splits.rows(ws, "churn", "tset")


def test_the_split_of_an_older_version_stays_its_own(ws) -> None:
    prepare.split(ws, "churn", by="hash", column=["who"])
    before = ws.call("data.show", ref="churn")
    sides = splits.sides(ws, before)
    versions.commit_frame(ws, "churn", table(700), append=True)
    with pytest.raises(NotFound, match="No split"):
        splits.sides(ws, ws.call("data.show", ref="churn"))
    prepare.split(ws, "churn", by="hash", column=["who"])
    after = splits.sides(ws, ws.call("data.show", ref="churn"))
    assert splits.sides(ws, before).equals(sides)
    assert after.head(600).equals(sides)


def test_a_leaking_split_is_a_fault_where_that_is_asked_for(ws) -> None:
    report = prepare.split(ws, "churn", group=["who"], strict=True, keep=False)
    assert "groups of who are on two sides" in report.fault
    assert report.kept == ""
    assert prepare.split(ws, "churn", by="group", column=["who"], strict=True).fault == ""
    assert prepare.leakage(ws, "churn", group=["who"], target="churned", strict=True).fault == ""
    assert "following" not in "\n".join(report.lines())


def test_folds_and_fractions_are_read(ws) -> None:
    folds = prepare.split(ws, "churn", folds=4, stratify=["churned"], seed=3)
    assert [each.rows for each in folds.sides] == [150] * 4
    two = prepare.split(ws, "churn", fractions="0.8,0.2")
    assert [each.name for each in two.sides] == ["train", "test"]
    rolling = prepare.split(ws, "churn", by="rolling", folds=3, gap="1d")
    assert rolling.split.gap == 86_400
    kept = splits.sides(ws, ws.call("data.show", ref="churn"))
    assert kept.columns == ["fold 0", "fold 1", "fold 2"]
    with pytest.raises(Invalid, match="with commas"):
        prepare.split(ws, "churn", fractions="most")


def test_a_version_is_cleaned_by_what_its_training_rows_taught(ws, operations: Path, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="which rows"):
        prepare.clean(ws, "churn", operations=operations)
    with pytest.raises(NotFound, match="No split"):
        prepare.clean(ws, "churn", operations=operations, fit_on="split=train")
    prepare.split(ws, "churn", by="time")
    train = splits.rows(ws, "churn", "train")
    made = prepare.clean(
        ws, "churn", operations=operations, fit_on="split=train", save=tmp_path / "fitted.json"
    )

    cleaned = versions.load(ws, made.ref)
    assert cleaned["x"].null_count() == 0
    assert cleaned.filter("x_missing")["x"].unique().to_list() == pytest.approx([train["x"].mean()])
    assert set(cleaned["city"]) == {"Bern", "Chur"}
    assert made.fitted_on == 420
    commit = ws.call("data.show", ref=made.ref)
    assert commit.metadata["made_from"] == made.of
    assert commit.time_column == "at"
    fitted = decoded(get_object(ws.blobs, commit.metadata["cleaning"]))
    assert fitted == decoded((tmp_path / "fitted.json").read_bytes())
    assert any("impute x by mean" in line for line in made.lines())


def test_training_rows_may_be_named_by_a_column(ws, operations: Path) -> None:
    made = prepare.clean(ws, "churn", operations=operations, fit_on="churned=true", dataset="tidy")
    assert made.ref.startswith("tidy@")
    assert made.fitted_on == table()["churned"].sum()
    with pytest.raises(Invalid, match="No row has"):
        prepare.clean(ws, "churn", operations=operations, fit_on="city=Rome")


def test_categories_that_look_alike_become_an_operation(ws, tmp_path: Path) -> None:
    path = tmp_path / "clean.toml"
    found = prepare.alike(ws, "churn", "city", write=path)
    assert {each.value for each in found} | {each.instead for each in found} == {"Bern", "bern "}
    made = prepare.clean(ws, "churn", operations=path, fit_on_all=True)
    assert versions.load(ws, made.ref)["city"].n_unique() == 2


def test_a_synthetic_version_is_marked_and_reported(ws) -> None:
    made = synthesize(ws, "churn", rows=800, target="churned", seed=1, time="at")
    commit = ws.call("data.show", ref=made.ref)

    assert made.ref.startswith("churn-synthetic@")
    assert (commit.metadata["synthetic"], commit.source.kind) == ("copula", "synthetic")
    assert commit.metadata["made_from"] == made.of
    assert canonical.decode(get_object(ws.blobs, commit.metadata["privacy"]), Privacy) == made.privacy
    frame = versions.load(ws, made.ref)
    assert frame.height == 800
    assert frame["at"].is_sorted()
    assert not set(frame["who"]) & set(table()["who"])
    assert any("told from real rows" in line for line in made.lines())


def test_a_schema_alone_is_enough(workspace, tmp_path: Path) -> None:
    from fettle.data.schemas import infer, to_toml

    path = tmp_path / "schema.toml"
    path.write_text(to_toml(infer(table().drop("at"), target="churned")))
    made = synthesize(workspace, rows=50, schema=path, dataset="made")
    assert (made.rows, made.of, made.fidelity) == (50, "", None)
    assert versions.load(workspace, made.ref).columns == ["who", "x", "city", "churned"]
    with pytest.raises(Invalid, match="needs a name"):
        synthesize(workspace, rows=50, schema=path)
    with pytest.raises(Invalid, match="learnt from a version"):
        synthesize(workspace)
