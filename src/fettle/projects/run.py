"""Run a project's pipeline and put the outcome to use: promote, deploy, watch."""

from __future__ import annotations

from pathlib import Path

from fettle.acts import Surface
from fettle.core.errors import NotFound
from fettle.data import ingest
from fettle.data.queries import is_query, located
from fettle.pipelines import Flow
from fettle.projects.recipe import VERSION, Origin, solve, take
from fettle.projects.records import Project, Solution
from fettle.projects.teller import Silence, Teller
from fettle.registry.records import ModelVersion


def run(ws: Surface, project: Project, folder: Path, *, teller: Teller | None = None) -> Solution:
    """Take the project's source to a registered version; steps that would come out the same are not run again.

    A first version that passes its gates becomes champion. A later one takes over if it is better on the rows that
    neither has seen; otherwise it is kept as a rejected challenger, with the reason in `Solution.refused`.

    Args:
        ws: The workspace.
        project: What to solve.
        folder: The project's folder; a relative source is read from there.
        teller: Told what happens.

    Raises:
        NotFound: The source does not exist.
        Invalid: The source cannot be read or learned from.
        GateFailed: The data are spoilt, or the packed model does not answer as the original does.
    """
    say = teller or Silence()
    origin = origin_of(ws, project.source, folder)
    with Flow(ws, project.name) as flow:
        ref = flow.run(take, origin, project.dataset, project.time)
        solution = solve(ws, flow, project, ref, teller=say)
    champion = champion_of(ws, project.model)
    if champion is None:
        solution = _promote_first(ws, project, solution, say)
    elif champion.version != solution.version:
        solution = _contend(ws, project, solution, champion, say)
    if champion is not None or not solution.refused:
        settle(ws, project)
    return solution


def settle(ws: Surface, project: Project) -> None:
    """Deploy the project's endpoint, watch it, and say when it is retrained; saying it again changes nothing."""
    try:
        ws.call("serving.show", endpoint=project.name)
    except NotFound:
        ws.call(
            "serving.deploy", endpoint=project.name, model=project.model, host=project.host, port=project.port
        )
    ws.call(
        "monitoring.watch",
        endpoint=project.name,
        window=f"{project.window_s:.0f}s",
        stride=f"{project.stride_s:.0f}s",
        label_delay=f"{project.label_delay_s:.0f}s",
        min_rows=project.min_rows,
        tolerance=project.tolerance,
        ignore=list(project.ignore),
    )
    ws.call(
        "retraining.policy",
        project=project.name,
        endpoint=project.name,
        model=project.model,
        enabled=project.retrains,
        triggers=list(project.triggers),
        cooldown=f"{project.cooldown_s:.0f}s",
    )


def origin_of(ws: Surface, source: str, folder: Path) -> Origin:
    """Look a source up: its name as it is read, and the digest of its present content.

    Raises:
        NotFound: There is no such file, or no such version.
    """
    if source.startswith(VERSION):
        commit = ws.call("data.show", ref=source.removeprefix(VERSION))
        return Origin(f"{VERSION}{commit.ref}", commit.id)
    if ingest.is_address(source):
        name = source
    else:
        name = located(source, folder) if is_query(source) else str((folder / source).resolve())
    return Origin(name, ingest.source_of(name).digest)


def champion_of(ws: Surface, model: str) -> ModelVersion | None:
    """The version that serves now, or None."""
    try:
        return ws.call("registry.alias", model=model)
    except NotFound:
        return None


def _promote_first(ws: Surface, project: Project, solution: Solution, say: Teller) -> Solution:
    if solution.refused:
        say.say(f"Version {solution.version} did not pass: {'; '.join(solution.refused)}")
        return solution
    ws.call(
        "registry.promote",
        model=project.model,
        version=solution.version,
        reason="the first version to pass its gates",
    )
    say.say(f"Version {solution.version} passed its gates and is champion.")
    return solution


def _contend(
    ws: Surface, project: Project, solution: Solution, champion: ModelVersion, say: Teller
) -> Solution:
    held = solution.contest
    if held is not None and held.champion == champion.version and not solution.refused:
        ws.call("registry.promote", model=project.model, version=solution.version, reason=held.reason)
        say.say(f"Version {solution.version} replaces version {champion.version}: {held.reason}")
        return solution
    reason = "; ".join(solution.refused) or f"version {champion.version} became champion meanwhile"
    ws.call("registry.reject", model=project.model, version=solution.version, reason=reason)
    say.say(f"Version {champion.version} stays: {reason}")
    return solution
