"""Judging a model: metrics with intervals, slices, a paired comparison with the champion, and the gates.

Lifecycle: training has fitted a model; **evaluation says how good it is, for whom, and whether that is enough**;
packaging and the registry take only what passed. Pure functions of outcomes: truths and predictions side by side.

    seen = outcome(plan, test, fitted.predict(test))
    measured = evaluate(seen)                                     # {"accuracy": 0.86, "log_loss": 0.31, …}
    weak = by_column(seen, test["region"])                        # one Slice per region, with its interval
    duel = champion_challenger(champion_seen, seen, "accuracy")   # difference with its interval, row by row
    results = judge(usual_gates(plan.task), {"metrics": measured, "comparison": duel})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.evaluation.accept import judge as judge
    from fettle.evaluation.accept import usual_gates as usual_gates
    from fettle.evaluation.compare import champion_challenger as champion_challenger
    from fettle.evaluation.metrics import evaluate as evaluate
    from fettle.evaluation.metrics import with_intervals as with_intervals
    from fettle.evaluation.outcomes import Outcome as Outcome
    from fettle.evaluation.outcomes import outcome as outcome
    from fettle.evaluation.records import Comparison as Comparison
    from fettle.evaluation.records import Gate as Gate
    from fettle.evaluation.records import GateResult as GateResult
    from fettle.evaluation.records import Interval as Interval
    from fettle.evaluation.records import Slice as Slice
    from fettle.evaluation.slices import by_column as by_column

_HOMES = {
    "Comparison": ".records",
    "Gate": ".records",
    "GateResult": ".records",
    "Interval": ".records",
    "Outcome": ".outcomes",
    "Slice": ".records",
    "by_column": ".slices",
    "champion_challenger": ".compare",
    "evaluate": ".metrics",
    "judge": ".accept",
    "outcome": ".outcomes",
    "usual_gates": ".accept",
    "with_intervals": ".metrics",
}

__all__ = [
    "Comparison",
    "Gate",
    "GateResult",
    "Interval",
    "Outcome",
    "Slice",
    "by_column",
    "champion_challenger",
    "evaluate",
    "judge",
    "outcome",
    "usual_gates",
    "with_intervals",
]

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
