"""Gates."""

from __future__ import annotations

import math

import pytest

from fettle.evaluation.accept import judge, passed, usual_gates
from fettle.evaluation.records import Comparison, Gate, Sign


@pytest.mark.parametrize(
    ("sign", "value", "said"),
    [
        (">=", 0.8, True),
        (">=", 0.79, False),
        ("<=", 0.8, True),
        (">", 0.8, False),
        ("<", 0.8, False),
        ("==", 0.8, True),
    ],
)
def test_a_value_is_held_against_the_threshold(sign: Sign, value: float, said: bool) -> None:
    result = judge([Gate("enough", "metrics.accuracy", sign, 0.8)], {"metrics": {"accuracy": value}})[0]
    assert (result.passed, result.value, result.threshold) == (said, value, 0.8)
    assert "metrics.accuracy" in result.detail


def test_no_evidence_does_not_pass_unless_it_is_not_required() -> None:
    gate = Gate("duel", "comparison.low", ">=", 0.0)
    assert not judge([gate], {"metrics": {}})[0].passed
    assert judge([Gate("duel", "comparison.low", ">=", 0.0, required=False)], {})[0].passed
    assert "no evidence 'comparison.low'" in judge([gate], {})[0].detail


def test_not_a_number_does_not_pass() -> None:
    for sign in (">=", "<="):
        assert not judge([Gate("g", "metrics.x", sign, 0.0)], {"metrics": {"x": math.nan}})[0].passed


def test_records_are_evidence_too() -> None:
    duel = Comparison("accuracy", 0.8, 0.82, 0.02, -0.005, 0.045, 0.1, "undecided", 600)
    evidence = {"metrics": {"accuracy": 0.82}, "baseline": {"accuracy": 0.6}, "comparison": duel}
    results = judge(usual_gates("binary"), evidence)
    assert passed(results)
    worse = Comparison("accuracy", 0.8, 0.78, -0.02, -0.045, 0.005, 0.1, "undecided", 600)
    refused = judge(usual_gates("binary"), evidence | {"comparison": worse})
    assert [each.name for each in refused if not each.passed] == ["not worse than the champion"]


def test_every_gate_is_judged_also_after_one_failed() -> None:
    results = judge(usual_gates("binary", floor=0.9, slice_floor=0.5), {"metrics": {"accuracy": 0.5}})
    assert [each.passed for each in results] == [False, True, False, False]


def test_an_error_has_a_ceiling() -> None:
    evidence = {"metrics": {"rmse": 3.0}, "baseline": {"rmse": 10.0}}
    assert passed(judge(usual_gates("regression", floor=4.0), evidence))
    assert not passed(judge(usual_gates("regression", floor=2.0), evidence))
    assert not passed(judge(usual_gates("regression"), evidence | {"metrics": {"rmse": 11.0}}))
