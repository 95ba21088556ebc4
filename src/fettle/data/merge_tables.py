"""Merge the tables of two versions: what one side changed is taken, what both did is merged by rows and cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from fettle.data import versions
from fettle.data.records.merges import CellConflict, Side
from fettle.data.records.versions import Column, Commit, Part, Table

if TYPE_CHECKING:
    import polars as pl

    from fettle.acts import Surface
    from fettle.data.engine.repository import Writer


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


def merged_tables(
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
    from fettle.data.tables.merge_spilled import buckets_for, merge_spilled
    from fettle.data.tables.spill import Budget
    from fettle.data.tables.write import store_table

    base_rows, our_rows, their_rows = (_frame(ws, each, like=ours) for each in (base, ours, theirs))
    wish = _resolve(wishes, ours.path)
    named = keys_named(key)
    budget = Budget(folder=ws.folder / "cache" / "spill")
    count = buckets_for(base_rows, our_rows, their_rows, budget)
    with budget.place() if count > 1 else nullcontext() as folder:
        if folder is None:
            made = merge_tables(base_rows, our_rows, their_rows, key, resolve=wish)
            rows, height = made.frame, made.frame.height
        else:
            made = merge_spilled(
                base_rows, our_rows, their_rows, key, count=count, folder=folder, resolve=wish
            )
            rows, height = made.rows, made.height
        if made.conflicts.height:
            return ours, _told(made.conflicts, ours.path, named), made.resolved
        parts = store_table(writer, rows, key=key, folder=ours.path)
        columns = _columns(rows.lazy())
    return Table(ours.path, columns, height, parts, key, ours.time_column), [], made.resolved


def _told(conflicts: pl.DataFrame, path: str, named: dict[str, str]) -> list[CellConflict]:
    return [
        CellConflict(
            path,
            {name: row[shown] for name, shown in named.items()},
            row["column"] or "",
            row["base"],
            row["ours"],
            row["theirs"],
        )
        for row in conflicts.iter_rows(named=True)
    ]


def _columns(rows: pl.LazyFrame) -> list[Column]:
    import polars as pl

    from fettle.data.types import columns_of

    return columns_of(pl.DataFrame(schema=rows.collect_schema()))


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
