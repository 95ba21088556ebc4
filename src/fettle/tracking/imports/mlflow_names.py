"""What MLflow's stores have in common: statuses, times, and the tags that say what we keep in fields."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fettle.tracking.imports.foreign import Curves, ForeignRun
from fettle.tracking.imports.moments import microseconds_of
from fettle.tracking.points import moment
from fettle.tracking.records.runs import Status

STATUSES: dict[Any, Status] = {
    1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed",
    "RUNNING": "running", "SCHEDULED": "scheduled", "FINISHED": "finished", "FAILED": "failed", "KILLED": "killed",
}  # fmt: skip


def at_ms(milliseconds: Any) -> datetime | None:
    """A moment from milliseconds since 1970; None where there is none."""
    return moment(microseconds_of(float(milliseconds) / 1000)) if milliseconds else None


def whole(text: Any) -> int:
    """A step as a whole number of 64 bits.

    Raises:
        ValueError: It is none.
    """
    number = int(text)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"the step {str(number)[:30]} has more than 64 bits")
    return number


def run_from(
    *,
    id: str,
    experiment: str,
    name: str,
    status: Status,
    started_at: datetime | None,
    ended_at: datetime | None,
    params: dict[str, str],
    tags: dict[str, str],
    inputs: list[str],
    curves: Callable[[], Curves],
    files: Callable[[], Iterator[tuple[str, Path]]],
    left: list[str],
) -> ForeignRun:
    """A run as MLflow keeps it; name, parent and notes are read from its tags."""
    return ForeignRun(
        id=id,
        experiment=experiment,
        name=name or tags.get("mlflow.runName", ""),
        status="killed" if status == "running" else status,  # nobody logs to it any more
        started_at=started_at,
        ended_at=ended_at,
        params=dict(params),
        tags=tags,
        notes=tags.get("mlflow.note.content", ""),
        parent=tags.get("mlflow.parentRunId"),
        inputs=inputs,
        curves=curves,
        files=files,
        left=left,
    )


def value_of(value: Any, is_nan: Any) -> float:
    """A metric's value; MLflow keeps infinities as the greatest finite numbers."""
    if is_nan:
        return math.nan
    number = float(value)
    return math.copysign(math.inf, number) if abs(number) >= sys.float_info.max else number


def local_path(uri: str, roots: Sequence[Path], base: Path) -> Path | None:
    """The folder that an artifact address names, if it lies in one of the roots; None for anything else.

    A store says itself where its files lie. It may have come from anybody, so it is not believed outside of its own
    folders: it could name any folder of this machine.

    Args:
        uri: `file:///…`, a plain path, or `mlflow-artifacts:/EXPERIMENT/RUN/artifacts`, sought in each root.
        roots: Folders that may be read.
        base: What a relative path begins at.
    """
    parts = urlsplit(uri)
    if parts.scheme == "mlflow-artifacts" and not parts.netloc:
        tries = [root / unquote(parts.path).lstrip("/") for root in roots]
    elif parts.scheme == "file" and parts.netloc in ("", "localhost"):
        tries = [base / unquote(parts.path)]
    elif uri and not parts.scheme:
        tries = [base / uri]
    else:
        return None
    inside = [root.resolve() for root in roots]
    for each in tries:
        found = each.resolve()
        if found.is_dir() and any(found.is_relative_to(root) for root in inside):
            return found
    return None
