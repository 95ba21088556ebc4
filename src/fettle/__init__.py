"""fettle keeps machine-learning models fit for their work.

Read the rooms from `core` upward and you have walked the lifecycle: `core`, `storage`, `acts`, `execution`,
`data` | `tracking`, `pipelines`, `training`, `evaluation`, `packaging`, `registry`, `serving`, `monitoring`,
`retraining`, `governance`, `projects`, `remote`, `workspace`, `web`, `server`, `cli`.

    import fettle

    ws = fettle.Workspace.open()                  # .fettle/ here or above, a PostgreSQL or an https URL
    ws.registry.promote("fraud", 3)
    fettle.load("fraud@champion").predict([{"amount": 12.5}])

    fettle.data("churn@v1").collect()             # the rows of a version
    with fettle.run("fraud") as run:              # a tracked run
        run.log(loss=0.3)

Importing this costs little: what is named below is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle import data as data
from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.core.errors import Conflict as Conflict
    from fettle.core.errors import Denied as Denied
    from fettle.core.errors import FettleError as FettleError
    from fettle.core.errors import GateFailed as GateFailed
    from fettle.core.errors import Invalid as Invalid
    from fettle.core.errors import MissingExtra as MissingExtra
    from fettle.core.errors import NotFound as NotFound
    from fettle.core.errors import Unavailable as Unavailable
    from fettle.here import autolog as autolog
    from fettle.here import load as load
    from fettle.here import run as run
    from fettle.here import tracked as tracked
    from fettle.pipelines.flows import Flow as Flow
    from fettle.pipelines.steps import step as step
    from fettle.tracking.capture.seeds import seed as seed
    from fettle.tracking.context import active_run as active_run
    from fettle.workspace.open import Workspace as Workspace

__version__ = "0.1.0"

__all__ = [
    "Conflict",
    "Denied",
    "FettleError",
    "Flow",
    "GateFailed",
    "Invalid",
    "MissingExtra",
    "NotFound",
    "Unavailable",
    "Workspace",
    "__version__",
    "active_run",
    "autolog",
    "data",
    "load",
    "run",
    "seed",
    "step",
    "tracked",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Conflict": ".core.errors",
        "Denied": ".core.errors",
        "FettleError": ".core.errors",
        "Flow": ".pipelines.flows",
        "GateFailed": ".core.errors",
        "Invalid": ".core.errors",
        "MissingExtra": ".core.errors",
        "NotFound": ".core.errors",
        "Unavailable": ".core.errors",
        "Workspace": ".workspace.open",
        "active_run": ".tracking.context",
        "autolog": ".here",
        "load": ".here",
        "run": ".here",
        "seed": ".tracking.capture.seeds",
        "step": ".pipelines.steps",
        "tracked": ".here",
    },
)
