"""What a tree of files must not do to a dataset: unmake its table, or bring in plain what is to be masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError, Invalid
from fettle.data.records.versions import Commit, Table
from fettle.data.repositories import repository
from fettle.data.versions.cache import cached_file

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine import trees
    from fettle.privacy.records import Standing

NAMED = 5
"""So many files are named in an error."""


def refuse_foreign(ws: Surface, head: Commit | None, root: str, kept: Sequence[Table]) -> None:
    """Refuse files that would make a dataset which is a table one of files.

    Args:
        ws: The workspace.
        head: The version before.
        root: The tree that is to be committed.
        kept: The tables of the version before that it holds unchanged.

    Raises:
        Invalid: The dataset is a table, and there are files beside its parts, or other parts.
    """
    from fettle.data.engine import trees

    if head is None or not head.tables or _has_files(head):
        return
    node = repository(ws).node
    parts = {(part.path, part.digest) for table in head.tables for part in table.parts}
    there = [each.path for each in trees.entries(root, node) if (each.path, each.digest) not in parts]
    if not there and len(kept) == len(head.tables):
        return
    if not there and root == trees.EMPTY:
        return
    raise Invalid(
        f"{head.dataset!r} is a table, and these files would make it a dataset of files.",
        found=_named(there) if there else "parts of the table are missing",
        hint="Commit files to a dataset of their own: fettle data add FOLDER --dataset NAME; rows come into the "
        f"table by fettle data ingest FILE --dataset {head.dataset}",
        subject=f"dataset:{head.dataset}",
    )


def refuse_plain(ws: Surface, dataset: str, before: str, root: str) -> None:
    """Refuse tables among the files that hold in plain what the dataset's privacy policy wants masked.

    Only files that are new or changed are read, and only where there is such a policy.

    Args:
        ws: The workspace.
        dataset: The dataset.
        before: The tree before.
        root: The tree that is to be committed.

    Raises:
        GateFailed: There are such files; they and their columns are named.
    """
    standing: Standing = ws.call("privacy.standing", dataset=dataset)
    if not (standing.version or standing.careful):
        return
    from fettle.data.engine import trees
    from fettle.privacy import masking

    found: dict[str, str] = {}
    for each in trees.diff(before, root, repository(ws).node):
        if each.new is not None:
            found |= _plain(ws, standing, each.new)
    masking.refuse_plain(standing, found, "nothing was committed")


def _plain(ws: Surface, standing: Standing, entry: trees.Entry) -> dict[str, str]:
    """The columns of one file that stand in plain, as `path: column`; none if it cannot be read as a table."""
    from fettle.data.ingest import read_source
    from fettle.data.tables.files import is_table
    from fettle.privacy import plain

    name = entry.path.rpartition("/")[2]
    if not is_table(name):
        return {}
    try:
        frame = read_source(cached_file(ws, entry.digest, entry.size_bytes, name))
    except FettleError:
        return {}
    found = plain.plain_columns(standing, frame)
    return {f"{entry.path}: {column}": wish for column, wish in found.items()}


def _has_files(head: Commit) -> bool:
    return head.files > sum(len(each.parts) for each in head.tables)


def _named(paths: Sequence[str]) -> str:
    return ", ".join(paths[:NAMED]) + (f", … {len(paths) - NAMED} more" if len(paths) > NAMED else "")
