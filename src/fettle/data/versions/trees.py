"""Commit trees of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fettle.data import hooks
from fettle.data.records.versions import Commit, Source, Table
from fettle.data.repositories import repository
from fettle.data.versions.contention import Clashed, retried
from fettle.data.versions.guards import refuse_foreign, refuse_plain
from fettle.data.versions.references import resolve

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.repository import Writer


def commit_tree(
    ws: Surface,
    dataset: str,
    tree: str,
    *,
    branch: str = "main",
    message: str = "",
    base: str | None = None,
    source: Source | None = None,
    metadata: dict[str, str] | None = None,
) -> Commit:
    """Commit a stored tree of files as the newest version of a dataset.

    Where the branch went on since `base`, the changes of both sides are merged if they touch different files; what
    neither touches stays.

    Args:
        ws: The workspace.
        dataset: The dataset; made if it is new.
        tree: Root of the tree, stored and flushed.
        branch: The branch to move.
        message: Why.
        base: The commit the tree was made from; None if it was made from nothing.
        source: Where the files came from.
        metadata: Whatever else is to be known of the version.

    Returns:
        The commit, durable; the head itself if it has this very tree.

    Raises:
        Conflict: The branch changed the same files meanwhile.
        Denied: The branch is protected.
        Invalid: The dataset is a table, and these files would make it one of files.
        GateFailed: A file holds in plain what the dataset's privacy policy wants masked.
    """
    from fettle.data.engine import trees

    repo = repository(ws)
    start = resolve(ws, f"{dataset}@{base}") if base else None

    def attempt(head: Commit | None) -> Commit:
        root = tree
        with repo.writer() as writer:
            if head is not None and head.id != base:
                root, clashes = trees.merge(
                    start.tree if start else "", head.tree, tree, repo.node, writer.put_node
                )
                if clashes:
                    raise Clashed.among(dataset, branch, [each.path for each in clashes])
                writer.flush()
            if head is not None and root == head.tree:
                return head
            tables = _kept_tables(head, root, repo.node)
            refuse_foreign(ws, head, root, tables)
            refuse_plain(ws, dataset, head.tree if head else "", root)
            count, size_bytes = trees.stats(root, repo.node)
            hooks.run(ws, "before-commit", dataset, branch=branch, message=message, tree=root, files=count)
            return ws.call(
                "data.record",
                dataset=dataset,
                tree=root,
                source=source or Source(dataset, "files"),
                message=message,
                parents=[head.id] if head else [],
                expected_head=head.id if head else "",
                branch=branch,
                files=count,
                size_bytes=size_bytes,
                tables=tables,
                metadata=metadata or {},
            )

    return retried(ws, dataset, branch, attempt)


def tree_of(writer: Writer, tables: Sequence[Table]) -> str:
    """Keep the tree that has the parts of these tables and nothing else; return its root."""
    from fettle.data.engine import trees

    entries = [
        trees.Entry(each.path, each.digest, each.size_bytes, 0o644)
        for table in tables
        for each in table.parts
    ]
    return trees.build(sorted(entries), writer.put_node)


def _kept_tables(head: Commit | None, root: str, node: Callable[[str], bytes]) -> list[Table]:
    """The tables of the version before whose parts are all still there, unchanged and alone in their folder."""
    from fettle.data.engine import trees

    return [
        table
        for table in (head.tables if head else [])
        if {(each.path, each.digest) for each in trees.entries(root, node, f"{table.path}/")}
        == {(each.path, each.digest) for each in table.parts}
    ]
