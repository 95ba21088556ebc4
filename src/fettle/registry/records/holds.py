"""Holds: versions that must not be deleted."""

from __future__ import annotations

from datetime import datetime

import msgspec


class ModelHold(msgspec.Struct, frozen=True):
    """A reason why a version, or a model with all its versions, must stay.

    Attributes:
        id: Sorts by time.
        model: The model.
        version: The version; 0 for the model with all its versions.
        reason: Why.
        at: Since when.
        by: Who said so.
        released_at: When it ended.
        released_by: Who ended it.
    """

    id: str
    model: str
    version: int
    reason: str
    at: datetime
    by: str
    released_at: datetime | None = None
    released_by: str | None = None
