"""Commit tables of rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fettle.core.errors import Invalid
from fettle.data import hooks
from fettle.data.records.versions import Commit, Source, Table
from fettle.data.repositories import repository
from fettle.data.versions.contention import Elsewhere, retried
from fettle.data.versions.descriptions import keep, profiled, set_schema, whole
from fettle.data.versions.fitting import fitted, key_of, merged, timed
from fettle.data.versions.trees import tree_of

if TYPE_CHECKING:
    import polars as pl

    from fettle.acts import Surface
    from fettle.data.engine.repository import Writer
    from fettle.data.records.schemas import Schema


def commit_frame(
    ws: Surface,
    dataset: str,
    frame: pl.DataFrame,
    *,
    source: Source | str | Path = "",
    message: str = "",
    append: bool = False,
    time_column: str | None = None,
    key: Sequence[str] | None = None,
    branch: str = "main",
    profile: bool = True,
    schema: Schema | None = None,
    metadata: dict[str, str] | None = None,
    expected_head: str | None = None,
    masked: bool = False,
) -> Commit:
    """Commit a table as the newest version of a dataset.

    A table equal to the newest version makes no new one: that commit is returned. What the dataset's privacy policy
    says is carried out first, as an ingest does; rows that are masked already stay as they are.

    Args:
        ws: The workspace.
        dataset: The dataset; made if it is new.
        frame: The rows, at least one.
        source: Where they came from; `ingest.read` gives it. A path or query is looked up for its digest.
        message: Why.
        append: Add the rows to those of the newest version; otherwise they replace them.
        time_column: The column of dates or times that says when a row happened; None keeps the parent's when appending.
        key: The columns that tell rows apart, for diff and merge; None keeps those of the version before.
        branch: The branch to move.
        profile: Whether to make the profile of the whole version too.
        schema: The schema the rows were checked against.
        metadata: Whatever else is to be known of the version.
        expected_head: Refuse unless the branch points at this commit; empty: unless it is new. None: do not ask.
        masked: The rows are as the policy wants them, such as rows of a version of this dataset: leave them so. Needed
            only where dates are shifted or noise is added and nothing else is masked, which cannot be seen.

    Returns:
        The commit, durable.

    Raises:
        Invalid: The table is empty, or its columns do not fit those it is appended to.
        NotFound: The time column or a key column is not in the table.
        Denied: The branch is protected.
        Conflict: The branch is not where it was expected.
        GateFailed: The policy has no rule for a column that needs one.
    """
    from fettle.data import ingest

    frame = _arrived(ws, dataset, frame, time_column, masked)
    origin = source if isinstance(source, Source) else ingest.source_of(source)
    wish = _Wish(dataset, branch, origin, message, metadata or {}, append, time_column, profile, schema)

    def attempt(head: Commit | None) -> Commit:
        if expected_head is not None and (head.id if head else "") != expected_head:
            raise Elsewhere.of(dataset, branch)
        return _continued(ws, wish, frame, head, key_of(head, frame, key))

    return retried(ws, dataset, branch, attempt)


class _Wish(NamedTuple):
    """What is to be committed, but for the rows."""

    dataset: str
    branch: str
    source: Source
    message: str
    metadata: dict[str, str]
    append: bool
    time_column: str | None
    profile: bool
    schema: Schema | None


def _arrived(
    ws: Surface, dataset: str, frame: pl.DataFrame, time_column: str | None, masked: bool
) -> pl.DataFrame:
    """The rows as they may be kept: of fettle's types, and masked as the dataset's policy says."""
    from fettle.data.types import normalise
    from fettle.privacy import masking

    if frame.height == 0 or frame.width == 0:
        raise Invalid(
            f"There is nothing to commit to {dataset!r}.", found=f"{frame.height} rows, {frame.width} columns"
        )
    frame = timed(normalise(frame), time_column)
    return frame if masked else normalise(masking.arrive(ws, dataset, frame).frame)


def _continued(ws: Surface, wish: _Wish, frame: pl.DataFrame, head: Commit | None, key: list[str]) -> Commit:
    """The commit after this head; the head itself if nothing would change."""
    base = head if wish.append else None
    rows = frame if base is None else fitted(frame, base)
    with repository(ws).writer() as writer:
        table = _written(writer, rows, base, wish.time_column, key)
        if head is not None and not wish.append and head.tables == [table]:
            return head if wish.schema is None else set_schema(ws, head, wish.schema)
        tree = tree_of(writer, [table])
        writer.flush()
        told = {"branch": wish.branch, "message": wish.message, "tree": tree, "rows": table.rows}
        hooks.run(ws, "before-commit", wish.dataset, **told)
        return ws.call(
            "data.record",
            dataset=wish.dataset,
            tree=tree,
            source=wish.source,
            message=wish.message,
            parents=[head.id] if head else [],
            expected_head=head.id if head else "",
            branch=wish.branch,
            files=len(table.parts),
            size_bytes=sum(part.size_bytes for part in table.parts),
            tables=[table],
            metadata=wish.metadata,
            profile=profiled(ws, whole(ws, table, base, rows)) if wish.profile else "",
            schema=keep(ws, wish.schema) if wish.schema is not None else "",
        )


def _written(
    writer: Writer,
    rows: pl.DataFrame,
    base: Commit | None,
    time_column: str | None,
    key: list[str],
) -> Table:
    """The table of a version whose rows are those of `base` and these, the new ones stored."""
    from fettle.data.tables.write import FOLDER, store_table
    from fettle.data.types import columns_of

    before = base.table if base is not None else None
    kept = before.parts if before else []
    parts = [*kept, *store_table(writer, rows, key=key, first=len(kept))]
    columns = columns_of(rows) if before is None else merged(before.columns, columns_of(rows))
    time = time_column or (before.time_column if before else None)
    return Table(FOLDER, columns, sum(each.rows for each in parts), parts, key, time)
