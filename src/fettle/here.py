"""Short words for the workspace of this folder: `fettle.run("churn")`, `fettle.data("churn@v1")`, `fettle.load(…)`.

    with fettle.run("churn", params={"lr": 0.1}) as run:
        run.log(loss=0.3)
    fettle.load("fraud@champion").predict([{"amount": 12.5}])
    fettle.data("churn@v1").filter(…).collect()

The workspace is what `Workspace.open()` finds; it is opened at the first use and stays open.
"""

from __future__ import annotations

import functools
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from fettle.acts import Surface
    from fettle.packaging.predictor import Predictor
    from fettle.tracking.active import ActiveRun


def run(experiment: str = "Default", **given: Any) -> ActiveRun:
    """Start a run in the workspace of this folder; takes what `fettle.tracking.run` takes.

    What the setting `track.capture` names is recorded by itself: code, environment, machine, console, seeds.

    Args:
        experiment: The question the run belongs to.
        **given: `name`, `params`, `tags`, `parent`, `inputs`, `run_id`, `capture`; and `workspace`: a text is an
            address or a folder; None means the one of this folder.
    """
    from fettle import tracking

    capture = given.pop("capture", True)
    workspace = given.pop("workspace", None)
    named = isinstance(workspace, str | Path)
    opened = _opened(os.getcwd(), str(workspace)) if named else workspace or _workspace()
    return tracking.run(opened, experiment, capture=capture, **given)


def tracked(
    experiment: str | Callable[..., Any] = "", *, skip: Sequence[str] = ("self", "cls"), **given: Any
) -> Any:
    """Make every call of a function a run: `@fettle.tracked` or `@fettle.tracked("churn", tags={"stage": "trial"})`.

    Parameters are the arguments, metrics the numbers of a returned dictionary (or a returned number, as `result`). An
    argument named `run` gets the run. A call within another run is a part of it.

    Args:
        experiment: The question the runs belong to; empty: the function's name.
        skip: Arguments that are no parameters.
        **given: What `fettle.run` takes.
    """
    from fettle.tracking.tracked import decorated

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        question = experiment if isinstance(experiment, str) and experiment else function.__name__
        start = functools.partial(run, question)
        return decorated(function, start, skip=tuple(skip), given=given)

    return decorate(experiment) if callable(experiment) else decorate


def autolog(*libraries: str, experiment: str = "Default", enabled: bool = True) -> list[str]:
    """Log every training of the libraries by itself; return which of them are logged.

    scikit-learn (and what fits like it), XGBoost, LightGBM, Keras, PyTorch Lightning, transformers, and what a
    `SummaryWriter` of `torch` is given. A training within a run is logged to it; outside of any, it gets a run of its
    own; what is written for TensorBoard goes to the active run only. What cannot be logged is a warning.

    Args:
        *libraries: Some of `sklearn`, `xgboost`, `lightgbm`, `keras`, `lightning`, `transformers`, `torch`, imported
            before or after; empty: all that are installed.
        experiment: The question of the runs it starts.
        enabled: False puts everything back.

    Raises:
        MissingExtra: A library that is named is not installed.
    """
    from fettle.tracking.callbacks.auto import autolog as patch

    return patch(functools.partial(run, experiment), libraries, enabled=enabled)


def load(ref: str, *, workspace: Surface | str | None = None) -> Predictor:
    """Load a registered model for predictions in this process.

    Args:
        ref: `fraud` (its champion), `fraud@champion`, `fraud@3`, `fraud/3`, `fraud@latest`, or the first 8 or more
            characters of a bundle's digest.
        workspace: Where it is registered; a text is an address; None means the workspace of this folder.

    Raises:
        NotFound: There is no such model, alias or version; the nearest names are offered.
        Damaged: The bundle is not what its digest says.
    """
    from fettle.registry.loading import load as fetch

    if isinstance(workspace, str):
        with Workspace.open(workspace) as opened:
            return fetch(opened, ref)
    return fetch(workspace or _workspace(), ref)


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
