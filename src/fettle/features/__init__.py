"""Features: named definitions computed the same for training and at the endpoint, joined as of their time.

    from fettle.features import feature, join_as_of, needed, row_computer, with_features
    ws.features.define(Draft("bmi", {"kg": "number", "cm": "number"}, "kg / (cm / 100) ** 2"))
    rows = with_features(frame, needed(ws, ["bmi"]))        # for training
    answer = row_computer(needed(ws, ["bmi"]))              # for a request, the same values
    join_as_of(loans, "at", payments, Joined("payments", {"customer": "payer"}, "paid_at", take=["amount"]))

Before it in the lifecycle: `data`. After it: `pipelines` and `training`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.features.compute import needed as needed
    from fettle.features.compute import row_computer as row_computer
    from fettle.features.compute import with_features as with_features
    from fettle.features.functions import feature as feature
    from fettle.features.joins import join_as_of as join_as_of
    from fettle.features.records import Aggregate as Aggregate
    from fettle.features.records import Draft as Draft
    from fettle.features.records import Feature as Feature
    from fettle.features.records import Joined as Joined
    from fettle.features.records import JoinPlan as JoinPlan

__all__ = [
    "Aggregate",
    "Draft",
    "Feature",
    "JoinPlan",
    "Joined",
    "feature",
    "join_as_of",
    "needed",
    "row_computer",
    "with_features",
]

_RECORDS = ("Aggregate", "Draft", "Feature", "JoinPlan", "Joined")

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "feature": ".functions",
        "join_as_of": ".joins",
        "needed": ".compute",
        "row_computer": ".compute",
        "with_features": ".compute",
    }
    | dict.fromkeys(_RECORDS, ".records"),
)
