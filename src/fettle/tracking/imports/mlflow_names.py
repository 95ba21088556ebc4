"""What MLflow's stores have in common: statuses, times, and the tags that say what we keep in fields."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fettle.tracking.imports.foreign import Curves, ForeignRun
from fettle.tracking.records.runs import Status

STATUSES: dict[Any, Status] = {
    1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed",
    "RUNNING": "running", "SCHEDULED": "scheduled", "FINISHED": "finished", "FAILED": "failed", "KILLED": "killed",
}  # fmt: skip


def at_ms(milliseconds: Any) -> datetime | None:
    """A moment from milliseconds since 1970; None where there is none."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds else None


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
    )


def value_of(value: Any, is_nan: Any) -> float:
    """A metric's value; MLflow keeps infinities as the greatest finite numbers."""
    if is_nan:
        return math.nan
    number = float(value)
    return math.copysign(math.inf, number) if abs(number) >= sys.float_info.max else number


def local_path(uri: str) -> Path | None:
    """The folder that a `file:` URI or a plain path names; None for anything that lies elsewhere.

    Example:
        >>> local_path("file:///tmp/a%20b")
        PosixPath('/tmp/a b')
        >>> local_path("s3://bucket/a") is None
        True
    """
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return Path(uri) if uri and not parts.scheme else None
