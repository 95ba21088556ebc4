"""`fettle init`: a project is a folder with fettle.toml and a workspace."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from fettle.cli.place import Place


def init(
    *,
    source: Annotated[str | None, Parameter(help="The file or SQL query that the data comes from.")] = None,
    target: Annotated[str | None, Parameter(help="The column to predict.")] = None,
    time: Annotated[str | None, Parameter(help="The column that orders rows in time.")] = None,
    task: Annotated[
        Literal["auto", "classification", "regression"], Parameter(help="What to predict.")
    ] = "auto",
    name: Annotated[str | None, Parameter(help="The project's name [default: the folder's].")] = None,
    place: Place | None = None,
) -> None:
    """Write fettle.toml and make the workspace; what is there already is left alone."""
    from fettle.cli.output import emit, next_step
    from fettle.core import ids
    from fettle.projects.declare import write_project

    place = place or Place()
    values = {
        "project.name": ids.check_name("project", name or ids.slug(place.folder.resolve().name)),
        "data.source": source or "",
        "data.target": target or "",
        "data.time": time or "",
        "data.task": task,
    }
    path = write_project(place.folder, values)
    with place.create() as workspace:
        emit(
            {"project": values["project.name"], "file": str(path), "workspace": workspace.url},
            as_json=place.json,
        )
    next_step("fettle run" if source and target else f"edit {path}, then fettle run")
