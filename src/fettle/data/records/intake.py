"""The noun of ingest: what became of a source's rows."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Intake(msgspec.Struct, frozen=True):
    """What an ingest did.

    Attributes:
        dataset: The dataset.
        commit: The version that holds the rows now.
        changed: Whether that version is new; False if everything was there already.
        rows: Rows of that version.
        read: Rows that the source gave.
        added: Rows that were not there.
        updated: Rows that took the place of one with the same key.
        duplicates: Rows that were there already, or came twice.
        skipped: Rows whose key is there with other values, left as they were.
        late: Rows behind the latest time seen that were still brought in.
        too_late: Rows so far behind it that they were left out.
        rejected: Rows of a broken shape that were left out because that was asked for.
        high_water: The latest time seen so far, where rows have a time.
        notes: What was decided or changed on the way.
        next: A command to go on with.
    """

    dataset: str
    commit: str
    changed: bool
    rows: int
    read: int
    added: int = 0
    updated: int = 0
    duplicates: int = 0
    skipped: int = 0
    late: int = 0
    too_late: int = 0
    rejected: int = 0
    high_water: datetime | None = None
    notes: list[str] = []
    next: str = ""

    def lines(self) -> list[str]:
        """What a person is told: the version, what became of the rows, and every note."""
        parts = ("added", "updated", "duplicates", "skipped", "late", "too_late", "rejected")
        counts = [
            f"{getattr(self, each):,} {each.replace('_', ' ')}" for each in parts if getattr(self, each)
        ]
        told = [
            ("dataset", self.dataset),
            ("version", self.commit[:12] + ("" if self.changed else " (as before)")),
            ("rows", f"{self.rows:,}"),
            ("read", f"{self.read:,}" + (f": {', '.join(counts)}" if counts else "")),
            ("latest", f"{self.high_water:%Y-%m-%d %H:%M:%S} UTC" if self.high_water else ""),
            *(("note", each) for each in self.notes),
            ("next", self.next),
        ]
        return [f"{name:<8} {words}" for name, words in told if words]
