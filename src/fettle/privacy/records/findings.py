"""What recognisers find, and what a person says of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Level = Literal["public", "internal", "personal", "sensitive"]
"""How carefully a column is handled.

`public` may be shown to anybody; `internal` to the team; `personal` relates to a person (GDPR Art. 4); `sensitive`
would do harm when it leaks: payment data, national ids, secrets, and the special categories of GDPR Art. 9.
"""

CAREFUL: tuple[Level, ...] = ("personal", "sensitive")


class Finding(msgspec.Struct, frozen=True):
    """What one column seems to hold.

    Attributes:
        column: Its name.
        level: The proposed level; `internal` where nothing was recognised.
        kind: What was recognised, such as `email` or `national_id_de`; empty: nothing.
        share: Share of the looked-at values that are of the kind, in [0, 1].
        confidence: How sure the recogniser is, in [0, 1]: the posterior probability of the kind against a column
            of random values of the same shape, given the name of the column.
        values: How many different values were looked at.
        why: The reasons in words; never a value.
        others: Other kinds that fit less well.
    """

    column: str
    level: Level
    kind: str = ""
    share: float = 0.0
    confidence: float = 0.0
    values: int = 0
    why: str = ""
    others: list[str] = []


class Scan(msgspec.Struct, frozen=True):
    """What the columns of a table seem to hold.

    Attributes:
        name: The file or dataset.
        rows: How many rows it has.
        findings: One for each column, in order.
    """

    name: str
    rows: int
    findings: list[Finding]

    @property
    def careful(self) -> list[Finding]:
        """The findings that are personal or sensitive."""
        return [each for each in self.findings if each.level in CAREFUL]

    def lines(self) -> list[str]:
        """The findings as lines for a terminal."""
        width = max([len(each.column) for each in self.findings], default=0)
        lines = [
            f"{self.name}: {self.rows:,} rows, {len(self.careful)} of {len(self.findings)} columns personal"
        ]
        for each in self.findings:
            sure = (
                f"{each.kind} ({each.confidence:.0%} sure, {each.share:.0%} of values)" if each.kind else "–"
            )
            lines.append(f"  {each.column:<{width}}  {each.level:<9}  {sure}")
        return lines

    def as_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)


class Classified(msgspec.Struct, frozen=True):
    """What is known of one column of a dataset, and who says so.

    Attributes:
        dataset: The dataset.
        column: The column.
        level: Its level.
        kind: What it holds, such as `email`; empty: nothing that has a name.
        status: `proposed` by a recogniser or `confirmed` by a person.
        confidence: The recogniser's, in [0, 1]; 0 where a person said so first.
        at: When it was said.
        by: Who said so.
        note: The recogniser's reasons, or the person's.
    """

    dataset: str
    column: str
    level: Level
    kind: str
    status: Literal["proposed", "confirmed"]
    confidence: float
    at: datetime
    by: str
    note: str = ""
