"""Saved ways of looking at runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class View(msgspec.Struct, frozen=True):
    """A search with a name, and how its runs are shown.

    Attributes:
        name: Its name; unique within its experiment, or among those of the whole workspace.
        experiment: Whose runs it is about; empty for those of all experiments.
        where: The search.
        order_by: What the runs are sorted by.
        columns: The fields that are shown, such as `params.lr`.
        charts: Settings of its charts, as the pages keep them.
        notes: What people wrote about it, in Markdown.
        author: Who saved it last.
        updated_at: When.
    """

    name: str
    experiment: str
    where: str
    order_by: list[str]
    columns: list[str]
    charts: dict[str, Any]
    notes: str
    author: str
    updated_at: datetime
