"""What is done with versions where the user is: merge, revert, blame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fettle.acts import Surface, errand
from fettle.data.records.merges import Merged

if TYPE_CHECKING:
    from fettle.data.blame import Blame
    from fettle.data.records.versions import Hook


@errand("data.merge")
def merge(
    ws: Surface,
    dataset: str,
    other: str,
    *,
    into: str = "main",
    take: Literal["ours", "theirs", "base"] | None = None,
    file: dict[str, Literal["ours", "theirs", "base"]] | None = None,
    conflicts: Path | None = None,
    resolve: Path | None = None,
    message: str = "",
) -> Merged:
    """Merge a branch into another: files by content, rows and cells of tables by key.

    What only one side changed is taken; different columns of one row are both taken; what both changed is a conflict.
    With conflicts left nothing is changed: write them to a file, put `ours`, `theirs` or `base` into its column `take`
    (or another value into `value`), and merge again with that file.

    Args:
        dataset: The dataset.
        other: The branch, tag or commit whose changes are taken.
        into: The branch that takes them.
        take: Which side wins in every conflict that nothing else is said of.
        file: Which side wins for a file, such as `--file.labels.csv ours`.
        conflicts: Write the conflicts of cells to this file (CSV, JSON or Parquet).
        resolve: Resolve conflicts of cells as this file says, row by row.
        message: Why; empty: what was merged.
    """
    from fettle.data import merge as merging

    wishes = merging.Wishes(take, file or {}, _resolutions(resolve))
    made = merging.merge(ws, dataset, other, into=into, wishes=wishes, message=message)
    if conflicts is not None and made.cells:
        _write_conflicts(made, conflicts)
    return made


@errand("data.revert")
def revert(ws: Surface, dataset: str, ref: str, *, branch: str = "main", message: str = "") -> Merged:
    """Undo what one version changed, in a new version; what was changed later stays.

    Args:
        dataset: The dataset.
        ref: The version whose changes are undone: a commit, a tag, or for example `main~1`.
        branch: The branch that gets the new version.
        message: Why; empty: what was reverted.
    """
    from fettle.data import merge as merging

    return merging.revert(ws, dataset, ref, branch=branch, message=message)


@errand("data.trust_hooks")
def trust_hooks(ws: Surface) -> list[Hook]:
    """Let the hooks of this project's fettle.toml run on this machine, as they are now; look at them before.

    A project that was cloned from somebody could have anything run at the first checkout of its data. Changed hooks ask
    again.
    """
    from fettle.data import hooks

    return hooks.trust(ws)


@errand("data.blame", reads=True)
def blame(ws: Surface, ref: str, path: str = "") -> list[Blame]:
    """Tell for each file of a version which commit gave it its content.

    Args:
        ref: The version, such as `images@main`.
        path: Only this file, or the files of this folder.
    """
    from fettle.data.blame import blame as found

    return found(ws, ref, path)


def _resolutions(file: Path | None) -> list[dict]:
    if file is None:
        return []
    from fettle.data.ingest import read_source

    return read_source(file).to_dicts()


def _write_conflicts(made: Merged, file: Path) -> None:
    """One row a conflict: the key's columns, the three values, and `take` for the user to fill in."""
    import polars as pl

    from fettle.data.tables.files import write_file

    rows = [
        {
            "table": each.table,
            **each.key,
            "column": each.column,
            "base": _text(each.base),
            "ours": _text(each.ours),
            "theirs": _text(each.theirs),
            "take": "",
        }
        for each in made.cells
    ]
    write_file(pl.DataFrame(rows, infer_schema_length=None), file)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
