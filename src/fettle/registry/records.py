"""The nouns of the registry."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from fettle.evaluation.records import GateResult


class Model(msgspec.Struct, frozen=True):
    """A named line of versions.

    Attributes:
        name: Its name.
        description: One sentence.
        author: Who registered the first version.
        at: When that was.
        versions: How many versions there are.
        latest: The highest version number.
        aliases: Alias → version number.
    """

    name: str
    description: str
    author: str
    at: datetime
    versions: int
    latest: int
    aliases: dict[str, int]


class ModelVersion(msgspec.Struct, frozen=True):
    """One bundle with a number, and everything that is known about where it came from.

    Attributes:
        model: The model's name.
        version: 1, 2, 3, …; never used twice.
        bundle: The bundle's digest; the model itself.
        at: When it was registered.
        author: Who did that.
        run_id: The tracking run that made it.
        flow_id: The pipeline run that made it.
        dataset: The dataset it was trained on.
        dataset_commit: The commit of that dataset.
        parent_version: The version it was meant to replace.
        metrics: Metric → value on held-out data; finite numbers only.
        gates: What each gate said.
        aliases: The aliases that name it now.
        status: `registered`, or `rejected` for good.
        reason: Why it was rejected.
        tags: Free text by name.
    """

    model: str
    version: int
    bundle: str
    at: datetime
    author: str
    run_id: str | None = None
    flow_id: str | None = None
    dataset: str | None = None
    dataset_commit: str | None = None
    parent_version: int | None = None
    metrics: dict[str, float] = {}
    gates: list[GateResult] = []
    aliases: list[str] = []
    status: Literal["registered", "rejected"] = "registered"
    reason: str = ""
    tags: dict[str, str] = {}

    @property
    def failed_gates(self) -> list[GateResult]:
        """The gates that said no."""
        return [each for each in self.gates if not each.passed]


Move = Literal["promoted", "rolled back", "removed"]


class AliasChange(msgspec.Struct, frozen=True):
    """One move of an alias; the list of them is the alias's history and never shrinks.

    Attributes:
        id: Sorts by time.
        model: The model's name.
        alias: Which alias moved.
        version: Where it points since then; None when it was removed.
        previous: Where it pointed before.
        move: What kind of move it was.
        at: When.
        actor: Who did it.
        reason: Why.
        override: True when a failed gate was overruled by an administrator.
    """

    id: str
    model: str
    alias: str
    version: int | None
    previous: int | None
    move: Move
    at: datetime
    actor: str
    reason: str = ""
    override: bool = False
