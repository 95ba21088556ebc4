"""Evaluation sets: questions with the answers that are hoped for, as an application's client collects them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class EvaluationSet(msgspec.Struct, frozen=True):
    """A named collection of records.

    Attributes:
        id: `d-` and 32 characters.
        name: What people call it.
        author: Who made it.
        created_at: When.
        updated_at: When it or its records last changed.
        records: How many records it has.
        experiments: The numbers of the experiments it belongs to.
        tags: Tag → text.
        fields: Which fields its records have had, by what they are part of: field → kind of value.
    """

    id: str
    name: str
    author: str
    created_at: datetime
    updated_at: datetime
    records: int = 0
    experiments: list[int] = []
    tags: dict[str, str] = {}
    fields: dict[str, dict[str, str]] = {}


class EvaluationRecord(msgspec.Struct, frozen=True):
    """One record of an evaluation set.

    Attributes:
        set: The set's id.
        id: `dr-` and 32 characters.
        question: Digest of its inputs; a record with the same inputs takes its place.
        created_at: When it came.
        updated_at: When it last changed.
        said: Inputs, outputs, expectations, tags and source, as told.
    """

    set: str
    id: str
    question: str
    created_at: datetime
    updated_at: datetime
    said: dict[str, Any]


class Merged(msgspec.Struct, frozen=True):
    """What became of records that were told.

    Attributes:
        inserted: How many are new.
        updated: How many took the place of others.
    """

    inserted: int = 0
    updated: int = 0


class Scorer(msgspec.Struct, frozen=True):
    """A version of what scores answers, as its client wrote it down; it is never run here.

    Attributes:
        experiment: The number of the experiment it belongs to.
        name: What people call it.
        version: Counted from 1 for each name.
        id: The same for all versions.
        scorer: The client's own form, JSON.
        author: Who registered it.
        at: When.
    """

    experiment: int
    name: str
    version: int
    id: str
    scorer: str
    author: str
    at: datetime
