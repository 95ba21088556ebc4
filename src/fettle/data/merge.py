"""Merge two versions by what each changed since they parted: files by content, rows and cells of tables by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fettle.core.errors import Conflict, Invalid
from fettle.data import hooks, versions
from fettle.data.records.merges import CellConflict, FileConflict, Merged, Side
from fettle.data.records.versions import Commit, Part, Source, Table
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.repository import Repository, Writer

ATTEMPTS = 20


class Wishes(NamedTuple):
    """How conflicts are to be resolved.

    Attributes:
        all: One side for every conflict that nothing else is said of; None leaves them.
        files: Path → side.
        cells: Rows with the key columns, `column` and `take` (a side) or `value`; see `tables.merge`.
    """

    all: Side | None = None
    files: Mapping[str, Side] = {}
    cells: Sequence[Mapping[str, Any]] = ()


class Combined(NamedTuple):
    """The outcome on both sides' content: a stored tree and its tables, or the conflicts."""

    tree: str
    tables: list[Table]
    files: list[FileConflict]
    cells: list[CellConflict]
    resolved: int


def merge(
    ws: Surface,
    dataset: str,
    other: str,
    *,
    into: str = "main",
    wishes: Wishes | None = None,
    message: str = "",
) -> Merged:
    """Merge a version into a branch.

    Args:
        ws: The workspace.
        dataset: The dataset.
        other: The branch, tag or commit whose changes are taken.
        into: The branch that takes them.
        wishes: How conflicts are resolved.
        message: Why; empty: which was merged.

    Returns:
        What came of it. With conflicts left nothing was changed.

    Raises:
        NotFound: One of the two does not exist.
        Denied: The branch is protected.
        Refused: A hook said no.
    """
    wanted = wishes or Wishes()
    for _ in range(ATTEMPTS):
        ours = versions.resolve(ws, f"{dataset}@{into}")
        theirs = versions.resolve(ws, f"{dataset}@{other}")
        base: Commit | None = ws.call("data.merge_base", ours=ours.ref, theirs=theirs.ref)
        try:
            return _merged(ws, ours, theirs, base, into, wanted, message or f"Merge {other} into {into}")
        except hooks.Refused:
            raise
        except Conflict:
            if versions.resolve(ws, f"{dataset}@{into}").id == ours.id:
                raise
    raise Conflict(
        f"The branch {into!r} of {dataset!r} moves too fast to merge into.", hint="Try again in a moment."
    )


def revert(ws: Surface, dataset: str, ref: str, *, branch: str = "main", message: str = "") -> Merged:
    """Undo what one version changed, in a new version; later changes stay where they do not touch the same.

    Args:
        ws: The workspace.
        dataset: The dataset.
        ref: The version whose changes are undone.
        branch: The branch that gets the new version.
        message: Why; empty: which was reverted.

    Raises:
        NotFound: There is no such version.
        Invalid: It is the first version, and there is nothing before it to go back to.
    """
    undone = versions.resolve(ws, f"{dataset}@{ref}")
    if undone.parent is None:
        raise Invalid(
            f"{undone.id[:12]} is the first version of {dataset!r}; there is nothing before it.",
            hint="Commit what you want instead, or name a later version.",
        )
    before = versions.resolve(ws, f"{dataset}@{undone.parent}")
    ours = versions.resolve(ws, f"{dataset}@{branch}")
    said = message or f"Revert {undone.id[:12]}: {undone.message}"
    with repository(ws).writer() as writer:
        made = combine(ws, writer, undone, ours, before, Wishes())
        return _committed(ws, ours, [ours.id], made, branch, said)


def combine(
    ws: Surface, writer: Writer, base: Commit | None, ours: Commit, theirs: Commit, wishes: Wishes
) -> Combined:
    """Combine the content of two versions; `base` is what both began with (None: nothing).

    The writer keeps the outcome from gc until it is closed: move the branch before.
    """
    repo = repository(ws)
    tables, cells, resolved = _tables(ws, writer, base, ours, theirs, wishes)
    folders = tuple(f"{each.path}/" for each in tables)
    tree, files, more = _files(repo, writer, base, ours, theirs, folders, wishes)
    tree = _with_tables(repo, writer, tree, folders, tables)
    writer.flush()
    return Combined(tree, tables, files, cells, resolved + more)


def _merged(
    ws: Surface, ours: Commit, theirs: Commit, base: Commit | None, into: str, wishes: Wishes, message: str
) -> Merged:
    if base is not None and base.id == theirs.id:
        return Merged(ours.dataset, into, ours.id, "up to date")
    hooks.run(ws, "before-merge", ours.dataset, branch=into, ours=ours.id, theirs=theirs.id, message=message)
    if base is not None and base.id == ours.id:
        ws.call("data.advance", dataset=ours.dataset, to=theirs.id, branch=into, expected_head=ours.id)
        outcome = Merged(ours.dataset, into, theirs.id, "advanced")
    else:
        with repository(ws).writer() as writer:
            made = combine(ws, writer, base, ours, theirs, wishes)
            outcome = _committed(ws, ours, [ours.id, theirs.id], made, into, message)
    if not outcome.fault:
        hooks.run(ws, "after-merge", ours.dataset, branch=into, commit=outcome.commit, message=message)
    return outcome


def _committed(
    ws: Surface, ours: Commit, parents: list[str], made: Combined, branch: str, message: str
) -> Merged:
    if made.files or made.cells:
        count = len(made.files) + len(made.cells)
        return Merged(
            ours.dataset,
            branch,
            "",
            "conflicts",
            made.files,
            made.cells,
            made.resolved,
            f"{count} conflict(s) between the two versions; nothing was changed. "
            "Resolve with --take ours|theirs|base, or row by row with --conflicts FILE and --resolve FILE.",
        )
    if made.tree == ours.tree and made.tables == ours.tables and len(parents) == 1:
        return Merged(ours.dataset, branch, ours.id, "up to date")
    from fettle.data.engine import trees

    count, size_bytes = trees.stats(made.tree, repository(ws).node)
    commit: Commit = ws.call(
        "data.record",
        dataset=ours.dataset,
        tree=made.tree,
        source=Source(", ".join(each[:12] for each in parents), "merge"),
        message=message,
        parents=parents,
        expected_head=ours.id,
        branch=branch,
        files=count,
        size_bytes=size_bytes,
        tables=made.tables,
    )
    if len(commit.tables) == 1:
        versions.profile_of(ws, commit)
    return Merged(ours.dataset, branch, commit.id, "merged", resolved=made.resolved)


# --- tables


def _tables(
    ws: Surface, writer: Writer, base: Commit | None, ours: Commit, theirs: Commit, wishes: Wishes
) -> tuple[list[Table], list[CellConflict], int]:
    """The tables of the outcome, the conflicts in them, and how many were resolved."""
    began = {each.path: each for each in (base.tables if base else [])}
    mine, yours = ({each.path: each for each in side.tables} for side in (ours, theirs))
    tables: list[Table] = []
    cells: list[CellConflict] = []
    resolved = 0
    for path in sorted(mine.keys() | yours.keys()):
        trio = (began.get(path), mine.get(path), yours.get(path))
        if trio[1] == trio[2] or trio[2] == trio[0]:
            kept = trio[1]
        elif trio[1] == trio[0]:
            kept = trio[2]
        else:
            kept, found, count = _table(ws, writer, path, *trio, wishes)
            cells += found
            resolved += count
        tables.extend([kept] if kept else [])
    return tables, cells, resolved


def _table(
    ws: Surface,
    writer: Writer,
    path: str,
    base: Table | None,
    ours: Table | None,
    theirs: Table | None,
    wishes: Wishes,
) -> tuple[Table | None, list[CellConflict], int]:
    """One table that both sides changed."""
    sides: dict[Side, Table | None] = {"base": base, "ours": ours, "theirs": theirs}
    if ours is not None and theirs is not None:
        if base is not None and (appended := _appended(base, ours, theirs)):
            return appended, [], 0
        key = ours.key or theirs.key
        if key:
            return _rows(ws, writer, base, ours, theirs, key, wishes)
    if wishes.all is not None:
        return sides[wishes.all], [], 1
    said = {side: f"{each.rows} rows" if each else None for side, each in sides.items()}
    return ours, [CellConflict(path, {}, "", said["base"], said["ours"], said["theirs"])], 0


def _appended(base: Table, ours: Table, theirs: Table) -> Table | None:
    """Both sides only appended: the parts of the one and then those of the other."""
    count = len(base.parts)
    same = base.columns == ours.columns == theirs.columns
    if not same or ours.parts[:count] != base.parts or theirs.parts[:count] != base.parts:
        return None
    if ours.key:
        return None  # the same key may have been appended twice
    return _table_of(ours, [*ours.parts, *theirs.parts[count:]])


def _table_of(like: Table, parts: Sequence[Part]) -> Table:
    from fettle.data.tables.write import part_path

    placed = [
        Part(each.digest, each.rows, each.size_bytes, part_path(like.path, place), each.groups)
        for place, each in enumerate(parts)
    ]
    return Table(
        like.path, like.columns, sum(each.rows for each in placed), placed, like.key, like.time_column
    )


def _rows(
    ws: Surface,
    writer: Writer,
    base: Table | None,
    ours: Table,
    theirs: Table,
    key: list[str],
    wishes: Wishes,
) -> tuple[Table, list[CellConflict], int]:
    from fettle.data.tables.match import keys_named
    from fettle.data.tables.merge import merge_tables
    from fettle.data.tables.write import store_table
    from fettle.data.types import columns_of

    frames = [_frame(ws, each, like=ours) for each in (base, ours, theirs)]
    made = merge_tables(frames[0], frames[1], frames[2], key, resolve=_resolve(wishes, ours.path))
    named = keys_named(key)
    cells = [
        CellConflict(
            ours.path,
            {name: row[shown] for name, shown in named.items()},
            row["column"] or "",
            row["base"],
            row["ours"],
            row["theirs"],
        )
        for row in made.conflicts.iter_rows(named=True)
    ]
    if cells:
        return ours, cells, made.resolved
    parts = store_table(writer, made.frame, key=key, folder=ours.path)
    columns = columns_of(made.frame)
    table = Table(ours.path, columns, made.frame.height, parts, key, ours.time_column)
    return table, [], made.resolved


def _frame(ws: Surface, table: Table | None, *, like: Table) -> Any:  # a LazyFrame; polars is imported late
    import polars as pl

    from fettle.data.types import STORED

    if table is None:
        return pl.LazyFrame(schema={each.name: STORED[each.type] for each in like.columns})
    parts = [pl.scan_parquet(versions.cached(ws, each), glob=False) for each in table.parts]
    return pl.concat([versions.cast(each, table.columns) for each in parts])


def _resolve(wishes: Wishes, path: str) -> Any:  # whatever merge_tables takes
    rows = [each for each in wishes.cells if each.get("table", path) == path]
    return rows or wishes.all


# --- files


def _files(
    repo: Repository,
    writer: Writer,
    base: Commit | None,
    ours: Commit,
    theirs: Commit,
    folders: tuple[str, ...],
    wishes: Wishes,
) -> tuple[str, list[FileConflict], int]:
    """The merged tree of all files, the conflicts among those outside of tables, and how many were resolved."""
    from fettle.data.engine import trees

    root, found = trees.merge(base.tree if base else "", ours.tree, theirs.tree, repo.node, writer.put_node)
    left: list[FileConflict] = []
    changes: list[tuple[str, trees.Entry | None]] = []
    for each in found:
        if each.path.startswith(folders):
            continue
        side = wishes.files.get(each.path, wishes.all)
        if side is None:
            names = [entry.digest if entry else "" for entry in (each.base, each.ours, each.theirs)]
            left.append(FileConflict(each.path, *names))
        else:
            changes.append((each.path, getattr(each, side)))
    writer.flush()
    return trees.edit(root, sorted(changes), repo.node, writer.put_node), left, len(changes)


def _with_tables(
    repo: Repository, writer: Writer, root: str, folders: tuple[str, ...], tables: list[Table]
) -> str:
    """The tree in which the tables' folders hold the tables' parts and nothing else."""
    from fettle.data.engine import trees

    writer.flush()
    changes: dict[str, trees.Entry | None] = {
        each.path: None for folder in folders for each in trees.entries(root, repo.node, folder)
    }
    for table in tables:
        for part in table.parts:
            changes[part.path] = trees.Entry(part.path, part.digest, part.size_bytes, 0o644)
    return trees.edit(root, sorted(changes.items()), repo.node, writer.put_node)
