"""What differs between two versions: columns, rows and cells, files, and how values are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.acts import Surface
from fettle.core.errors import FettleError, NotFound
from fettle.data.records.diffs import FileChange, SchemaChange, TableSummary
from fettle.web import columns
from fettle.web.asked import Asked
from fettle.web.remembered import Remembered
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

if TYPE_CHECKING:
    from fettle.data.records.profiles import Profile
    from fettle.data.records.versions import Commit, Table

ROW_CELLS = 4_000_000
"""Where the parts of two tables that differ hold more cells, rows are not compared for a page."""
TABLE_FILE_BYTES = 8 << 20
"""Table files in a tree are compared by rows up to so many bytes together; else by their digests."""
COUNTED_FILES = 5000
SHOWN_FILES = 200
SHOWN_ROWS = 25
SHOWN_CELLS = 200
SHOWN_COLUMNS = 10
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson", ".arrow", ".feather", ".xlsx")
FAR_APART = 0.1

_tables = Remembered(32)


class CellChange(msgspec.Struct, frozen=True):
    """One cell before and after, as text; None where it is missing."""

    column: str
    old: str | None
    new: str | None


class RowChange(msgspec.Struct, frozen=True):
    """A row that both versions have, by the values of its key, and the cells that differ."""

    key: list[str | None]
    cells: list[CellChange]


class TableChange(msgspec.Struct, frozen=True):
    """How a table differs: the numbers, and the first rows of each kind."""

    path: str
    summary: TableSummary
    changed: list[RowChange]
    added: list[dict[str, str | None]]
    removed: list[dict[str, str | None]]


class Difference(msgspec.Struct, frozen=True):
    """How the content of two versions differs.

    Attributes:
        schema: Differences of columns, by the path of the table.
        tables: The tables that were compared by rows.
        files: The first files that differ, without parts of tables.
        counts: How many files were added, removed and changed; `more` is 1 if there are more than were counted.
        notes: What was left out, and why.
    """

    schema: dict[str, list[SchemaChange]]
    tables: list[TableChange]
    files: list[FileChange]
    counts: dict[str, int]
    notes: list[str]

    @property
    def same(self) -> bool:
        """True if nothing differs."""
        return not (
            any(self.schema.values())
            or any(not each.summary.same for each in self.tables)
            or self.counts["total"]
            or self.notes
        )


def read_difference(ws: Surface, asked: Asked) -> Facts:
    """Two versions of a dataset held against each other; without a choice, the newest and the one it continues."""
    name = asked.name("name")
    new = ws.call("data.show", ref=f"{name}@{_choice(asked, 'b') or 'main'}")
    before = _choice(asked, "a") or new.parent
    old = ws.call("data.show", ref=f"{name}@{before}") if before else None
    profiles = [_profile(ws, each) for each in (old, new)]
    made = _tables.get((old.id if old else "", new.id), lambda: compare(ws, old, new))
    return {
        "old": old,
        "new": new,
        "difference": made,
        "comparison": _comparison(*profiles),
        "profiles": profiles,
        "command": f"fettle data diff {name}@{old.id[:12] if old else ''} {name}@{new.id[:12]}",
        "choices": _choices(ws, name, old, new),
    }


def _choice(asked: Asked, field: str) -> str:
    return asked.names.get(field) or asked.text(field)


def _choices(ws: Surface, name: str, old: Commit | None, new: Commit) -> list[tuple[str, str]]:
    """What can be compared: branches, tags, and the last versions, each as (reference, words)."""
    found = [(each.name, f"{each.kind} {each.name}") for each in ws.call("data.refs", dataset=name)]
    shown = {each.id: each for each in ws.call("data.log", dataset=name, branch=new.id, limit=30)}
    shown |= {each.id: each for each in (old, new) if each}
    return [*found, *((each.id, f"{each.id[:10]} {each.message[:48]}") for each in shown.values())]


def _profile(ws: Surface, commit: Commit | None) -> Profile | None:
    if commit is None or not commit.profile_digest:
        return None
    try:
        return ws.call("data.profile_of", ref=commit.ref)
    except NotFound:
        return None


def _comparison(old: Profile | None, new: Profile | None) -> Any:
    if old is None or new is None:
        return None
    from fettle.data.profiling.comparison import compare_profiles

    return compare_profiles(old, new)


def compare(ws: Surface, old: Commit | None, new: Commit) -> Difference:
    """Compare the content of two versions as far as that is done in a moment."""
    from fettle.data.engine import trees
    from fettle.data.repositories import repository

    node = repository(ws).node
    found = list(islice(trees.diff(old.tree if old else trees.EMPTY, new.tree, node), COUNTED_FILES + 1))
    before = {each.path: each for each in (old.tables if old else [])}
    pairs = [(before[each.path], each) for each in new.tables if each.path in before]
    folders = tuple(f"{each.path}/" for each in new.tables if each.path in before)
    others = [each for each in found if not each.path.startswith(folders)]
    notes: list[str] = []
    rows = _few(pairs, others, notes) and len(found) <= COUNTED_FILES and old is not None
    tables, more = _by_rows(ws, old, new, notes) if rows else ([], None)
    files = [_change(each) for each in others] if more is None else more
    return Difference(
        schema={b.path: _schema(a, b) for a, b in pairs},
        tables=tables,
        files=files[:SHOWN_FILES],
        counts={
            **{op: sum(each.op == op for each in files) for op in ("added", "removed", "changed")},
            "total": len(files),
            "more": int(len(found) > COUNTED_FILES),
        },
        notes=notes,
    )


def _few(pairs: Sequence[tuple[Table, Table]], others: Sequence[Any], notes: list[str]) -> bool:
    """Whether the rows that differ are few enough to be compared while somebody waits."""
    cells = 0
    for one, two in pairs:
        same = {each.digest for each in one.parts} & {each.digest for each in two.parts}
        for table in (one, two):
            rows = sum(each.rows for each in table.parts if each.digest not in same)
            cells += rows * len(table.columns)
    size = sum(
        max(each.old.size_bytes, each.new.size_bytes)
        for each in others
        if each.old and each.new and PurePosixPath(each.path).suffix.lower() in TABLE_SUFFIXES
    )
    if cells > ROW_CELLS:
        notes.append(f"Rows are not compared here: {cells:,} cells lie in parts that differ.")
    elif size > TABLE_FILE_BYTES:
        notes.append("Table files are compared here by their digests alone: they are large.")
    return cells <= ROW_CELLS and size <= TABLE_FILE_BYTES


def _by_rows(
    ws: Surface, old: Commit | None, new: Commit, notes: list[str]
) -> tuple[list[TableChange], list[FileChange] | None]:
    from fettle.data.download import reading
    from fettle.data.tables.commits import Wanted, diff_commits

    try:
        made = diff_commits(reading(ws), old, new, Wanted(limit=SHOWN_ROWS))
        tables = [_table(path, each) for path, each in made.tables.items()]
    except FettleError as error:
        notes.append(f"Rows are not compared: {error.message}")
        return [], None
    notes.extend(made.notes)
    read = {each.path for each in tables}
    return tables, [each for each in made.files if each.path not in read]


def _table(path: str, found: Any) -> TableChange:
    return TableChange(path, found.summary, _changed(found), _rows(found.added), _rows(found.removed))


def _changed(found: Any) -> list[RowChange]:
    """The first changed rows, each with its cells."""
    if not found.summary.key:
        return []
    rows: dict[tuple[str | None, ...], list[CellChange]] = {}
    for row in next(found.pieces(SHOWN_CELLS)).rows():
        *key, column, old, new = row[1:]
        rows.setdefault(tuple(map(_text, key)), []).append(CellChange(column, old, new))
    return [RowChange(list(key), cells) for key, cells in list(rows.items())[:SHOWN_ROWS]]


def _rows(frame: Any) -> list[dict[str, str | None]]:
    shown = frame.head(SHOWN_ROWS)
    return [{name: _text(value) for name, value in row.items()} for row in shown.iter_rows(named=True)]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _schema(old: Table, new: Table) -> list[SchemaChange]:
    """Differences of the columns of two tables, as their versions tell them."""
    was, now = ({each.name: each.type for each in table.columns} for table in (old, new))
    return [
        *(SchemaChange("added", name, new=type) for name, type in now.items() if name not in was),
        *(SchemaChange("removed", name, old=type) for name, type in was.items() if name not in now),
        *(
            SchemaChange("retyped", name, was[name], type)
            for name, type in now.items()
            if name in was and was[name] != type
        ),
    ]


def _change(each: Any) -> FileChange:
    op = "changed" if each.old and each.new else "added" if each.new else "removed"
    sizes = (each.old.size_bytes if each.old else 0, each.new.size_bytes if each.new else 0)
    return FileChange(op, each.path, *sizes)


COMPARED = (
    Column("importance", "Column", lambda each: each.importance, number=False),
    Column("", "What changed"),
    Column(
        "missing",
        "Missing",
        lambda each: abs(each.missing[1] - each.missing[0]) if each.missing else None,
        True,
    ),
    Column("", "Mean", number=True),
    Column("psi", "PSI", lambda each: each.psi, True, "Population stability index"),
    Column("ks", "KS", lambda each: each.ks, True, "Largest distance of the distribution functions"),
    Column("", "Before (line) and after (bars)"),
)


def draw_difference(facts: Facts, asked: Asked) -> Facts:
    """The comparison of the profiles as a table with both distributions in one picture."""
    found, (old, new) = facts["comparison"], facts["profiles"]
    changes = found.columns if found else []
    table = arrange(changes, COMPARED, asked, words=lambda each: f"{each.name} {' '.join(each.said)}")
    was = {each.name: each for each in old.columns} if old else {}
    now = {each.name: each for each in new.columns} if new else {}
    pictures = {
        each.name: columns.overlay(was[each.name], now[each.name])
        for each in table.rows
        if each.name in was and each.name in now
    }
    return {
        "table": table,
        "pictures": pictures,
        "moved": sum(1 for each in changes if each.said),
        "far": FAR_APART,
        "shown_columns": SHOWN_COLUMNS,
        "signs": {"added": "ok", "removed": "bad", "changed": "busy", "retyped": "warn", "moved": "idle"},
    }


PAGES = (
    Page("/data/{name}/diff", "data/diff.html", read_difference, draw_difference),
    Page("/data/{name}/diff/{a}/{b}", "data/diff.html", read_difference, draw_difference),
)
