"""The nouns of looking into versions: how two of them differ, what lies in one, what was copied out."""

from __future__ import annotations

from typing import Literal

import msgspec

SchemaKind = Literal["added", "removed", "retyped", "moved"]


class SchemaChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One difference of columns; `old` and `new` are types, or places (counted from 1) for a moved column."""

    kind: SchemaKind
    column: str
    old: str = ""
    new: str = ""


class ColumnChanges(msgspec.Struct, frozen=True):
    """What changed in one column, over the rows that both versions have.

    Attributes:
        column: The column.
        changed: Cells whose value differs.
        emptied: Those of them that had a value and are missing now.
        filled: Those that were missing and have a value now.
    """

    column: str
    changed: int
    emptied: int = 0
    filled: int = 0


class TableSummary(msgspec.Struct, frozen=True):
    """How two versions of a table differ, in numbers.

    Attributes:
        key: The columns that told rows apart; empty if whole rows were compared.
        old_rows: Rows of the old version.
        new_rows: Rows of the new version.
        added: Rows that only the new one has.
        removed: Rows that only the old one has.
        changed: Rows that both have with different cells; 0 if whole rows were compared.
        cells: Cells that differ in those.
        equal_rows: Rows in row groups that both versions share, which were not even read.
        schema: Differences of columns.
        columns: The columns with changed cells, most changes first.
    """

    key: list[str]
    old_rows: int
    new_rows: int
    added: int
    removed: int
    changed: int
    cells: int
    equal_rows: int
    schema: list[SchemaChange]
    columns: list[ColumnChanges]

    @property
    def same(self) -> bool:
        """True if nothing differs."""
        return not (self.added or self.removed or self.cells or self.schema)


class FileChange(msgspec.Struct, frozen=True):
    """One file that differs between two trees; sizes in bytes, 0 where there is no file."""

    op: Literal["added", "removed", "changed"]
    path: str
    old_bytes: int = 0
    new_bytes: int = 0


class FileEntry(msgspec.Struct, frozen=True):
    """A file or folder in a version; a folder has the size of all that lies in it."""

    name: str
    kind: Literal["file", "folder"]
    size_bytes: int
    digest: str = ""


class Download(msgspec.Struct, frozen=True):
    """What was copied out of a version, and where to.

    Attributes:
        target: The file or folder.
        files: How many files it is.
        size_bytes: Their lengths together.
        rows: Of a table; None for what is none.
        removed: Files of another version that lay in the folder and were taken away.
        others: Files in the folder that this version has not, and that stayed: no version knows their content.
    """

    target: str
    files: int
    size_bytes: int
    rows: int | None = None
    removed: int | None = None
    others: list[str] = []
