"""`fettle run`: the pipeline of this project."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from fettle.cli.place import Place


def run(
    *,
    trials: Annotated[int | None, Parameter(help="Trials of the search.")] = None,
    budget: Annotated[str | None, Parameter(help="Longest time of the search, such as 60s.")] = None,
    seed: Annotated[int | None, Parameter(help="Seed of every random choice.")] = None,
    place: Place | None = None,
) -> None:
    """Run this project's pipeline: ingest, validate, split, search, evaluate, gate, package, register.

    A step whose code, parameters and inputs are unchanged is not run again; a run that was killed goes on where it
    stopped.
    """
    from fettle.cli.output import emit_report, next_step
    from fettle.cli.teller import teller
    from fettle.projects import run as story

    place = place or Place()
    project = place.project({"train.trials": trials, "train.budget": budget, "train.seed": seed})
    with place.create() as workspace:
        solution = story.run(workspace, project, place.folder, teller=teller(quiet=place.json))
    emit_report(solution, as_json=place.json)
    next_step("fettle serve")
