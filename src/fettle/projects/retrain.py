"""What the reconciler asks for: train a challenger as of a moment, and judge it against the champion.

Both run in the training process. Both may be asked for again after a kill, and come to the same version then: the rows
are committed once per intent, the pipeline run is named by the intent, its finished steps are reused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.data import versions
from fettle.data.records import Commit, Source
from fettle.monitoring.collect import labelled
from fettle.pipelines import Flow
from fettle.projects import judge
from fettle.projects.recipe import solve
from fettle.projects.records import Project, Solution
from fettle.projects.run import champion_of
from fettle.projects.teller import Silence
from fettle.projects.worker import Worker
from fettle.retraining.reconciler import Reconciler
from fettle.retraining.records import Candidate, Intent, Verdict

AT = "fettle request time"


def reconciler_of(ws: Surface, project: Project, worker: Worker) -> Reconciler:
    """The reconciler of a project, whose training and judging happen in `worker`."""

    def train(intent: Intent) -> Candidate:
        as_of = intent.decided_at or intent.at
        made = worker.do("retrain", intent=intent.id, as_of=as_of.isoformat())
        solution = msgspec.convert(made, Solution)
        return Candidate(project.model, solution.version, {"solution": made})

    def decide(intent: Intent, candidate: Candidate) -> Verdict:
        said = worker.do("judge", solution=candidate.evidence["solution"])
        return msgspec.convert(said, Verdict)

    return Reconciler(ws, project.name, solve=train, judge=decide, holder=f"keeper:{project.name}")


def works(ws: Surface, project: Project) -> dict[str, Callable[..., Any]]:
    """What the training process can be asked to do."""

    def again(intent: str, as_of: str) -> Solution:
        return retrain(ws, project, intent, datetime.fromisoformat(as_of))

    def compare(solution: dict[str, Any]) -> Verdict:
        challenger = msgspec.convert(solution, Solution)
        champion = champion_of(ws, project.model)
        if champion is None:
            return Verdict(not challenger.refused, "there is no champion")
        return judge.compare(ws, project, challenger, champion)

    return {"retrain": again, "judge": compare}


def warm() -> None:
    """Load the libraries of a training before the first one is asked for."""
    import fettle.packaging.assembly
    import fettle.training.search  # noqa: F401 - loading is the purpose


def retrain(ws: Surface, project: Project, intent: str, as_of: datetime) -> Solution:
    """Train a challenger with what was known at a moment, and register it.

    Args:
        ws: The workspace.
        project: What to solve.
        intent: The id of the intent, which makes a second call find what the first one did.
        as_of: Requests and labels from before this moment only.

    Raises:
        Invalid: No labelled request is known yet.
    """
    commit = extend(ws, project, intent, as_of)
    with Flow(ws, project.name, run_id=intent) as flow:
        return solve(
            ws,
            flow,
            project,
            commit.ref,
            teller=Silence(),
            recent_s=project.recent_s,
            trials=project.retrain_trials,
        )


def extend(ws: Surface, project: Project, intent: str, as_of: datetime) -> Commit:
    """Append the requests whose labels are known by `as_of` to the dataset, once per intent."""
    message = f"Labelled requests known by {as_of:%Y-%m-%d %H:%M}, for retraining {intent}"
    log: list[Commit] = ws.call("data.log", dataset=project.dataset)
    for known in log:
        if known.message == message:
            return known
    frame = _fresh(ws, project, log, as_of)
    newest = frame[AT].max() if not frame.is_empty() else None
    if not isinstance(newest, datetime):
        raise Invalid(
            "There is nothing new to learn from.",
            found=f"no further labelled request of {project.name} before {as_of:%Y-%m-%d %H:%M}",
            hint="Tell labels with POST /labels on the endpoint.",
        )
    # The source's own time says which requests are in, for the next extension to go on from.
    source = Source(name=f"endpoint:{project.name}", kind="log", modified_at=newest)
    fitted = _fitted(frame, log[0], project.time)
    return versions.commit_frame(
        ws, project.dataset, fitted, source=source, message=message, append=True, profile=False
    )


def _fresh(ws: Surface, project: Project, log: list[Commit], as_of: datetime) -> pl.DataFrame:
    """Labelled requests that no commit of the dataset holds yet, with their time in the column `AT`."""
    held = [each.source.modified_at for each in log if each.source.kind == "log" and each.source.modified_at]
    since = max(held) + timedelta(microseconds=1) if held else None
    return labelled(ws, project.name, since, as_of, target=project.target, time=AT, known_by=as_of)


def _fitted(frame: pl.DataFrame, head: Commit, time: str) -> pl.DataFrame:
    """Bring requests to the dataset's columns: what was not sent is missing, what is not known is left out."""
    made = []
    for column in head.columns:
        if column.name in frame.columns:
            made.append(pl.col(column.name))
        elif column.name == time:
            made.append(pl.col(AT).alias(time))
        else:
            made.append(pl.lit(None).alias(column.name))
    return frame.select(made)
