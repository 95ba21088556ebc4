"""Aliases: which version a name stands for, since when, and who follows it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Move = Literal["promoted", "set", "rolled back", "removed"]


class AliasChange(msgspec.Struct, frozen=True):
    """One move of an alias; the list of them is the alias's history and never shrinks.

    Attributes:
        id: Sorts by time.
        model: The model's name.
        alias: Which alias moved.
        version: Where it points since then; None when it was removed.
        previous: Where it pointed before.
        move: What kind of move it was; `promoted` is the one with gates and approvals.
        at: When.
        actor: Who did it.
        reason: Why.
        override: True when a failed gate or missing approvals were overruled by an administrator.
        bundle: Digest of the version it points at since then.
        request: Id of the request whose approvals it rests on.
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
    bundle: str | None = None
    request: str | None = None


class AliasUse(msgspec.Struct, frozen=True):
    """Something that follows an alias, such as an endpoint: what it names cannot be deleted.

    Attributes:
        model: The model.
        alias: The alias.
        by: What follows it, such as `endpoint:fraud`.
    """

    model: str
    alias: str
    by: str
