"""What was tried: runs with their parameters, metrics and artifacts.

Lifecycle: data is committed, a pipeline trains, **every trial is a run**; evaluation and the registry point back to it.
`log` appends to a journal on this machine and returns; a thread carries the points to the workspace. A training that is
killed, or whose server is away, loses nothing: what is left in the journal is carried over by the next run.

    with tracking.run(ws, "churn", params={"lr": 0.1}) as run:
        for epoch in range(10):
            run.log(loss=0.3 / (epoch + 1), step=epoch)
        run.log_text("It **converged**.", "notes.md")
    ws.tracking.runs(experiment="churn", order_by="-metrics.loss")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun as ActiveRun
    from fettle.tracking.active import attach as attach
    from fettle.tracking.active import run as run
    from fettle.tracking.capture.seeds import seed as seed
    from fettle.tracking.context import active_run as active_run
    from fettle.tracking.leftovers import recover as recover
    from fettle.tracking.records import Artifact as Artifact
    from fettle.tracking.records import Metric as Metric
    from fettle.tracking.records import Point as Point
    from fettle.tracking.records import Run as Run

__all__ = [
    "ActiveRun",
    "Artifact",
    "Metric",
    "Point",
    "Run",
    "active_run",
    "attach",
    "recover",
    "run",
    "seed",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ActiveRun": ".active",
        "Artifact": ".records",
        "Metric": ".records",
        "Point": ".records",
        "Run": ".records",
        "active_run": ".context",
        "attach": ".active",
        "recover": ".leftovers",
        "run": ".active",
        "seed": ".capture.seeds",
    },
)
