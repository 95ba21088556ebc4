"""Read MLflow's file store: `mlruns/<experiment>/<run>/{meta.yaml,params,metrics,tags,artifacts}`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fettle.core.errors import Invalid, NotFound
from fettle.tracking.imports.foreign import Curves, ForeignRun, files_below, points_of
from fettle.tracking.imports.mlflow_names import STATUSES, at_ms, local_path, run_from, value_of

_TRASH = ".trash"
_PIECE = 200_000


def read(folder: Path) -> Iterator[ForeignRun]:
    """The runs of a file store that are not deleted, experiment by experiment.

    Raises:
        NotFound: The folder holds no experiments.
        Invalid: A `meta.yaml` cannot be read.
    """
    experiments = sorted(each.parent for each in folder.glob("*/meta.yaml") if each.parent.name != _TRASH)
    if not experiments:
        raise NotFound(
            f"{folder} is no MLflow file store.", found="no */meta.yaml", hint="Give the folder mlruns."
        )
    for place in experiments:
        about = _meta(place / "meta.yaml")
        for meta in sorted(place.glob("*/meta.yaml")):
            known = _meta(meta)
            if "run_id" in known or "run_uuid" in known:
                yield _run(meta.parent, known, str(about.get("name") or place.name))


def _run(folder: Path, about: dict[str, Any], experiment: str) -> ForeignRun:
    status = about.get("status", 3)
    return run_from(
        id=str(about.get("run_id") or about.get("run_uuid")),
        experiment=experiment,
        name=str(about.get("run_name") or about.get("name") or ""),
        status=STATUSES.get(status, "finished"),
        started_at=at_ms(about.get("start_time")),
        ended_at=at_ms(about.get("end_time")),
        params=_texts(folder / "params"),
        tags=_texts(folder / "tags"),
        inputs=[],
        curves=lambda: _curves(folder / "metrics"),
        files=lambda: _files(about, folder),
    )


def _meta(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read.", found=str(error).splitlines()[0]) from error
    return found if isinstance(found, dict) else {}


def _texts(folder: Path) -> dict[str, str]:
    """One file a key; keys with `/` lie in folders."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {
        each.relative_to(folder).as_posix(): each.read_text(encoding="utf-8", errors="replace")
        for each in files
    }


def _curves(folder: Path) -> Curves:
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        rows: list[tuple[int, int, float]] = []
        key = path.relative_to(folder).as_posix()
        with path.open(encoding="utf-8") as file:
            for line in file:
                parts = line.split()
                if len(parts) >= 2:
                    rows.append(
                        (
                            int(parts[2]) if len(parts) > 2 else 0,
                            int(parts[0]) * 1000,
                            value_of(parts[1], False),
                        )
                    )
                if len(rows) >= _PIECE:
                    yield key, points_of(rows)
                    rows = []
        if rows:
            yield key, points_of(rows)


def _files(about: dict[str, Any], folder: Path) -> Iterator[tuple[str, Path]]:
    beside = folder / "artifacts"
    named = local_path(str(about.get("artifact_uri") or ""))
    root = beside if beside.is_dir() or named is None else named
    yield from files_below(root)
