"""Runs as other tools show them: texts and whole numbers, as they lie in the tables."""

from __future__ import annotations

import msgspec

from fettle.tracking.records.inputs import Brief, DatasetInput, ModelLink
from fettle.tracking.records.metrics import NotFinite
from fettle.tracking.records.runs import Status


class Last(msgspec.Struct, frozen=True, gc=False):
    """The last point of a metric.

    Attributes:
        key: The metric.
        value: A finite number, or the text `NaN`, `Infinity` or `-Infinity`.
        at_us: When, in microseconds since 1970.
        step: At which step.
    """

    key: str
    value: float | NotFinite
    at_us: int
    step: int


class Sheet(msgspec.Struct, frozen=True):
    """A run with all that is shown of it.

    Attributes:
        id: Its id.
        experiment: Where it belongs.
        name: What people call it.
        status: As in `Run`.
        author: Who started it.
        started_us: When, in microseconds since 1970.
        ended_us: When it ended; None while it runs.
        parent: The run it is a part of; empty for none.
        notes: About it, in Markdown.
        deleted: Whether it is in the bin.
        params: Parameter → its value as text.
        tags: Tag → text.
        metrics: The last point of each metric.
        datasets: Datasets it read.
        read: Logged models it read.
        made: Logged models it made.
    """

    id: str
    experiment: Brief
    name: str
    status: Status
    author: str
    started_us: int
    ended_us: int | None = None
    parent: str = ""
    notes: str = ""
    deleted: bool = False
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: list[Last] = []
    datasets: list[DatasetInput] = []
    read: list[ModelLink] = []
    made: list[ModelLink] = []


class SheetPage(msgspec.Struct, frozen=True):
    """A part of what a search found.

    Attributes:
        sheets: The runs.
        next: The cursor to what follows; None at the end.
    """

    sheets: list[Sheet] = []
    next: str | None = None
