"""What is done with the content of versions where the user is: compare, list, print, copy out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fettle.acts import Surface, errand
from fettle.data.records.diffs import Download, FileEntry

if TYPE_CHECKING:
    import polars as pl

    from fettle.data.tables.commits import VersionDiff


@errand("data.diff", reads=True)
def diff(
    ws: Surface,
    ref: str,
    other: str = "",
    *,
    key: list[str] | None = None,
    path: str = "",
    limit: int = 20,
    rows: bool = True,
) -> VersionDiff:
    """Show what differs between two versions: files by content, rows and cells of tables by key.

    Tables of a version, and CSV, JSON, Parquet and other table files in it, are compared by rows: with a key, rows are
    added, removed or changed and the changed cells are shown; without one, whole rows are added or removed.

    Args:
        ref: The version before, such as `churn@main~1`; if no other is named, the version that is compared with its
            parent.
        other: The version after, such as `churn@main`, or `@main` of the same dataset.
        key: The columns that tell rows apart; none given: those that the table was committed with.
        path: Only this file or folder.
        limit: Show at most so many cells, rows and files of each kind.
        rows: Look into tables; `--no-rows` compares files by their digests only.
    """
    from fettle.data import versions
    from fettle.data.download import reading
    from fettle.data.tables.commits import Wanted, diff_commits

    if other:
        dataset = ref.partition("@")[0]
        old, new = (
            versions.resolve(ws, ref),
            versions.resolve(ws, dataset + other if other.startswith("@") else other),
        )
    else:
        new = versions.resolve(ws, ref)
        old = versions.resolve(ws, f"{new.dataset}@{new.parent}") if new.parent else None
    return diff_commits(reading(ws), old, new, Wanted(path.strip("/"), key, rows, limit))


@errand("data.ls", reads=True)
def ls(ws: Surface, ref: str, path: str = "", *, recursive: bool = False) -> list[FileEntry]:
    """List the files of a version.

    Args:
        ref: The version, such as `images@main`; `images@main/cats` is a folder in it.
        path: A folder of the version.
        recursive: List all files below it, not only what lies directly in it.
    """
    from fettle.data.download import listed, located

    return listed(located(ws, _joined(ref, path)), recursive=recursive)


@errand("data.cat", reads=True)
def cat(ws: Surface, ref: str, *, limit: int = 10) -> pl.DataFrame | str:
    """Print the first rows of a table, or a text file.

    Args:
        ref: `churn@main` for the rows of a table, `docs@main/notes.txt` for a file; of a Parquet or Arrow file
            the first rows are printed, too.
        limit: How many rows of a table.
    """
    from fettle.data.download import located, shown

    return shown(located(ws, ref), limit)


@errand("data.get", reads=True)
def get(ws: Surface, ref: str, target: Path | None = None, *, force: bool = False) -> Download:
    """Copy a table, a file or a folder of a version out of the workspace.

    A table is written as the target's suffix says: `.csv`, `.tsv`, `.parquet`, `.json`, `.jsonl` or `.arrow`.

    Args:
        ref: `churn@v2` for the rows of a table, `images@main/cats` for a file or folder.
        target: Where to; left out: a file or folder of the same name here (a table: `NAME.parquet`).
        force: Overwrite what is there.
    """
    from fettle.data.download import download, located

    return download(located(ws, ref), target, force=force)


def _joined(ref: str, path: str) -> str:
    return f"{ref}/{path}" if path else ref
