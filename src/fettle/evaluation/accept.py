"""The gates: conditions on evidence. A gate without its evidence does not pass."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from fettle.evaluation.metrics import main_metric
from fettle.evaluation.records import Gate, GateResult
from fettle.training.records import Task
from fettle.training.scores import score_named

_SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}
_WORDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than", "==": "exactly"}


def judge(gates: Sequence[Gate], evidence: Mapping[str, Any]) -> list[GateResult]:
    """Hold evidence against gates, each in its turn; all are judged, also after one has failed.

    Args:
        gates: The conditions.
        evidence: Records or mappings by name, such as `{"metrics": {...}, "comparison": Comparison(...)}`.

    Returns:
        One result per gate, in their order.
    """
    known = msgspec.to_builtins(dict(evidence))
    return [_judged(gate, known) for gate in gates]


def usual_gates(
    task: Task, *, margin: float = 0.01, floor: float | None = None, slice_floor: float | None = None
) -> list[Gate]:
    """The gates that hold unless a project declares its own.

    Better than not learning (`baseline`); not clearly worse than the champion, if there is one: the lower end of the
    gain's interval is above `-margin` (`comparison`); and a floor for the whole and for every slice, if given.

    Args:
        task: The kind of problem.
        margin: How much worse than the champion the interval may reach; for a regression a part of the champion's
            value, so that evidence has `comparison.relative_low`.
        floor: The least (for an error: the most) of the main metric.
        slice_floor: The same for the weakest slice, at `slices.weakest`.
    """
    metric = main_metric(task)
    more = score_named(task, metric).maximize
    better, enough = (">", ">=") if more else ("<", "<=")
    gates = [
        Gate(
            "better than nothing",
            f"metrics.{metric}",
            better,
            0.0,
            against=f"baseline.{metric}",
            reason="a model must beat always giving the commonest class, or the mean",
        ),
        Gate(
            "not worse than the champion",
            "comparison.low" if task != "regression" else "comparison.relative_low",
            ">=",
            -margin,
            required=False,
            reason="the interval of the gain, row by row on the same rows",
        ),
    ]
    if floor is not None:
        gates.append(Gate(metric, f"metrics.{metric}", enough, floor, reason="the least that is useful"))
    if slice_floor is not None:
        gates.append(
            Gate("weakest slice", "slices.weakest", enough, slice_floor, reason="good for every group")
        )
    return gates


def passed(results: Sequence[GateResult]) -> bool:
    """Whether every gate said yes."""
    return all(each.passed for each in results)


def _judged(gate: Gate, evidence: Mapping[str, Any]) -> GateResult:
    value = _found(evidence, gate.evidence)
    base = _found(evidence, gate.against) if gate.against else 0.0
    absent = gate.evidence if value is None else gate.against if base is None else ""
    if value is None or base is None:
        detail = f"there is no evidence {absent!r}" + ("" if gate.required else "; it is not required")
        return GateResult(gate.name, not gate.required, value, None, detail)
    threshold = base + gate.threshold
    ok = bool(_SIGNS[gate.sign](value, threshold))  # not a number compares as False, so it fails
    told = f"{gate.evidence} is {value:.4g}, {_WORDS[gate.sign]} {threshold:.4g} is wanted"
    told += f" ({gate.against})" if gate.against else ""
    return GateResult(gate.name, ok, value, threshold, told + (f": {gate.reason}" if gate.reason else ""))


def _found(evidence: Mapping[str, Any], path: str) -> float | None:
    value: Any = evidence
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return float(value) if isinstance(value, int | float) else None
