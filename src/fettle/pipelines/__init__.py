"""Steps that are run when their result would differ, and spared when it would not.

Lifecycle: data is committed, **a pipeline prepares, trains and evaluates**, its model goes to the registry.
A step is a function. Its result is used again as long as its code, all code of yours that it reaches, its arguments,
the files it reads and the libraries it uses stay the same; a run that was killed goes on where it died.

    @step
    def train(frame: pl.DataFrame, lr: float = 0.1) -> Model: ...

    with Flow(ws, "churn") as flow:
        model = flow.run(train, flow.run(prepare, Path("churn.csv")), lr=0.2)
        print(flow.why(train))          # train ran: parameter:lr: 0.1 → 0.2
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.pipelines.flows import Flow as Flow
    from fettle.pipelines.outputs import Output as Output
    from fettle.pipelines.records import FlowRun as FlowRun
    from fettle.pipelines.records import StepRun as StepRun
    from fettle.pipelines.records import Why as Why
    from fettle.pipelines.steps import GIVEN as GIVEN
    from fettle.pipelines.steps import Step as Step
    from fettle.pipelines.steps import step as step

__all__ = ["GIVEN", "Flow", "FlowRun", "Output", "Step", "StepRun", "Why", "step"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "GIVEN": ".steps",
        "Flow": ".flows",
        "FlowRun": ".records",
        "Output": ".outputs",
        "Step": ".steps",
        "StepRun": ".records",
        "Why": ".records",
        "step": ".steps",
    },
)
