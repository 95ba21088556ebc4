"""Runs side by side, groups over seeds, and parameter importance; statistics against scipy."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fettle.core.errors import Invalid
from fettle.storage.objects import put_object
from fettle.tracking.compare.contrasts import contrast, effect, holm
from fettle.tracking.compare.importance import importance
from fettle.workspace import Workspace

A = [0.71, 0.74, 0.69, 0.73, 0.72, 0.70]
B = [0.75, 0.77, 0.70, 0.79, 0.74, 0.73]


def test_runs_side_by_side_show_what_differs(workspace: Workspace) -> None:
    tracking = workspace.tracking
    ids = []
    for number, version in enumerate(("1.0", "2.0")):
        tags = {"git.commit": f"c{number}", "git.branch": "main", "python.version": "3.11", "owner": "ada"}
        run = tracking.start(
            "churn", f"run {number}", params={"lr": 0.1, "depth": number}, tags=tags, inputs=["churn@v1"]
        )
        recorded = json.dumps({"python": "3.11", "packages": {"numpy": version, "scipy": "1.0"}}).encode()
        tracking.artifact(
            run.id, "captured/environment.json", put_object(workspace.blobs, recorded), len(recorded)
        )
        tracking.log(run.id, [{"key": "loss", "value": 0.1 * number}, {"key": "odd", "value": "NaN"}])
        ids.append(run.id)
    tracking.use(ids[1], ["fraud@v2"])
    diff = b"--- a\n+++ b\n"
    tracking.artifact(ids[1], "captured/changes.diff", put_object(workspace.blobs, diff), len(diff))
    found = tracking.compare(ids)
    rows = {(row.section, row.key): row.values for row in found.rows if row.section != "about"}
    assert found.names == ["run 0", "run 1"]
    changes = rows.pop(("code", "uncommitted changes"))
    assert changes[0] is None
    assert len(changes[1]) == 12
    assert rows == {
        ("params", "depth"): [0, 1],
        ("metrics", "loss"): [0.0, 0.1],
        ("code", "git.commit"): ["c0", "c1"],
        ("environment", "numpy"): ["1.0", "2.0"],
        ("data", "fraud"): [None, "v2"],
    }
    whole = {(row.section, row.key): row.differs for row in tracking.compare(ids, all=True).rows}
    assert whole["params", "lr"] is False
    assert whole["environment", "scipy"] is False
    assert whole["metrics", "odd"] is False
    assert whole["tags", "owner"] is False


@pytest.mark.parametrize("content", [b"no json", b"[1]", b'{"packages": 3}', b"[" * 100_000])
def test_an_environment_that_cannot_be_read_is_passed_over(workspace: Workspace, content: bytes) -> None:
    tracking = workspace.tracking
    ids = [tracking.start("churn").id, tracking.start("churn").id]
    tracking.artifact(ids[0], "captured/environment.json", put_object(workspace.blobs, content), len(content))
    assert [row for row in tracking.compare(ids).rows if row.section == "environment"] == []


def test_one_run_cannot_be_compared(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn").id
    for ids in ([], [run], [run, run], [f"r{n}" for n in range(501)]):
        with pytest.raises(Invalid, match="2 to 500"):
            workspace.tracking.compare(ids)


# --- groups


def test_unpaired_groups_are_tested_as_scipy_tests_them() -> None:
    found = contrast("a", "b", {None: A}, {None: B})
    welch: Any = stats.ttest_ind(B, A, equal_var=False)
    whitney = stats.mannwhitneyu(B, A)
    assert (found.welch_t, found.welch_p) == (pytest.approx(welch.statistic), pytest.approx(welch.pvalue))
    assert (found.mann_whitney_u, found.mann_whitney_p) == (whitney.statistic, pytest.approx(whitney.pvalue))
    assert (found.pairs, found.paired_t, found.wilcoxon_w) == (0, None, None)
    assert found.p == found.welch_p
    assert found.difference == pytest.approx(np.mean(B) - np.mean(A))
    reference = stats.bootstrap(
        (np.array(B), np.array(A)),
        lambda b, a, axis: b.mean(axis) - a.mean(axis),
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert found.low95 == pytest.approx(reference.low, abs=0.002)
    assert found.high95 == pytest.approx(reference.high, abs=0.002)


def test_paired_groups_are_tested_by_their_pairs() -> None:
    first = {str(seed): [value] for seed, value in enumerate(A)}
    second = {str(seed): [value] for seed, value in enumerate(B)} | {"99": [0.1]}
    found = contrast("a", "b", first, second)
    student: Any = stats.ttest_rel(B, A)
    wilcoxon: Any = stats.wilcoxon(B, A)
    assert (found.pairs, found.right_count) == (6, 7)
    assert (found.paired_t, found.paired_p) == (
        pytest.approx(student.statistic),
        pytest.approx(student.pvalue),
    )
    assert (found.wilcoxon_w, found.wilcoxon_p) == (wilcoxon.statistic, pytest.approx(wilcoxon.pvalue))
    assert found.p == found.paired_p


def test_effect_sizes_are_those_of_their_formulas() -> None:
    d, g = effect(np.array(A), np.array(B))
    assert d is not None
    pooled = math.sqrt((np.var(A, ddof=1) + np.var(B, ddof=1)) / 2)
    assert d == pytest.approx((np.mean(B) - np.mean(A)) / pooled)
    assert g == pytest.approx(d * (1 - 3 / (4 * 10 - 1)), rel=2e-3)  # Hedges' own approximation
    assert g == pytest.approx(d * math.gamma(5) / (math.sqrt(5) * math.gamma(4.5)))


def test_what_cannot_be_computed_is_none() -> None:
    assert contrast("a", "b", {}, {None: B}).difference is None
    single = contrast("a", "b", {None: [1.0]}, {None: [2.0]})
    assert (single.difference, single.welch_p, single.low95, single.cohen_d) == (1.0, None, None, None)
    constant = contrast("a", "b", {"1": [1.0], "2": [1.0]}, {"1": [1.0], "2": [1.0]})
    assert (constant.welch_t, constant.wilcoxon_w, constant.hedges_g, constant.p) == (None, None, None, None)


def test_holms_correction_is_that_of_the_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]
    assert holm([]) == []


def test_groups_are_named_by_searches_and_paired_by_seed(workspace: Workspace) -> None:
    for model, values in (("tree", A), ("net", B), ("flat", [0.7] * 6)):
        for seed, value in enumerate(values):
            run = workspace.tracking.start("churn", params={"model": model, "seed": seed})
            workspace.tracking.log(run.id, [{"key": "acc", "value": value}])
    groups = [f'params.model = "{model}"' for model in ("tree", "net", "flat")]
    found = workspace.tracking.contrast("acc", groups)
    assert [(each.left, each.right) for each in found] == [
        (groups[0], groups[1]),
        (groups[0], groups[2]),
        (groups[1], groups[2]),
    ]
    student: Any = stats.ttest_rel(B, A)
    assert found[0].paired_p == pytest.approx(student.pvalue)
    assert [each.holm_p for each in found] == holm([each.p for each in found])
    apart = workspace.tracking.contrast("metrics.acc.max", groups[:2], pair_by="params.none")
    assert apart[0].pairs == 0
    with pytest.raises(Invalid, match="groups"):
        workspace.tracking.contrast("acc", groups[:1])


# --- importance


def test_the_parameter_that_makes_the_metric_is_the_most_important() -> None:
    chance = random.Random(1)
    params = [
        {
            "lr": chance.random(),
            "model": chance.choice(["a", "b"]),
            "noise": chance.random(),
            "same": 1,
            "odd": None,
        }
        for _ in range(120)
    ]
    values = [3 * each["lr"] + (1.0 if each["model"] == "a" else 0.0) for each in params]
    found = importance("loss", params, values)
    assert [each.param for each in found.params] == ["lr", "model", "noise"]
    assert found.score > 0.9
    assert abs(found.params[2].importance) < 0.05 < found.params[1].importance
    expected: Any = stats.spearmanr([each["lr"] for each in params], values)
    assert found.params[0].spearman == pytest.approx(expected.statistic)
    assert found.params[0].p == pytest.approx(expected.pvalue)
    assert found.params[1].spearman is None


def test_missing_and_mixed_values_are_taken(workspace: Workspace) -> None:
    for number in range(12):
        params = {"depth": number if number % 3 else "auto", **({"late": number} if number > 5 else {})}
        run = workspace.tracking.start("churn", params=params)
        workspace.tracking.log(run.id, [{"key": "loss", "value": float(number)}])
    found = workspace.tracking.importance("loss")
    assert {each.param for each in found.params} == {"depth", "late"}
    assert found.runs == 12
    with pytest.raises(Invalid, match="cannot be told"):
        workspace.tracking.importance("loss", where="metrics.loss < 5")
