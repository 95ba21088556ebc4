"""What was accepted into a schema, and how its TOML changed."""

from __future__ import annotations

import difflib

import msgspec


class Accepted(msgspec.Struct, frozen=True):
    """The anomalies that are expected from now on, and the difference of the TOML, line by line."""

    accepted: list[str]
    changes: list[str]

    def lines(self) -> list[str]:
        """What is accepted, then the lines that went (-) and came (+)."""
        if not self.accepted:
            return ["Nothing to accept: no rule can be changed for these anomalies."]
        return [*(f"accepted: {each}" for each in self.accepted), "", *self.changes]


def difference(before: str, after: str) -> list[str]:
    """The difference of two texts as lines, with two lines around."""
    made = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", n=2, lineterm="")
    return list(made)
