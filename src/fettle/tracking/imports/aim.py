"""Read an Aim repository, by Aim's own library: its files are written for nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from fettle.core.errors import Invalid, MissingExtra
from fettle.tracking.imports.foreign import Curves, ForeignRun, Found, attempt, points_of


def read(folder: Path, *, experiment: str = "") -> Found:
    """The runs of a repository.

    Args:
        folder: The folder that holds `.aim`.
        experiment: Where they go; each run's own otherwise.

    Raises:
        MissingExtra: Aim is not installed here.
        Invalid: The folder is no Aim repository.
    """
    try:
        from aim import Repo  # type: ignore[import-not-found]  # read by the owner's own library, where it is installed
    except ImportError:
        raise MissingExtra(
            "Aim's repositories are read with Aim's own library.",
            found="no package `aim`",
            hint="pip install aim, in an environment whose Python it supports.",
        ) from None
    if not (folder / ".aim").is_dir():
        raise Invalid(
            f"{folder} is no Aim repository.", found="no folder .aim", hint="Give the folder that holds it."
        )
    repo = Repo(str(folder))
    found = list(repo.iter_runs())
    missing = len(repo.list_all_runs()) - len(found)
    if missing > 0:
        raise Invalid(
            f"Aim has not indexed {missing} runs of {folder}, and does not show them.",
            hint=f"aim storage --repo {folder} reindex, and import again.",
        )
    for run in found:
        yield attempt(run.hash, partial(_run, run, experiment))


def _run(run: Any, experiment: str) -> ForeignRun:
    params: dict[str, Any] = {}
    for key, value in run[...].items() if hasattr(run[...], "items") else ():
        if not str(key).startswith("__"):
            params |= _flat(str(key), value)
    media = run.collect_sequence_info(("images", "audios", "figures", "distributions", "texts"))
    left = [f"{len(found)} sequences of {kind}" for kind, found in sorted(media.items()) if found]
    return ForeignRun(
        id=f"aim-{run.hash}",
        experiment=experiment or run.experiment or "aim",
        name=run.name or "",
        status="finished" if run.end_time else "killed",
        started_at=_at(run.created_at),
        ended_at=_at(run.finalized_at),
        params=params,
        tags={"source": "Aim", **{f"tag.{each}": "" for each in run.tags}},
        notes=run.description or "",
        curves=lambda: _curves(run),
        left=left,
    )


def _flat(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for inner, each in value.items():
            found |= _flat(f"{key}.{inner}", each)
        return found
    return {key: list(value) if isinstance(value, tuple) else value}


def _at(value: Any) -> datetime | None:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _curves(run: Any) -> Curves:
    """Each metric in each context; the context is part of the key, as in `loss{subset=val}`."""
    for metric in run.metrics():
        context = ",".join(f"{key}={value}" for key, value in sorted(metric.context.to_dict().items()))
        steps, (values, _, times) = metric.data.numpy()
        rows = zip(steps, times, values, strict=True)
        points = [(int(step), round(float(at) * 1e6), float(value)) for step, at, value in rows]
        if points:
            yield f"{metric.name}{{{context}}}" if context else metric.name, points_of(points)
