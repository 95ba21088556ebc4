"""Merge two versions by what each changed since they parted: files by content, rows and cells of tables by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fettle.core.errors import Conflict, Invalid
from fettle.data import hooks, versions
from fettle.data.merge_tables import Wishes, merged_tables
from fettle.data.records.merges import CellConflict, FileConflict, Merged
from fettle.data.records.versions import Commit, Source, Table
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.repository import Repository, Writer

ATTEMPTS = 20


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
        HookRefused: A hook said no.
    """
    wanted = wishes or Wishes()
    for _ in range(ATTEMPTS):
        ours = versions.resolve(ws, f"{dataset}@{into}")
        theirs = versions.resolve(ws, f"{dataset}@{other}")
        base: Commit | None = ws.call("data.merge_base", ours=ours.ref, theirs=theirs.ref)
        try:
            return _merged(ws, ours, theirs, base, into, wanted, message or f"Merge {other} into {into}")
        except hooks.HookRefused:
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
    tables, cells, resolved = merged_tables(ws, writer, base, ours, theirs, wishes)
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
