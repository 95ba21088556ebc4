"""What a run read and made beside its own numbers: datasets, and models that were logged."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from fettle.tracking.records.metrics import NotFinite

LOCATION = "mlflow.artifactLocation"
"""Tag of an experiment whose clients keep its artifacts in a place of their own."""

ModelStatus = Literal["pending", "ready", "failed"]
"""`pending`: its files are still coming; `failed`: they never came."""


class DatasetInput(msgspec.Struct, frozen=True):
    """A dataset that a run read, as its client describes it.

    Attributes:
        name: What it is called.
        digest: Which content, in the client's own way of counting.
        source_type: The kind of place it came from, such as `local` or `http`.
        source: That place, as JSON.
        schema: Its columns, as JSON.
        profile: Its size, as JSON.
        tags: Tag → text; `mlflow.data.context` says what it was used for.
    """

    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""
    tags: dict[str, str] = {}

    @property
    def context(self) -> str:
        """What it was used for, such as `training`; empty if nobody said."""
        return self.tags.get("mlflow.data.context", "")


class DatasetUse(msgspec.Struct, frozen=True):
    """A dataset that runs of an experiment used.

    Attributes:
        experiment: The experiment's number.
        name: The dataset's name.
        digest: Its digest.
        context: What it was used for.
    """

    experiment: int
    name: str
    digest: str
    context: str = ""


class ModelLink(msgspec.Struct, frozen=True):
    """A logged model that a run read or made.

    Attributes:
        model: The model's id.
        step: At which step of the run it was made.
    """

    model: str
    step: int = 0


class ModelMetric(msgspec.Struct, frozen=True):
    """A point of a metric that speaks of a logged model.

    Attributes:
        model: The model's id.
        key: The metric.
        value: As in `Point`.
        step: As in `Point`.
        at: When; None means now.
        run: The run that measured it.
        dataset: The name of the dataset it was measured on.
        digest: That dataset's digest.
    """

    model: str
    key: str
    value: float | NotFinite
    step: int = 0
    at: datetime | None = None
    run: str = ""
    dataset: str = ""
    digest: str = ""


class Brief(msgspec.Struct, frozen=True):
    """What must be known of an experiment to speak of its runs.

    Attributes:
        number: Its number.
        name: Its name.
        deleted_at: When it was put in the bin.
        location: Where its clients keep artifacts on their own; empty if here.
    """

    number: int
    name: str
    deleted_at: datetime | None = None
    location: str = ""


class LoggedModel(msgspec.Struct, frozen=True):
    """A model whose files a client keeps here before, or without, registering it.

    Attributes:
        id: `m-` and 32 characters.
        experiment: The number of the experiment it belongs to.
        name: What people call it.
        kind: What sort of model its client says it is.
        run: The run that made it; empty if none did.
        status: Whether its files are all here.
        author: Who made it.
        created_at: When.
        updated_at: When it last changed.
        deleted_at: When it was put in the bin.
        params: Parameter → text.
        tags: Tag → text.
        metrics: What was measured of it.
    """

    id: str
    experiment: int
    name: str
    kind: str
    run: str
    status: ModelStatus
    author: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: list[ModelMetric] = []
