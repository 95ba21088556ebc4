"""Keep splits beside the version that was split, and give the rows of a side back.

A split is a dataset of its own, `<name>-split`: one row a row of the version, with its place, its key if the
version has one, and its side. So it has versions, travels with push and pull, shows in diffs, and never
changes the version itself, whose commit is already fixed. Its commit says in its metadata which version it is
of, and how it was made.
"""

from __future__ import annotations

import polars as pl

from fettle.acts import Surface
from fettle.core import canonical
from fettle.core.errors import NotFound
from fettle.data import versions
from fettle.data.records import Commit, Source
from fettle.data.records.splits import Split

SUFFIX = "-split"
MOST_LOOKED_AT = 200


def keep(ws: Surface, commit: Commit, split: Split, frame: pl.DataFrame, sides: pl.DataFrame) -> Commit:
    """Commit the sides of a version's rows.

    Sides that are equal to the newest kept ones are a commit of their own too, if they are those of another version:
    what they are of stands in the commit.

    Args:
        ws: The workspace.
        commit: The version that was split.
        split: How.
        frame: Its rows, in order.
        sides: What `fettle.data.sides.assign` gave for them.
    """
    key = [name for name in commit.table.key if name in frame.columns]
    table = (
        pl.DataFrame({"row": pl.int_range(frame.height, eager=True)}).hstack(frame.select(key)).hstack(sides)
    )
    source = Source(name=f"split of {commit.ref}", kind="frame")
    message = f"Split {commit.ref} by {split.way}"
    metadata = {"made_from": commit.ref, "split": canonical.encode(split).decode()}
    made = versions.commit_frame(
        ws,
        commit.dataset + SUFFIX,
        table,
        source=source,
        message=message,
        profile=False,
        metadata=metadata,
    )
    if made.metadata == metadata:
        return made
    return ws.call(
        "data.record",
        dataset=made.dataset,
        tree=made.tree,
        source=source,
        message=message,
        parents=[made.id],
        expected_head=made.id,
        files=made.files,
        size_bytes=made.size_bytes,
        tables=made.tables,
        metadata=metadata,
    )


def find(ws: Surface, commit: Commit) -> tuple[Commit, Split] | None:
    """The newest split that was kept of a version, and how it was made; None if there is none."""
    try:
        found: Commit = ws.call("data.show", ref=commit.dataset + SUFFIX)
    except NotFound:
        return None
    for _ in range(MOST_LOOKED_AT):
        if found.metadata.get("made_from") == commit.ref:
            return found, canonical.decode(found.metadata["split"], Split)
        if found.parent is None:
            return None
        found = ws.call("data.show", ref=f"{found.dataset}@{found.parent}")
    return None


def sides(ws: Surface, commit: Commit) -> pl.DataFrame:
    """The kept sides of a version's rows, in order: a column `side`, or a column a fold.

    Raises:
        NotFound: No split of it was kept.
    """
    kept = find(ws, commit)
    if kept is None:
        raise NotFound(
            f"No split of {commit.ref} was kept.",
            hint=f"Make one: fettle data split {commit.dataset} --by time --column …",
            subject=f"dataset:{commit.dataset}",
        )
    table = versions.load(ws, kept[0])
    return table.select([name for name in table.columns if name == "side" or name.startswith("fold ")])


def rows(ws: Surface, ref: str | Commit, side: str) -> pl.DataFrame:
    """The rows of one side of a version.

    Raises:
        NotFound: No split of it was kept, or it has no such side.
    """
    commit = ref if isinstance(ref, Commit) else ws.call("data.show", ref=ref)
    found = sides(ws, commit)
    names = found["side"].unique().sort().to_list() if "side" in found.columns else []
    if side not in names:
        raise NotFound.among("side", side, [str(each) for each in names])
    return versions.load(ws, commit).filter(found["side"] == side)
