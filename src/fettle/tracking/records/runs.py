"""Runs and their files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from fettle.tracking.records.metrics import Metric, NotFinite

Status = Literal["scheduled", "running", "finished", "failed", "killed"]
"""`scheduled`: not begun yet; `killed`: the process went away without finishing, its points came from its journal."""


CAPTURED = ("system/", "capture.", "code.", "git.", "host.", "python.", "seed.", "mlflow.")
"""How the keys begin of what is recorded without being asked for."""


class Artifact(msgspec.Struct, frozen=True):
    """A file of a run, kept by content.

    Attributes:
        path: Its name in the run, with `/` between folders.
        digest: The object's digest.
        size_bytes: Its length.
        at: When it was added.
    """

    path: str
    digest: str
    size_bytes: int
    at: datetime


class Run(msgspec.Struct, frozen=True):
    """One try at something, with what went in and what came out.

    Attributes:
        id: Sorts by time.
        experiment: The question it belongs to.
        name: What people call it.
        status: `running`, `finished`, `failed` or `killed`.
        author: Who started it.
        started_at: When.
        ended_at: When it ended; None while it runs.
        parent: The run it is a part of, such as the search a trial belongs to.
        inputs: What it read: dataset references with their commit.
        params: Parameter → value; a value never changes once set.
        tags: Tag → text.
        notes: What people wrote about it, in Markdown.
        archived_at: When it was put aside; lists leave it out unless asked. None while it is in use.
        deleted_at: When it was put in the bin; None while it is not.
        metrics: Metric → last value, where that is a finite number.
        not_finite: Metric → `NaN`, `Infinity` or `-Infinity`, where it is not.
        summaries: All of each metric but its history; only in `tracking.show`.
        artifacts: Its files; only in `tracking.show`.
    """

    id: str
    experiment: str
    name: str
    status: Status
    author: str
    started_at: datetime
    ended_at: datetime | None = None
    parent: str | None = None
    inputs: list[str] = []
    params: dict[str, Any] = {}
    tags: dict[str, str] = {}
    notes: str = ""
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    metrics: dict[str, float] = {}
    not_finite: dict[str, NotFinite] = {}
    summaries: list[Metric] = []
    artifacts: list[Artifact] = []

    def brief(self) -> dict[str, Any]:
        """What a person looks for in a list of runs: what they said themselves, not what was captured."""
        return {
            "id": self.id,
            "experiment": self.experiment,
            "name": self.name,
            "status": self.status,
            "started_at": self.started_at,
            "author": self.author,
            "params": self.params,
            "metrics": own(self.metrics) | own(self.not_finite),
            "tags": own(self.tags),
        }


def own(said: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody said, without what was captured."""
    return {key: each for key, each in said.items() if not key.startswith(CAPTURED)}
