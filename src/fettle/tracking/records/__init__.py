"""The nouns of tracking, a module a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.tracking.records.experiments import Experiment as Experiment
    from fettle.tracking.records.metrics import Column as Column
    from fettle.tracking.records.metrics import Curve as Curve
    from fettle.tracking.records.metrics import Metric as Metric
    from fettle.tracking.records.metrics import NotFinite as NotFinite
    from fettle.tracking.records.metrics import Point as Point
    from fettle.tracking.records.metrics import written as written
    from fettle.tracking.records.runs import Artifact as Artifact
    from fettle.tracking.records.runs import Run as Run
    from fettle.tracking.records.runs import Status as Status

__all__ = [
    "Artifact",
    "Column",
    "Curve",
    "Experiment",
    "Metric",
    "NotFinite",
    "Point",
    "Run",
    "Status",
    "written",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Artifact": ".runs",
        "Column": ".metrics",
        "Curve": ".metrics",
        "Experiment": ".experiments",
        "Metric": ".metrics",
        "NotFinite": ".metrics",
        "Point": ".metrics",
        "Run": ".runs",
        "Status": ".runs",
        "written": ".metrics",
    },
)
