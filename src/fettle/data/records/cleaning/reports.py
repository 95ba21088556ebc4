"""What cleaning did: how much each operation changed, and which version came of which."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec


class Change(msgspec.Struct, frozen=True):
    """One changed value: in which row (counted from 0, before the operation), and from what to what."""

    row: int
    column: str
    before: Any
    after: Any


class Done(msgspec.Struct, frozen=True):
    """What one operation did to a table.

    Attributes:
        operation: Its words, such as `impute age by median`.
        rows: Rows that were changed.
        cells: Values that were changed, by column.
        failed: Values that could not be read and became missing, by column.
        dropped: Rows that were left out; where rows are kept, those that would have been.
        added: Columns that are new.
        removed: Columns that are gone.
        examples: Some of the changes.
    """

    operation: str
    rows: int
    cells: dict[str, int]
    failed: dict[str, int]
    dropped: int
    added: list[str]
    removed: list[str]
    examples: list[Change]


class CleaningReport(msgspec.Struct, frozen=True):
    """What cleaning did to a table, operation by operation."""

    rows_before: int
    rows_after: int
    done: list[Done]

    def lines(self) -> list[str]:
        """In words, for a terminal."""
        told = [f"{self.rows_before:,} rows in, {self.rows_after:,} out"]
        for each in self.done:
            told.append(f"  {each.operation}: {_told(each)}")
            told += [
                f"      row {one.row:,} {one.column}: {_value(one.before)} → {_value(one.after)}"
                for one in each.examples[:3]
            ]
        return told


class Pair(msgspec.Struct, frozen=True):
    """Two categories that look like one: `value` (the rarer) could become `instead`."""

    column: str
    value: str
    instead: str
    likeness: float
    rows: int
    instead_rows: int


def _value(value: Any) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            return "missing"
        case float():
            return f"{value:.10g}"
        case date():
            return value.isoformat()
        case _:
            return repr(value)


def _told(done: Done) -> str:
    parts = []
    if done.cells:
        count = sum(done.cells.values())
        parts.append(f"{count:,} value{'s' * (count != 1)} in {done.rows:,} row{'s' * (done.rows != 1)}")
    if done.failed:
        parts.append(f"{sum(done.failed.values()):,} could not be read")
    if done.dropped:
        parts.append(f"{done.dropped:,} row{'s' * (done.dropped != 1)} out")
    parts += [f"+ {', '.join(done.added)}"] if done.added else []
    parts += [f"− {', '.join(done.removed)}"] if done.removed else []
    return "; ".join(parts) or "nothing to do"


class CleanedVersion(msgspec.Struct, frozen=True):
    """A version that was cleaned and committed.

    Attributes:
        ref: The cleaned version, as `dataset@commit`.
        of: What was cleaned.
        cleaning: Digest of the fitted cleaning, kept in the workspace; the version's metadata name it too.
        fitted_on: How many rows it was fitted on.
        report: What was changed.
        split: The kept split of the cleaned version, if there was one before: every row is on the side it was on.
    """

    ref: str
    of: str
    cleaning: str
    fitted_on: int
    report: CleaningReport
    split: str = ""

    def lines(self) -> list[str]:
        """In words, for a terminal."""
        return [
            f"{_short(self.of)} cleaned as {_short(self.ref)} (fitted on {self.fitted_on:,} rows)",
            *self.report.lines(),
            *([f"split as before, kept as {_short(self.split)}"] if self.split else []),
        ]


def _short(ref: str) -> str:
    """A reference with the first twelve characters of its commit, which is enough to type."""
    name, at, commit = ref.partition("@")
    return name + at + commit[:12]
