"""What is asked of a search."""

from __future__ import annotations

from typing import Literal

import msgspec

Op = Literal["=", "!=", "<", "<=", ">", ">=", "like", "ilike", "in", "not in", "is null", "is not null"]


class Condition(msgspec.Struct, frozen=True):
    """One condition; a search takes what meets all of them.

    Attributes:
        field: Such as `name`, `run_id`, `alias` or `tag.team`.
        op: How it is compared; `like` has `%` and `_` as in SQL and minds letter case, `ilike` does not.
        value: With what; a list for `in` and `not in`.
    """

    field: str
    op: Op
    value: str | float | list[str] | None = None


class Group(msgspec.Struct, frozen=True):
    """Conditions joined: `and`, `or`, or `not` of the one part."""

    op: Literal["and", "or", "not"]
    parts: list[Condition | Group]
