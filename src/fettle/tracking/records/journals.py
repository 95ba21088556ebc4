"""What journals of operations say of a run, as it is told to the workspace."""

from __future__ import annotations

from typing import Any

import msgspec


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation of a journal; what it leaves out stays as it is.

    Attributes:
        number: How many operations of the journal come before it.
        params: Parameter and value; another value than the one it has is refused.
        tags: Tag and text; replaces the text of a tag that exists.
        notes: New notes, in Markdown.
        inputs: Dataset references to add to what the run reads.
        path: The name of a file in the run; empty: none.
        digest: The object that is this file, stored before.
    """

    number: int
    params: dict[str, Any] = {}
    tags: dict[str, str] = {}
    notes: str | None = None
    inputs: list[str] = []
    path: str = ""
    digest: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """An operation that was not done.

    Attributes:
        number: Its number.
        why: What the workspace said.
    """

    number: int
    why: str
