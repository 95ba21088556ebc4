"""What the reconciler asks for: train a challenger as of a moment, and say whether it takes over.

Training runs in a process of its own. It may be asked for again after a kill, and comes to the same version then: rows
are committed once per intent, the pipeline run is named by the intent, its finished steps are reused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.data import versions
from fettle.data.records import Commit, Source
from fettle.monitoring.collect import collect, labelled
from fettle.pipelines import Flow
from fettle.projects.answered import as_rows
from fettle.projects.judge import rival_of
from fettle.projects.recipe import solve
from fettle.projects.records import Project, Solution
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
        return verdict_of(ws, msgspec.convert(candidate.evidence["solution"], Solution))

    return Reconciler(ws, project.name, solve=train, judge=decide, holder=f"keeper:{project.name}")


def works(ws: Surface, project: Project) -> dict[str, Callable[..., Any]]:
    """What the training process can be asked to do."""

    def again(intent: str, as_of: str) -> Solution:
        return retrain(ws, project, intent, datetime.fromisoformat(as_of))

    return {"retrain": again}


def verdict_of(ws: Surface, challenger: Solution) -> Verdict:
    """Whether a challenger takes over: through all its gates, against the champion that serves at this moment."""
    evidence = {"contest": msgspec.to_builtins(challenger.contest), "challenger": challenger.version}
    if challenger.refused:
        return Verdict(False, "; ".join(challenger.refused), evidence)
    present = rival_of(ws, challenger.model)
    held = challenger.contest
    if present is None:
        return Verdict(True, "there is no champion", evidence)
    if held is None or held.champion != present.version:
        return Verdict(False, f"version {present.version} became champion meanwhile", evidence)
    return Verdict(True, held.reason, evidence)


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
    collect(ws, project.name)
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
    if frame.is_empty():
        raise Invalid(
            "There is nothing new to learn from.",
            found=f"no further labelled request of {project.name} before {as_of:%Y-%m-%d %H:%M}",
            hint="Tell labels with POST /labels on the endpoint.",
        )
    # The source's own time says which labels are in: those told by then, whatever the age of their requests.
    source = Source(name=f"endpoint:{project.name}", kind="log", modified_at=as_of)
    fitted = as_rows(frame, log[0], project.time, AT)
    return versions.commit_frame(
        ws, project.dataset, fitted, source=source, message=message, append=True, profile=False
    )


def _fresh(ws: Surface, project: Project, log: list[Commit], as_of: datetime) -> pl.DataFrame:
    """Requests whose label has become known since the last extension, with their time in the column `AT`."""
    held = [each.source.modified_at for each in log if each.source.kind == "log" and each.source.modified_at]
    return labelled(
        ws,
        project.name,
        until=as_of,
        target=project.target,
        time=AT,
        known_by=as_of,
        told_after=max(held) if held else None,
    )
