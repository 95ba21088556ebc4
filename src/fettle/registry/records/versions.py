"""A version: one bundle, or files of another tool's form, with a number."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from fettle.evaluation.records import GateResult

Kind = Literal["bundle", "foreign"]
"""What a version is: a bundle that endpoints can serve, or files of another tool that are only kept."""

Review = Literal["none", "in review", "approved", "rejected"]
"""How far people have looked at a version."""


class ModelVersion(msgspec.Struct, frozen=True):
    """One bundle with a number, and everything that is known about where it came from.

    Attributes:
        model: The model's name.
        version: 1, 2, 3, …; never used twice, also after a deletion.
        bundle: The bundle's digest; the model itself. Foreign files: the digest of what is recorded of them.
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
        description: What is to be said of it, in Markdown.
        kind: `bundle`, or `foreign`: registered, named and downloaded like any other, but not served by fettle.
        source: Where foreign files lie.
        manifest: Digest of the manifest of foreign files, where they were stored here.
        logged_model: Id of the logged model they came from.
        review: How far people have looked at it.
        updated_at: When its description, tags or review last changed.
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
    description: str = ""
    kind: Kind = "bundle"
    source: str = ""
    manifest: str | None = None
    logged_model: str | None = None
    review: Review = "none"
    updated_at: datetime | None = None

    @property
    def ref(self) -> str:
        """How it is named: `fraud@3`."""
        return f"{self.model}@{self.version}"

    @property
    def failed_gates(self) -> list[GateResult]:
        """The gates that said no."""
        return [each for each in self.gates if not each.passed]


class RemovedVersion(msgspec.Struct, frozen=True):
    """What is left of a deleted version: that there was one, and what was known of it.

    Attributes:
        model: The model's name.
        version: Its number, which is not used again.
        bundle: Its digest.
        at: When it was deleted.
        actor: By whom.
        reason: Why.
        record: The version as it last was.
    """

    model: str
    version: int
    bundle: str
    at: datetime
    actor: str
    reason: str
    record: ModelVersion
