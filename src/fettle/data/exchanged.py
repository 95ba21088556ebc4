"""What a push or pull came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from fettle.core.units import size_text


class Exchanged(msgspec.Struct, frozen=True):
    """What a push or pull did.

    Attributes:
        dataset: Of which dataset.
        branch: The branch.
        place: Where to, or from.
        commit: The version the branch points at now, on the side that was written.
        how: `up to date`, `advanced`, `new`, `merged`, `forced` or `conflicts`.
        commits: How many commits were sent.
        packs: Packs sent whole.
        frames: Objects gathered into new packs.
        bytes: Stored bytes sent.
        tags: Tags sent.
        fault: What is left to do.
        records: Profiles, schemas, fitted cleanings and other objects that the versions name and that were sent.
        notes: What stayed as it was, and how to change that.
        also: What went along: the dataset of its splits.
    """

    dataset: str
    branch: str
    place: str
    commit: str
    how: str
    commits: int = 0
    packs: int = 0
    frames: int = 0
    bytes: int = 0
    tags: int = 0
    fault: str = ""
    records: int = 0
    notes: list[str] = []
    also: list[Exchanged] = []

    def lines(self) -> list[str]:
        """The outcome in words."""
        return [self._line(), *self.notes, *(line for each in self.also for line in each.lines())]

    def _line(self) -> str:
        more = [(self.tags, "tag(s)"), (self.records, "record(s)")]
        told = "".join(f", {count} {what}" for count, what in more if count)
        if self.how == "up to date" and not told:
            return f"{self.dataset}@{self.branch} is up to date with {self.place} ({self.commit[:12]})."
        sent = f"{self.commits} commit(s), {size_text(self.bytes)}{told}"
        return f"{self.dataset}@{self.branch} {self.how} to {self.commit[:12]}: {sent}."


class Pushes(list[Exchanged]):
    """What pushing all that pointer files name came to, one after another.

    Args:
        made: The pushes.
        known: Datasets that could be named, where no pointer file was found.
    """

    def __init__(self, made: Iterable[Exchanged] = (), known: Sequence[str] = ()) -> None:
        super().__init__(made)
        self._known = list(known)

    @property
    def fault(self) -> str:
        """What is left to do."""
        return next((each.fault for each in self if each.fault), "")

    def lines(self) -> list[str]:
        """In words."""
        if self:
            return [line for each in self for line in each.lines()]
        there = f" Here are: {', '.join(self._known[:12])}." if self._known else " There is no dataset yet."
        return [
            f"No pointer file (*.data.toml) is here or below: name a dataset, fettle data push NAME.{there}"
        ]
