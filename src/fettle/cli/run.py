"""`fettle run`: the pipeline of this project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fettle.cli.place import Place

if TYPE_CHECKING:
    from fettle.projects.records import Solution
    from fettle.registry.records import ModelVersion


def run(
    *,
    trials: Annotated[int | None, Parameter(help="Trials of the search.")] = None,
    budget: Annotated[str | None, Parameter(help="Longest time of the search, such as 60s.")] = None,
    seed: Annotated[int | None, Parameter(help="Seed of every random choice.")] = None,
    place: Place | None = None,
) -> None:
    """Run this project's pipeline: ingest, validate, split, search, evaluate, gate, package, register.

    A step whose code, parameters and inputs are unchanged is not run again; a run that was killed goes on where it
    stopped. Exit code 5 if no version is fit to serve.
    """
    from fettle.cli.output import emit, next_step
    from fettle.cli.teller import teller
    from fettle.projects import run as story
    from fettle.projects.up import unfit

    place = place or Place()
    project = place.project({"train.trials": trials, "train.budget": budget, "train.seed": seed})
    with place.create() as workspace:
        solution = story.run(workspace, project, place.folder, teller=teller(quiet=place.json))
        champion = story.champion_of(workspace, project.model)
        steps = workspace.call("pipelines.show", flow=solution.run_id).counts
    if champion is None:
        raise unfit(project, solution)
    emit(solution if place.json else "\n".join(_lines(solution, champion, steps)), as_json=place.json)
    next_step("fettle serve")


def _lines(solution: Solution, champion: ModelVersion, steps: dict[str, int]) -> list[str]:
    """What a person wants to know of a run: how good, what serves, and how much of it was new."""
    told = [
        f"{solution.algorithm}: {solution.metric} {solution.value:.4f} on rows it had not seen "
        f"(95 %: {solution.low:.4f} to {solution.high:.4f})."
    ]
    told += [f"Version {solution.version} does not serve: {reason}" for reason in solution.refused]
    told.append(f"{champion.model} version {champion.version} is champion.")
    reused = steps.get("reused", 0)
    told.append(f"{reused} of {sum(steps.values())} steps were unchanged and not run again.")
    return told
