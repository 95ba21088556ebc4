"""`fettle up`: from a data file to a served, monitored model, in one command."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from fettle.cli.place import Place


def up(
    source: Annotated[
        str, Parameter(help="A CSV, Parquet, JSON-lines or Excel file, or a SQL query (SELECT …).")
    ],
    *,
    target: Annotated[
        str | None, Parameter(help="The column to predict; without it you are told which there are.")
    ] = None,
    time: Annotated[str | None, Parameter(help="The column that orders rows in time.")] = None,
    task: Annotated[
        Literal["auto", "classification", "regression"] | None, Parameter(help="What to predict.")
    ] = None,
    name: Annotated[str | None, Parameter(help="The project's name [default: the file's].")] = None,
    trials: Annotated[int | None, Parameter(help="Trials of the search.")] = None,
    budget: Annotated[str | None, Parameter(help="Longest time of the search, such as 60s.")] = None,
    port: Annotated[int | None, Parameter(help="Port of the endpoint; 0 for any free one.")] = None,
    serve: Annotated[bool, Parameter(help="Serve the model afterwards, in the background.")] = True,
    place: Place | None = None,
) -> None:
    """Take a data file to a served, monitored model.

    Profiles the file, infers its schema, searches for a model, judges it, packages it, serves it and watches it.

    What was done is kept: after an interruption or a mended mistake, the same command goes on from there. A mistake in
    the command or in the data is told before anything is written.
    """
    from fettle.cli.output import emit_report
    from fettle.cli.teller import teller
    from fettle.projects import up as story

    place = place or Place()
    flags = {
        "project.name": name,
        "data.time": time,
        "data.task": task,
        "train.trials": trials,
        "train.budget": budget,
        "serve.port": port,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    if not target:
        raise story.no_target(source)
    planned = story.plan(place.folder, source, target, flags=given)
    with place.create() as workspace:
        report = story.up(workspace, place.folder, planned, teller=teller(quiet=place.json), serve=serve)
    emit_report(report, as_json=place.json)
