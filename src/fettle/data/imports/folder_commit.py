"""Commit what a source has, merged with what was committed here since it was last imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from fettle.core.errors import NotFound
from fettle.data import versions
from fettle.data.engine import trees
from fettle.data.records.versions import Commit, Source
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.repository import Repository
    from fettle.data.engine.writer import Writer

TREE = "import.tree"
"""In a commit's metadata: the tree as the source had it, before it was merged with what was committed here."""
_LOOK_BACK = 1_000


class Order(msgspec.Struct, frozen=True):
    """What is wanted of an import: the dataset (None: named as the source), the branch, why, and in which way."""

    dataset: str | None = None
    branch: str = "main"
    message: str = ""
    by_reference: bool = False

    @property
    def how(self) -> str:
        """In a word."""
        return "by reference" if self.by_reference else "copied"


def commit_import(
    ws: Surface, writer: Writer, dataset: str, root: str, order: Order, source: Source, about: dict[str, str]
) -> tuple[Commit, bool]:
    """Commit a tree that a source has, merged with what was committed here since its last import; whether it is new.

    Raises:
        Clashed: The branch changed the same files.
    """
    repo = repository(ws)
    head = versions.head_of(ws, dataset, order.branch)
    merged = root if head is None else _merged(ws, repo, writer, head, root, source, order.branch)
    writer.flush()
    if head is not None and merged == head.tree:
        return head, False
    made = versions.commit_tree(
        ws,
        dataset,
        merged,
        branch=order.branch,
        message=order.message or f"Import {source.name}",
        base=head.id if head else None,
        source=source,
        metadata=about,
    )
    return made, head is None or made.id != head.id


def _merged(
    ws: Surface, repo: Repository, writer: Writer, head: Commit, root: str, source: Source, branch: str
) -> str:
    before = next((each.metadata[TREE] for each in imports_of(ws, head, source) if TREE in each.metadata), "")
    if before == head.tree:
        return root
    try:
        merged, clashes = trees.merge(before, head.tree, root, repo.node, writer.put_node)
    except NotFound:  # the tree of the last import is gone: as if it were the first
        merged, clashes = trees.merge("", head.tree, root, repo.node, writer.put_node)
    if clashes:
        raise versions.Clashed.among(head.dataset, branch, [each.path for each in clashes])
    return merged


def imports_of(ws: Surface, head: Commit, source: Source) -> Iterator[Commit]:
    """The versions that were imported from a source, newest first."""
    for each in ws.call("data.log", dataset=head.dataset, branch=head.id, limit=_LOOK_BACK):
        if (each.source.name, each.source.kind) == (source.name, source.kind):
            yield each
