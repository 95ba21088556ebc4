"""Where code runs: here, or in a child process that can be killed.

Lifecycle: pipelines, searches and retraining hand their work to an executor and do not care which one it is.

    with ProcessExecutor(workers=2) as executor:
        task = executor.submit(train, "churn.parquet", timeout_s=600)
        model = task.result()        # or the error that train raised; Unavailable if it was killed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.execution.inline import InlineExecutor as InlineExecutor
    from fettle.execution.ports import Executor as Executor
    from fettle.execution.ports import Task as Task
    from fettle.execution.processes import ProcessExecutor as ProcessExecutor

__all__ = ["Executor", "InlineExecutor", "ProcessExecutor", "Task"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {"Executor": ".ports", "InlineExecutor": ".inline", "ProcessExecutor": ".processes", "Task": ".ports"},
)
