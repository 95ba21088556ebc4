"""Read MLflow's file store: `mlruns/<experiment>/<run>/{meta.yaml,params,metrics,tags,artifacts}`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from fettle.core.errors import NotFound
from fettle.tracking.imports.foreign import Curves, ForeignRun, Found, attempt, files_below, points_of
from fettle.tracking.imports.mlflow_names import STATUSES, at_ms, local_path, run_from, value_of, whole

_TRASH = ".trash"


def read(folder: Path, roots: Sequence[Path] = ()) -> Found:
    """The runs of a file store that are not deleted, experiment by experiment.

    Args:
        folder: The store.
        roots: Further folders that its artifacts may be read from.

    Raises:
        NotFound: The folder holds no experiments.
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
            if ("run_id" in known or "run_uuid" in known) and known.get("lifecycle_stage") != "deleted":
                name = str(about.get("name") or place.name)
                yield attempt(meta.parent.name, partial(_run, meta.parent, known, name, [folder, *roots]))


def _run(folder: Path, about: dict[str, Any], experiment: str, roots: Sequence[Path]) -> ForeignRun:
    status = about.get("status", 3)
    left: list[str] = []
    return run_from(
        id=str(about.get("run_id") or about.get("run_uuid")),
        experiment=experiment,
        name=str(about.get("run_name") or about.get("name") or ""),
        status=STATUSES.get(status, "finished") if isinstance(status, int | str) else "finished",
        started_at=at_ms(about.get("start_time")),
        ended_at=at_ms(about.get("end_time")),
        params=_texts(folder / "params", left),
        tags=_texts(folder / "tags", left),
        inputs=[],
        curves=lambda: _curves(folder / "metrics", left),
        files=lambda: _files(about, folder, roots, left),
        left=left,
    )


def _meta(path: Path) -> dict[str, Any]:
    """What a meta.yaml says; nothing where it cannot be read, as a folder beside a store may hold one of its own."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _texts(folder: Path, left: list[str]) -> dict[str, str]:
    """One file a key; keys with `/` lie in folders."""
    return {
        name: path.read_text(encoding="utf-8", errors="replace") for name, path in files_below(folder, left)
    }


def _curves(folder: Path, left: list[str]) -> Curves:
    for key, path in files_below(folder, left):
        rows: list[tuple[int, int, float]] = []
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                try:
                    rows += _row(line.split())
                except (ValueError, OverflowError) as error:
                    left.append(f"metric {key}, line {number}: {error}")
        if rows:
            yield key, points_of(rows)


def _row(parts: list[str]) -> list[tuple[int, int, float]]:
    if len(parts) < 2:
        return []
    return [(whole(parts[2]) if len(parts) > 2 else 0, whole(parts[0]) * 1000, value_of(parts[1], False))]


def _files(
    about: dict[str, Any], folder: Path, roots: Sequence[Path], left: list[str]
) -> Iterator[tuple[str, Path]]:
    beside, uri = folder / "artifacts", str(about.get("artifact_uri") or "")
    root = beside if beside.is_dir() else local_path(uri, roots, roots[0])
    if root is None and uri:
        left.append(f"files at {uri[:80]} (not in the store's folder; name theirs with --artifacts)")
    yield from files_below(root, left)
