"""The nouns of merging: what two sides changed both, and what came of it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Side = Literal["ours", "theirs", "base"]


class FileConflict(msgspec.Struct, frozen=True):
    """A file that both sides changed since they parted; a digest is empty where the file is not there."""

    path: str
    base: str
    ours: str
    theirs: str


class CellConflict(msgspec.Struct, frozen=True):
    """A cell, or a whole row (`column` is empty), that both sides changed since they parted.

    `key` are the values of the row's key columns; values are as JSON has them, `None` for a missing one.
    """

    table: str
    key: dict[str, Any]
    column: str
    base: Any
    ours: Any
    theirs: Any


class Merged(msgspec.Struct, frozen=True):
    """The outcome of a merge or revert.

    Attributes:
        dataset: Of which dataset.
        branch: The branch that was moved, or was to be.
        commit: The version the branch points at now; empty if there are conflicts left.
        how: `up to date`, `advanced` (the branch only moved forward), `merged` or `conflicts`.
        files: Conflicts of files.
        cells: Conflicts of rows and cells.
        resolved: How many conflicts were resolved as asked.
        fault: What is left to do, if the merge was not made.
    """

    dataset: str
    branch: str
    commit: str
    how: Literal["up to date", "advanced", "merged", "conflicts"]
    files: list[FileConflict] = []
    cells: list[CellConflict] = []
    resolved: int = 0
    fault: str = ""
