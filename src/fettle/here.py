"""Short words for the workspace of this folder: `fettle.run("churn")`, `fettle.data("churn@v1")`, `fettle.load(…)`.

    with fettle.run("churn", params={"lr": 0.1}) as run:
        run.log(loss=0.3)
    fettle.load("fraud@champion").predict([{"amount": 12.5}])
    fettle.data("churn@v1").filter(…).collect()

The workspace is what `Workspace.open()` finds; it is opened at the first use and stays open.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from fettle.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from fettle.acts import Surface
    from fettle.packaging.predictor import Predictor
    from fettle.tracking.active import ActiveRun


def run(experiment: str, **given: Any) -> ActiveRun:
    """Start a run in the workspace of this folder; takes what `fettle.tracking.run` takes.

    Args:
        experiment: The question the run belongs to.
        **given: `name`, `params`, `tags`, `parent`, `inputs`, `run_id`.
    """
    from fettle import tracking

    return tracking.run(_workspace(), experiment, **given)


def load(ref: str, *, workspace: Surface | None = None) -> Predictor:
    """Load a registered model for predictions in this process.

    Args:
        ref: `model@alias` or `model@3`; a model alone means its champion.
        workspace: Where it is registered; None means the workspace of this folder.

    Raises:
        NotFound: There is no such model, alias or version; the nearest names are offered.
        Damaged: The bundle is not what its digest says.
    """
    from fettle.packaging.bundle import fetch
    from fettle.packaging.predictor import Predictor

    ws = workspace or _workspace()
    model, _, which = ref.partition("@")
    if which.isdecimal():
        version = ws.call("registry.show", model=model, version=int(which))
    else:
        version = ws.call("registry.alias", model=model, alias=which or "champion")
    return Predictor(fetch(ws.blobs, version.bundle, ws.folder / "cache"))


def frame(
    ref: str, columns: Sequence[str] | None = None, *, workspace: Surface | None = None
) -> pl.LazyFrame:
    """Open a version of a dataset lazily: `fettle.data("churn@v1").filter(…).collect()`.

    Args:
        ref: `name`, `name@branch`, `name@tag`, `name@commit`; with a path (`name@ref/events.csv`) one file of it.
        columns: Which columns, in which order; None means all.
        workspace: Where it is; None means the workspace of this folder.

    Raises:
        NotFound: There is no such version, file or column; the nearest names are offered.
    """
    from fettle.data import versions

    return versions.frame(workspace or _workspace(), ref, columns)


def _workspace() -> Surface:
    return _opened(os.getcwd(), os.environ.get("FETTLE_WORKSPACE", ""))


@cache
def _opened(folder: str, url: str) -> Surface:
    """One workspace for each folder and URL that the process works in."""
    return Workspace.open(url or folder)
