"""Closing the loop: from what was observed to a better model, or to the reason why not.

Lifecycle: monitoring raises alerts; **retraining turns them into durable intents**, decides, trains, compares and
promotes or rejects; then the watch begins anew. Nothing is lost or done twice if it is killed anywhere.

    ws.retraining.policy("fraud", cooldown="7d", budget_runs=4)
    ws.retraining.request("fraud", reason="new contract terms")
    reconciler = Reconciler(ws, "fraud", solve=train_challenger, judge=compare_with_champion)
    reconciler.step()                                   # one pass; call it as often as you like
    ws.retraining.intents("fraud")[0].verdict           # promoted: accuracy +0.041 (0.012 to 0.070)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.retraining.reconciler import Pass as Pass
    from fettle.retraining.reconciler import Reconciler as Reconciler
    from fettle.retraining.records import Candidate as Candidate
    from fettle.retraining.records import Freeze as Freeze
    from fettle.retraining.records import Intent as Intent
    from fettle.retraining.records import Policy as Policy
    from fettle.retraining.records import Verdict as Verdict

_WHERE = {"Pass": ".reconciler", "Reconciler": ".reconciler"}

__all__ = ["Candidate", "Freeze", "Intent", "Pass", "Policy", "Reconciler", "Verdict"]

__getattr__, __dir__ = lazy_exports(__name__, {name: _WHERE.get(name, ".records") for name in __all__})
