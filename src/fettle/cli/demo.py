"""`fettle demo`: the whole loop on real data, with pages to look at meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def demo(
    *,
    folder: Annotated[
        Path, Parameter(name=["--folder", "-C"], help="Where the demo's project is made.")
    ] = Path("fettle-demo"),
    fast: Annotated[bool, Parameter(help="A shorter replay.", negative="")] = False,
    seed: Annotated[int, Parameter(help="Seed of every random choice.")] = 7,
    pages: Annotated[bool, Parameter(help="Serve the pages while it runs.")] = True,
    ui_port: Annotated[int | None, Parameter(help="Port of the pages; 0 for any free one.")] = None,
    json: Annotated[bool, Parameter(help="Print one JSON document on stdout.", negative="")] = False,
) -> None:
    """Run the whole loop on the New South Wales electricity market, 1996-1998.

    Trains on the first months, serves the following two years as live requests at an accelerated clock, sees the
    market change, retrains, and compares with the frozen first model. Nothing is fixed beforehand. An earlier demo in
    the same folder is replaced.
    """
    from fettle.cli import story
    from fettle.cli.output import emit
    from fettle.cli.teller import teller
    from fettle.core.config import Settings
    from fettle.projects import demo as demonstration
    from fettle.workspace import Workspace

    port = Settings(flags={"ui.port": ui_port})["ui.port"] if pages else None
    demonstration.begin(folder)
    with Workspace.create(folder) as workspace:
        report = demonstration.demo(
            workspace, folder, fast=fast, seed=seed, teller=teller(quiet=json), pages_port=port
        )
    (folder / story.PICTURE).write_text(story.picture(report), "utf-8")
    if json:
        emit(report, as_json=True)
    else:
        print("\n".join(story.account(report)))
