"""Pages of what is taken elsewhere: each is read at one moment and says where the next begins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from fettle.tracking.records.runs import Run


class RowPage(msgspec.Struct, frozen=True):
    """Some rows of a table.

    Attributes:
        rows: In the order of the table's key.
        after: The key of the last, for the next page; empty behind the last row.
    """

    rows: list[dict[str, Any]]
    after: list[Any] = []


class RunPage(msgspec.Struct, frozen=True):
    """Some runs with all that `show` tells of them.

    Attributes:
        runs: In the order of their ids, those in the bin and the archive too.
        after: The id of the last, for the next page; empty behind the last run.
    """

    runs: list[Run]
    after: str = ""


class ExperimentRow(msgspec.Struct, frozen=True):
    """An experiment as it was elsewhere.

    Attributes:
        name: Its name.
        number: Its number there; here it gets one of its own.
        notes: In Markdown.
        tags: Tag → text.
        created_at: When it was made.
        updated_at: When its name, tags or notes last changed.
        deleted_at: When it was put into the bin; None while it is in use.
    """

    name: str
    number: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    notes: str = ""
    tags: dict[str, str] = {}
