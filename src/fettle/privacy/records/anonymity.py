"""How well single rows hide in the crowd."""

from __future__ import annotations

from typing import Any

import msgspec


class Suggestion(msgspec.Struct, frozen=True):
    """What would help.

    Attributes:
        change: In words.
        k: The smallest group afterwards.
        at_risk: Rows in groups that are too small afterwards.
    """

    change: str
    k: int
    at_risk: int


class Anonymity(msgspec.Struct, frozen=True):
    """How well the rows of a table hide in groups that share their quasi-identifiers.

    Attributes:
        rows: Rows of the table.
        quasi: The quasi-identifiers: columns that others may know of a person.
        groups: How many different combinations there are.
        k: Size of the smallest group: 5 means each row looks like at least four others.
        wanted_k: What was asked for.
        at_risk: Rows in groups smaller than wanted.
        smallest: The smallest groups: their quasi-identifiers and `rows`.
        sensitive: The column whose value should not be learnt from the group; empty: none.
        l: Fewest different sensitive values in a group; None: no sensitive column.
        entropy_l: exp of the least entropy of the sensitive values in a group; None: no sensitive column.
        t: Greatest distance of a group's sensitive values from the table's, in [0, 1]; None: no sensitive column.
        wanted_l: What was asked for; None: nothing.
        wanted_t: What was asked for; None: nothing.
        suggestions: What would help most, best first.
    """

    rows: int
    quasi: list[str]
    groups: int
    k: int
    wanted_k: int
    at_risk: int
    smallest: list[dict[str, Any]]
    sensitive: str = ""
    l: int | None = None  # noqa: E741 - its name since Machanavajjhala et al. 2007
    entropy_l: float | None = None
    t: float | None = None
    wanted_l: float | None = None
    wanted_t: float | None = None
    suggestions: list[Suggestion] = []

    @property
    def share_at_risk(self) -> float:
        """Share of the rows that are in groups too small."""
        return self.at_risk / self.rows if self.rows else 0.0

    @property
    def fault(self) -> str:
        """What is worse than was wanted; empty: nothing. A command ends with exit code 5 then."""
        faults = []
        if self.rows and self.k < self.wanted_k:
            rows = f"{self.at_risk:,} rows ({self.share_at_risk:.2%})"
            faults.append(f"k is {self.k}, {self.wanted_k} wanted: {rows} stand out")
        if self.wanted_l is not None and self.entropy_l is not None and (self.l or 0) < self.wanted_l:
            faults.append(f"l is {self.l}, {self.wanted_l:g} wanted: the group tells {self.sensitive!r}")
        if self.wanted_t is not None and self.t is not None and self.t > self.wanted_t:
            faults.append(f"t is {self.t:.3f}, at most {self.wanted_t:g} wanted for {self.sensitive!r}")
        return "; ".join(faults)

    def lines(self) -> list[str]:
        """The report as lines for a terminal."""
        lines = [
            f"{self.rows:,} rows in {self.groups:,} groups by {', '.join(self.quasi)}",
            f"  k = {self.k} (wanted {self.wanted_k}); {self.at_risk:,} rows ({self.share_at_risk:.2%}) in smaller",
        ]
        if self.sensitive:
            lines.append(
                f"  {self.sensitive}: l = {self.l}, entropy l = {self.entropy_l:.2f}, t = {self.t:.3f}"
            )
        lines += [f"  smallest: {each}" for each in self.smallest[:5]]
        lines += [
            f"  {each.change}: k = {each.k}, {each.at_risk:,} rows at risk" for each in self.suggestions
        ]
        return lines

    def as_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self) | {"share_at_risk": self.share_at_risk, "fault": self.fault}
