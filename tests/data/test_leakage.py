"""Leaks that were put in are found, and clean tables are left alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from fettle.core.errors import NotFound
from fettle.data.leakage import FOLDS, auc, leakage, score
from fettle.data.records.splits import Split
from fettle.data.sides import assign

RANDOM = np.random.default_rng(8)
ROWS = 1200


def table() -> pl.DataFrame:
    x = RANDOM.normal(size=ROWS)
    churned = x + RANDOM.normal(size=ROWS) > 0
    return pl.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(ROWS)],
            "who": RANDOM.integers(0, 300, ROWS),
            "at": [datetime(2024, 1, 1) + timedelta(hours=number) for number in range(ROWS)],
            "x": x,
            "noise": RANDOM.normal(size=ROWS),
            "city": RANDOM.choice(["Bern", "Chur", "Genf"], ROWS),
            "churned": churned,
        }
    )


TABLE = table()
DEALT = assign(TABLE, Split("random", seed=1))["side"]


def kinds(report, column: str = "") -> set[str]:
    return {leak.kind for leak in report.leaks if not column or column in leak.columns}


def test_a_clean_split_has_no_leak_but_the_identifier() -> None:
    report = leakage(TABLE, assign(TABLE, Split("time", ["at"]))["side"], target="churned", time="at")
    assert kinds(report) == {"identifier"}
    assert report.measure == "auc"
    assert next(iter(report.scores)) == "x"
    assert report.scores["noise"] == pytest.approx(0.5, abs=0.06)


def test_equal_rows_on_two_sides_are_counted() -> None:
    doubled = pl.concat([TABLE, TABLE.head(40)])
    sides = pl.concat([pl.Series("side", ["train"] * ROWS), pl.Series("side", ["test"] * 40)])
    found = next(leak for leak in leakage(doubled, sides).leaks if leak.kind == "duplicates")
    assert (found.rows, found.gravity) == (80, "error")
    assert "duplicates" not in kinds(leakage(doubled, pl.Series(["train"] * (ROWS + 40))))


def test_nearly_equal_rows_are_found_without_their_identifiers() -> None:
    other = TABLE.head(30).with_columns(
        pl.col("customer_id") + "x", pl.col("x") * 1.00001, pl.col("city").str.to_uppercase(), pl.col("noise")
    )
    sides = pl.Series(["train"] * ROWS + ["test"] * 30)
    found = leakage(pl.concat([TABLE, other]), sides)
    near = next(leak for leak in found.leaks if leak.kind == "near-duplicates")
    assert near.rows >= 50
    assert "duplicates" not in kinds(found)


def test_groups_on_two_sides_and_overlapping_times_are_found() -> None:
    report = leakage(TABLE, DEALT, group=["who"], time="at")
    shared = next(leak for leak in report.leaks if leak.kind == "groups")
    across = (
        TABLE.with_columns(DEALT.alias("side")).group_by("who").agg(pl.col("side").n_unique() > 1, pl.len())
    )
    assert shared.rows == across.filter(pl.col("side"))["len"].sum()
    assert "time-overlap" in kinds(report)
    together = assign(TABLE, Split("group", ["who"]))["side"]
    assert "groups" not in kinds(leakage(TABLE, together, group=["who"]))


def test_columns_that_give_the_target_away_are_named() -> None:
    told = TABLE.with_columns(
        pl.when("churned").then(pl.lit("gone")).otherwise(pl.lit("there")).alias("status"),
        pl.when("churned").then(pl.col("noise")).alias("closing fee"),
        pl.when("churned").then(pl.lit("none")).otherwise(pl.col("city")).alias("plan"),
        (pl.col("churned").cast(pl.Float64) + 0.25 * pl.col("noise")).alias("hint"),
    )
    report = leakage(told, target="churned")

    assert kinds(report, "status") == {"target"}
    assert kinds(report, "closing fee") == {"missing-target"}
    assert kinds(report, "plan") == {"target"}
    assert kinds(report, "hint") == {"target"}
    assert {leak.gravity for leak in report.leaks if leak.columns in (["status"], ["closing fee"])} == {
        "error"
    }
    assert next(leak for leak in report.leaks if leak.columns == ["hint"]).gravity == "warning"
    assert report.leaks[0].gravity == "error"
    assert report.leaks[-1].gravity == "notice"


def test_a_value_that_goes_with_one_class_only_is_worth_a_notice() -> None:
    rows = TABLE.with_columns(
        pl.when(pl.col("churned") | (pl.col("noise") < 1.2))
        .then(pl.lit("a"))
        .otherwise(pl.lit("b"))
        .alias("code")
    )
    assert kinds(leakage(rows, target="churned"), "code") == {"constant-per-target"}


def test_a_number_is_judged_by_r2() -> None:
    rows = TABLE.with_columns((pl.col("x") * 3 + 0.01 * pl.col("noise")).alias("y"))
    report = leakage(rows, target="y", ignore=["churned"])
    assert report.measure == "r2"
    assert kinds(report, "x") == {"target"}
    assert report.scores["noise"] < 0.05


def test_scores_are_sklearns() -> None:
    guessed = np.round(RANDOM.normal(size=500), 1)
    truth = RANDOM.random(500) < 0.3
    assert auc(truth, guessed) == pytest.approx(roc_auc_score(truth, guessed), abs=1e-12)

    cells = RANDOM.integers(0, 6, 500)
    numbers = cells + RANDOM.normal(size=500)
    folds = np.arange(500) % FOLDS
    out = np.empty(500)
    for fold in range(FOLDS):
        learnt, held = folds != fold, folds == fold
        usual = numbers[learnt].mean()
        for cell in range(6):
            inside = numbers[learnt & (cells == cell)]
            out[held & (cells == cell)] = (inside.sum() + usual) / (len(inside) + 1)
    assert score(cells, numbers[:, None], folds, "r2") == pytest.approx(r2_score(numbers, out), abs=1e-12)


def test_several_classes_are_judged_one_against_the_rest() -> None:
    rows = TABLE.with_columns((pl.col("x") * 2).round().clip(-2, 2).cast(pl.Int64).alias("grade"))
    report = leakage(rows, target="grade")
    assert report.measure == "auc"
    assert kinds(report, "x") == {"target"}


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(NotFound, match="'chruned'"):
        leakage(TABLE, target="chruned")
