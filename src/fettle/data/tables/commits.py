"""Compare two versions of a dataset: its files by digest, its tables by rows and cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from fettle.core.errors import FettleError, NotFound
from fettle.core.progress import phase
from fettle.core.units import size_text
from fettle.data.engine import trees
from fettle.data.engine.repository import Repository
from fettle.data.records.diffs import FileChange
from fettle.data.records.versions import Commit, Part, Table
from fettle.data.tables.diff import diff_tables
from fettle.data.tables.differences import TableDiff
from fettle.data.tables.files import is_table
from fettle.data.tables.show import SIGNS, aligned
from fettle.data.tables.sides import PartFile, TableFiles
from fettle.data.tables.spill import Budget

MOST_FILES = 20
MOST_BYTES = 1 << 28
"""So many files with tables in them, none larger than this, are compared by rows; others by their digest alone."""


class Reading(NamedTuple):
    """How content comes to this machine.

    Attributes:
        repository: Where it is kept.
        part: Gives a part of a table as a file.
        file: Reads a file (its digest and path) as a table; a `FettleError` if it is none.
        spill: Folder for the rows of tables beyond memory; None: the system's for temporary files.
    """

    repository: Repository
    part: Callable[[Part], Path]
    file: Callable[[trees.Entry], pl.DataFrame]
    spill: Path | None = None


class Wanted(NamedTuple):
    """What is compared, and how.

    Attributes:
        path: Only this file or folder.
        key: The columns that tell rows apart; None: those that a table was committed with.
        rows: Look into tables.
        limit: Show at most so many changes of each kind.
    """

    path: str = ""
    key: Sequence[str] | None = None
    rows: bool = True
    limit: int = 20


class VersionDiff:
    """How two versions differ.

    Attributes:
        old: The version before; empty if the new one is the first.
        new: The version after.
        files: The files that differ, by path; without `parts` of tables that were compared by rows.
        tables: For the path of each table that differs, how.
        notes: What was left out, and why.
    """

    def __init__(self, old: str, new: str, files: list[FileChange], limit: int) -> None:
        self.old, self.new = old, new
        self.files = files
        self.tables: dict[str, TableDiff] = {}
        self.notes: list[str] = []
        self._limit = limit

    @property
    def same(self) -> bool:
        """True if nothing differs."""
        return not self.files and all(each.summary.same for each in self.tables.values())

    def lines(self) -> list[str]:
        """The differences for a terminal."""
        lines = [f"{self.old or '(nothing)'} → {self.new}"]
        if self.same:
            lines.append("no difference")
        for path, table in self.tables.items():
            lines += ["", path, *table.lines(self._limit)]
        if self.files:
            rows = [
                [
                    SIGNS[each.op],
                    each.path,
                    size_text(each.old_bytes or each.new_bytes),
                    f"→ {size_text(each.new_bytes)}" if each.op == "changed" else "",
                ]
                for each in self.files[: self._limit]
            ]
            lines += ["", f"files: {self._counts()}", *aligned(rows)]
            if (more := len(self.files) - self._limit) > 0:
                lines.append(f"  … {more:,} more")
        return [*lines, *(["", *self.notes] if self.notes else [])]

    def as_dict(self) -> dict[str, Any]:
        """The differences as JSON-able fields; of cells and rows at most the limit asked for."""
        return {
            "old": self.old,
            "new": self.new,
            "files": msgspec.to_builtins(self.files),
            "tables": {path: each.as_dict(self._limit) for path, each in self.tables.items()},
            "notes": self.notes,
        }

    def _counts(self) -> str:
        counts = {op: sum(each.op == op for each in self.files) for op in ("added", "removed", "changed")}
        return ", ".join(f"{SIGNS[op]}{count:,} {op}" for op, count in counts.items())


def diff_commits(reading: Reading, old: Commit | None, new: Commit, wanted: Wanted) -> VersionDiff:
    """Compare two versions of a dataset.

    Files are compared by the digests in the two trees, which costs what changed. The parts of a table are compared by
    rows with the table's key, and so are files that are tables (CSV, JSON, Parquet …) and that both versions have.

    Args:
        reading: How content is read.
        old: The version before; None: an empty one.
        new: The version after.
        wanted: What is compared.

    Raises:
        NotFound: The key asked for is in none of the tables that changed.
    """
    node = reading.repository.node
    before = {each.path: each for each in (old.tables if old else [])}
    shared = [
        (before[each.path], each)
        for each in new.tables
        if each.path in before and _wanted(each.path, wanted.path)
    ]
    by_rows = [pair for pair in shared if wanted.rows and _content(pair[0]) != _content(pair[1])]
    folders = tuple(f"{table.path}/" for _, table in by_rows)
    changes = [
        each
        for each in trees.diff(old.tree if old else trees.EMPTY, new.tree, node)
        if _wanted(each.path, wanted.path)
    ]
    made = VersionDiff(
        _short(old) if old else "",
        _short(new),
        [_change(each) for each in changes if not each.path.startswith(folders)],
        wanted.limit,
    )
    missing: list[NotFound] = []
    for was, now in by_rows:
        key = _usable(wanted.key, [each.name for each in now.columns], now.key, missing)
        if key is not None:
            made.tables[now.path] = diff_tables(
                *_files(reading, was, now), key, budget=Budget(folder=reading.spill)
            )
    others = [each for each in changes if not each.path.startswith(folders)] if wanted.rows else []
    for path, a, b in _readable(reading, others, made.notes):
        key = _usable(wanted.key, b.columns, (), missing)
        if key is not None:
            made.tables[path] = diff_tables(a, b, key)
    if missing and not made.tables:
        raise missing[0]
    return made


def _usable(
    key: Sequence[str] | None, columns: Sequence[str], known: Sequence[str], missing: list[NotFound]
) -> Sequence[str] | None:
    """The key to compare with: what was asked for, else what is known; None if the table lacks it."""
    for name in key or ():
        if name not in columns:
            missing.append(NotFound.among("column", name, columns))
            return None
    return known if key is None else key


def _readable(
    reading: Reading, changes: list[trees.Change], notes: list[str]
) -> Iterator[tuple[str, pl.DataFrame, pl.DataFrame]]:
    """Files that are tables on both sides, read."""
    pairs = [
        (each.path, each.old, each.new) for each in changes if each.old and each.new and is_table(each.path)
    ]
    small = [each for each in pairs if max(each[1].size_bytes, each[2].size_bytes) <= MOST_BYTES][:MOST_FILES]
    if len(small) < len(pairs):
        left = len(pairs) - len(small)
        notes.append(f"{left:,} of {len(pairs):,} table files compared by digest only; name one: --path FILE")
    with phase("Comparing tables", total=len(small), unit="files") as step:
        for path, old, new in small:
            try:
                yield path, reading.file(old), reading.file(new)
            except FettleError as error:
                notes.append(f"{path} compared by digest only: {error.message}")
            step()


def _files(reading: Reading, old: Table, new: Table) -> tuple[TableFiles, TableFiles]:
    """Both sides as files on this machine; parts that both have are not even fetched."""
    same = Counter(each.digest for each in old.parts) & Counter(each.digest for each in new.parts)
    sides = [(table.columns, _apart(table.parts, same.copy())) for table in (old, new)]
    total = sum(len(parts) for _, (parts, _) in sides)
    with phase("Fetching", total=total, unit="parts") as step:
        made = []
        for columns, (parts, rows) in sides:
            files = []
            for each in parts:
                files.append(PartFile(reading.part(each), each.groups))
                step()
            made.append(TableFiles(columns, files, rows))
    return made[0], made[1]


def _apart(parts: Sequence[Part], same: Counter[str]) -> tuple[list[Part], int]:
    """The parts that the other side lacks, and the rows of those that it has."""
    left, rows = [], 0
    for each in parts:
        if same[each.digest] > 0:
            same[each.digest] -= 1
            rows += each.rows
        else:
            left.append(each)
    return left, rows


def _short(commit: Commit) -> str:
    return f"{commit.dataset}@{commit.id[:12]}"


def _content(table: Table) -> tuple[object, ...]:
    return tuple(table.columns), tuple(each.digest for each in table.parts)


def _change(each: trees.Change) -> FileChange:
    op = "changed" if each.old and each.new else "added" if each.new else "removed"
    return FileChange(
        op, each.path, each.old.size_bytes if each.old else 0, each.new.size_bytes if each.new else 0
    )


def _wanted(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix.rstrip('/')}/")
