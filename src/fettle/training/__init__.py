"""Making models: which columns go in and how, which algorithms there are, and the search for the best of them.

Lifecycle: data is committed and split, **training plans the features, searches and fits**, evaluation judges what
comes out. Everything here is a function of frames and seeds: no database, no clock but the one that keeps the budget.

    from fettle.training.search import search
    plan = training.plan(frame, "class", time="at")      # which columns are features, and why the others are not
    found = search(train, valid, plan, trials=12, seed=7, budget_s=8.0)
    fitted = training.fit(train, plan, found.best)
    predicted = fitted.predict(test)                     # predicted.values, predicted.probabilities
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.training.algorithms import Algorithm as Algorithm
    from fettle.training.algorithms import for_task as for_task
    from fettle.training.features import encode as encode
    from fettle.training.features import plan as plan
    from fettle.training.fitting import Fitted as Fitted
    from fettle.training.fitting import Predicted as Predicted
    from fettle.training.fitting import fit as fit
    from fettle.training.records import Dropped as Dropped
    from fettle.training.records import Feature as Feature
    from fettle.training.records import FeaturePlan as FeaturePlan
    from fettle.training.records import SearchResult as SearchResult
    from fettle.training.records import Task as Task
    from fettle.training.records import Trial as Trial

_HOMES = {
    "Algorithm": ".algorithms",
    "Dropped": ".records",
    "Feature": ".records",
    "FeaturePlan": ".records",
    "Fitted": ".fitting",
    "Predicted": ".fitting",
    "SearchResult": ".records",
    "Task": ".records",
    "Trial": ".records",
    "encode": ".features",
    "fit": ".fitting",
    "for_task": ".algorithms",
    "plan": ".features",
}

__all__ = [
    "Algorithm",
    "Dropped",
    "Feature",
    "FeaturePlan",
    "Fitted",
    "Predicted",
    "SearchResult",
    "Task",
    "Trial",
    "encode",
    "fit",
    "for_task",
    "plan",
]

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
