"""The nouns of versions: columns, sources, parts, commits and datasets."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

import msgspec

from fettle.core.errors import Invalid

Type = Literal["integer", "number", "boolean", "string", "date", "datetime"]
"""What a column's values are. Whatever a file calls them, fettle keeps these six (see `fettle.data.types`)."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table: its name, as the source wrote it, and the type of its values."""

    name: str
    type: Type


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the rows of a commit came from.

    Attributes:
        name: What the user gave: a path, a query, or any words.
        kind: `csv`, `parquet`, `json`, `jsonl`, `excel`, `sql` or `frame`.
        digest: BLAKE3 of the file's bytes, or of the query's text; empty for a frame in memory.
        size_bytes: Length of the file; 0 where there is none.
        modified_at: The file's own time (UTC), where there is a file.
        etag: What a web server or bucket calls the state that was read.
    """

    name: str
    kind: str = "frame"
    digest: str = ""
    size_bytes: int = 0
    modified_at: datetime | None = None
    etag: str = ""


class RowGroup(msgspec.Struct, frozen=True):
    """A row group of a Parquet file: how many rows, and BLAKE3 of its column chunks' bytes as they lie in the file."""

    rows: int
    digest: str


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Parquet file of a table, kept under the digest of its bytes; `path` is its place in the tree."""

    digest: str
    rows: int
    size_bytes: int
    path: str = ""
    groups: list[RowGroup] = []


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table in a commit.

    Attributes:
        path: The folder of the tree in which its parts lie, such as `table`.
        columns: Names and types, in order.
        rows: Rows of all parts.
        parts: The files that make it up, in order.
        key: The columns whose values tell rows apart; empty if they are not known.
        time_column: The column that says when a row happened, if it is known.
    """

    path: str
    columns: list[Column]
    rows: int
    parts: list[Part]
    key: list[str] = []
    time_column: str | None = None


class Commit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a dataset; it never changes.

    Attributes:
        id: Digest of the fields from `dataset` to `metadata`, in canonical form (docs/concepts/data-format.md).
        dataset: The dataset's name.
        parents: The commits before it: none for the first, two for a merge, ours first.
        tree: Root of the tree of files; empty if there is no file.
        files: How many files the tree has.
        size_bytes: Their lengths together.
        tables: The tables among them that were written as tables.
        source: Where the rows or files came from (of an append: the appended ones).
        message: Why, in the author's words.
        author: Who committed.
        at: When (UTC).
        metadata: Whatever else is known, such as the run that made it.
        profile_digest: The object that holds the profile; empty if none was made.
        schema_digest: The object that holds the schema these rows were checked against; empty if none.
    """

    id: str
    dataset: str
    parents: list[str]
    tree: str
    files: int
    size_bytes: int
    tables: list[Table]
    source: Source
    message: str
    author: str
    at: datetime
    metadata: dict[str, str] = {}
    profile_digest: str = ""
    schema_digest: str = ""

    @property
    def ref(self) -> str:
        """The reference that always means this commit: `churn@3f9a…`."""
        return f"{self.dataset}@{self.id}"

    def brief(self) -> dict[str, Any]:
        """What a person looks for in a list of versions."""
        what = {"rows": self.rows} if self.tables else {"files": self.files}
        return {"version": self.id, "at": self.at, "author": self.author, **what, "message": self.message}

    @property
    def parent(self) -> str | None:
        """The commit that this one continues; None for the first."""
        return self.parents[0] if self.parents else None

    @property
    def table(self) -> Table:
        """The table of a dataset that is one.

        Raises:
            Invalid: The version holds files and no table, or several tables.
        """
        if len(self.tables) == 1:
            return self.tables[0]
        raise Invalid(
            f"{self.dataset}@{self.id[:12]} is not one table.",
            found=f"{self.files} files, {len(self.tables)} tables",
            hint=f"Name one of its files: data://{self.dataset}@{self.id[:12]}/PATH (fettle data ls {self.dataset})",
            subject=f"dataset:{self.dataset}",
        )

    @property
    def columns(self) -> list[Column]:
        """Names and types of the table's columns, in order; empty without a table."""
        return self.table.columns if self.tables else []

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(each.rows for each in self.tables)

    @property
    def parts(self) -> list[Part]:
        """The files that make up the table, in order; empty without a table."""
        return self.table.parts if self.tables else []

    @property
    def time_column(self) -> str | None:
        """The column that says when a row of the table happened, if it is known."""
        return self.table.time_column if self.tables else None


class Dataset(msgspec.Struct, frozen=True):
    """A name under which commits follow each other.

    `branches` and `tags` map each name to its commit; `rows`, `files` and `size_bytes` are those of `main`, or of the
    branch moved last if there is no `main`.
    """

    name: str
    created_at: datetime
    created_by: str
    branches: dict[str, str]
    rows: int
    commits: int
    updated_at: datetime
    files: int = 0
    size_bytes: int = 0
    tags: dict[str, str] = {}


class Pointer(msgspec.Struct, frozen=True):
    """A branch or tag of a dataset, and the commit it names."""

    dataset: str
    name: str
    kind: Literal["branch", "tag"]
    commit: str
    at: datetime
    by: str
    message: str = ""


class Move(msgspec.Struct, frozen=True):
    """One movement of a branch or tag: from which commit (empty: it was new) to which (empty: it was removed)."""

    dataset: str
    name: str
    old: str
    new: str
    at: datetime
    by: str
    reason: str


class Protection(msgspec.Struct, frozen=True):
    """What is asked of changes to branches whose name matches `pattern`.

    Attributes:
        dataset: The dataset; `*` means all.
        pattern: Branch names, with `*` and `?`.
        merges_only: Commits come by merging another branch only.
        checks: The checks of the new version have been run, and none of severity error failed.
        approver: Only an approver may move the branch.
    """

    dataset: str
    pattern: str
    merges_only: bool = False
    checks: bool = False
    approver: bool = False


class Retention(msgspec.Struct, frozen=True):
    """How long versions on branches that match are kept; what is older loses its data at the next gc.

    The head of a branch, the last `keep_last` versions, tags, holds and what models were made from always stay.
    """

    dataset: str
    pattern: str
    days: int
    keep_last: int = 1


class Hold(msgspec.Struct, frozen=True):
    """A version, or a whole dataset, that must not be removed while it is held.

    `kind` is `legal` for a hold by a person, `use` for what a model was made from.
    """

    id: str
    dataset: str
    commit: str
    kind: Literal["legal", "use"]
    reason: str
    at: datetime
    by: str
    released_at: datetime | None = None
    released_by: str = ""


Event = Literal[
    "before-commit",
    "after-commit",
    "before-merge",
    "after-merge",
    "before-checkout",
    "after-checkout",
    "before-push",
    "after-push",
]


class Hook(msgspec.Struct, frozen=True):
    """Something called when an event happens to a dataset; before an event it can refuse it.

    Attributes:
        event: When.
        kind: `webhook` (POST of JSON), `command` (JSON on standard input) or `python` (`module:function`).
        target: The address, command line or function.
        dataset: For which datasets, with `*` and `?`.
        timeout_s: How long it may take; longer counts as refused.
    """

    event: Event
    kind: Literal["webhook", "command", "python"]
    target: str
    dataset: str = "*"
    timeout_s: float = 60.0


class Removed(msgspec.Struct, frozen=True):
    """A version whose data gc has removed; the commit itself stays on record."""

    HINT: ClassVar[str] = (
        "What is kept: fettle data roots, fettle data retentions. A place it was pushed to before may still have it."
    )

    dataset: str
    commit: str
    at: datetime

    @property
    def words(self) -> str:
        """What happened, in words."""
        ref = f"{self.dataset}@{self.commit[:12]}"
        return f"{ref} outlived its retention on {self.at:%Y-%m-%d} and was removed by gc."


class Roots(msgspec.Struct, frozen=True):
    """What gc must keep: the trees of kept versions, and the versions whose data may go."""

    trees: list[str]
    commits: list[str]
    expired: list[str]
    objects: list[str] = []
