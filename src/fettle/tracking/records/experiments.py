"""Experiments: the questions that runs try to answer."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Experiment(msgspec.Struct, frozen=True):
    """A question that runs try to answer.

    Attributes:
        name: Its name.
        number: A whole number that stays when the name changes; 0 is the experiment `Default`.
        runs: How many runs it has that are not deleted.
        latest_at: When the latest of them began; None where there is none.
        created_at: When it was made.
        updated_at: When its name, tags or notes last changed.
        deleted_at: When it was put in the bin; None while it is in use.
        notes: What people wrote about it, in Markdown.
        tags: Tag → text.
    """

    name: str
    number: int
    runs: int
    latest_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    notes: str = ""
    tags: dict[str, str] = {}
