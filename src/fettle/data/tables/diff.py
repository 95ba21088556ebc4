"""Compare two versions of a table: its columns, its rows, and the cells of the rows that changed.

With a key, rows are paired by it and then compared a few columns at a time, value by value: nothing is decided by a
hash, and memory holds the keys and those columns. Without one, whole rows are counted on both sides, by a hash of 128
bits: among 10^9 different rows the chance that any two are taken for one is below 10^-20.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from fettle.core.progress import phase
from fettle.data.records.diffs import ColumnChanges, TableSummary
from fettle.data.tables.columns import changes_of, shared_columns
from fettle.data.tables.compare import common_form, differs, spelt
from fettle.data.tables.match import INDEX, Pairs, check_key, keys_named, match
from fettle.data.tables.sides import Side, scan_side, without_shared

if TYPE_CHECKING:
    import pyarrow as pa

CELLS_AT_ONCE = 1 << 24
"""So many cells of either side are held in memory at a time, beside the keys."""


class Cells(NamedTuple):
    """The cells of one column that differ: which rows of the two sides, and both values in their own types."""

    column: str
    old_rows: pl.Series
    new_rows: pl.Series
    old: pl.Series
    new: pl.Series


class TableDiff:
    """How two versions of a table differ; made by `diff_tables`.

    Attributes:
        summary: The numbers.
        changed: The cells that differ, a record a column.
    """

    def __init__(
        self, summary: TableSummary, old: pl.LazyFrame, new: pl.LazyFrame, pairs: Pairs, changed: list[Cells]
    ) -> None:
        self.summary = summary
        self.changed = changed
        self._old, self._new = old, new
        self._pairs = pairs

    @cached_property
    def added(self) -> pl.DataFrame:
        """The rows that only the new version has, whole."""
        return _picked(self._new, self._pairs.added)

    @cached_property
    def removed(self) -> pl.DataFrame:
        """The rows that only the old version has, whole."""
        return _picked(self._old, self._pairs.removed)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All differences: `op`, the key columns, `column`, `old` and `new` as text.

        A changed cell is a row. So is each added or removed row of a keyed table, with no `column`; without a key it
        is a row for each of its cells, and `row` counts the added or removed rows.
        """
        return pl.concat(list(self.pieces(None)), how="vertical")

    @property
    def table(self) -> pa.Table:
        """`frame` as an Arrow table."""
        return self.frame.to_arrow()

    def cells(self, column: str) -> pl.DataFrame:
        """The changed cells of one column: the key, `old` and `new` in their own types; empty if none changed."""
        found = next((each for each in self.changed if each.column == column), None)
        key = keys_named(self.summary.key)
        if found is None:
            return pl.DataFrame(schema=[*key.values(), "old", "new"])
        keys = _picked(self._new, found.new_rows, self.summary.key).rename(key)
        return keys.with_columns(found.old.alias("old"), found.new.alias("new"))

    def pieces(self, limit: int | None) -> Iterator[pl.DataFrame]:
        """The rows of `frame`, of each kind at most `limit`: changed cells in the new rows' order, added, removed."""
        if self.summary.key:
            yield self._changed_piece(limit)
        for op in ("added", "removed"):
            yield self._row_piece(op, limit)

    def _changed_piece(self, limit: int | None) -> pl.DataFrame:
        rows = pl.concat(
            [
                pl.DataFrame(
                    {
                        "#new": each.new_rows,
                        "#place": place,
                        "column": each.column,
                        "old": spelt(each.old),
                        "new": spelt(each.new),
                    }
                )
                for place, each in enumerate(self.changed)
            ]
            or [
                pl.DataFrame(
                    schema={
                        "#new": INDEX,
                        "#place": pl.Int32,
                        "column": pl.String,
                        "old": pl.String,
                        "new": pl.String,
                    }
                )
            ],
        ).sort("#new", "#place")
        rows = rows if limit is None else rows.head(limit)
        keys = _picked(self._new, rows["#new"], self.summary.key)
        return _shaped(rows.with_columns(op=pl.lit("changed")), keys, self.summary.key)

    def _row_piece(self, op: str, limit: int | None) -> pl.DataFrame:
        side, rows = (self._new, self._pairs.added) if op == "added" else (self._old, self._pairs.removed)
        rows = rows if limit is None else rows.head(limit)
        key = self.summary.key
        if key:
            keys = _picked(side, rows, key)
            empty = pl.DataFrame({"op": [op] * keys.height}, schema={"op": pl.String}).with_columns(
                *(pl.lit(None, pl.String).alias(name) for name in ("column", "old", "new"))
            )
            return _shaped(empty, keys, key)
        whole = _picked(side, rows)
        texts = pl.DataFrame([spelt(each) for each in whole.iter_columns()]).with_row_index("#row", 1)
        long = texts.unpivot(index="#row", variable_name="column", value_name="#value").sort(
            "#row", maintain_order=True
        )
        missing = pl.lit(None, pl.String)
        value = pl.col("#value")
        return long.select(
            pl.lit(op).alias("op"),
            pl.col("#row").cast(pl.Int64).alias("row"),
            "column",
            (value if op == "removed" else missing).alias("old"),
            (value if op == "added" else missing).alias("new"),
        )

    def lines(self, limit: int = 20) -> list[str]:
        """The differences for a terminal, at most `limit` cells or rows of each kind."""
        from fettle.data.tables.show import diff_lines

        return diff_lines(self, limit)

    def as_dict(self, limit: int | None = None) -> dict[str, Any]:
        """The differences as JSON-able fields; `changes` has the rows of `frame`, at most `limit` of each kind."""
        import msgspec

        changes = [_plain(row) for piece in self.pieces(limit) for row in piece.iter_rows(named=True)]
        return msgspec.to_builtins(self.summary) | {"changes": changes}


def diff_tables(old: Side, new: Side, key: Sequence[str] = ()) -> TableDiff:
    """Compare two versions of a table.

    Row groups of the same digest are left out before anything is read. Columns are compared by name; a column that only
    one side has, another type or another place is a difference of the schema, and no row differs for it. Where a type
    changed, cells are compared by what they mean (`compare.differs`).

    Args:
        old: The version before, as files with row groups or as a frame.
        new: The version after.
        key: The columns that tell rows apart; a missing value is a value. Empty: whole rows are compared, in any order,
            and counted as often as they occur; rows are then added or removed, never changed.

    Raises:
        NotFound: A side lacks a key column.
        Invalid: A key occurs more than once among the rows that were read.
    """
    schemas = scan_side(old).collect_schema(), scan_side(new).collect_schema()
    check_key(key, schemas[0], "the old version")
    check_key(key, schemas[1], "the new version")
    a, b, equal_rows = without_shared(old, new)
    shared = [name for name in shared_columns(*schemas) if name not in key]
    if key:
        with phase("Matching rows"):
            old_keys, new_keys = a.select(key).collect(), b.select(key).collect()
            heights = old_keys.height, new_keys.height
            pairs = match(old_keys, new_keys)
        changed = _changed_cells(a, b, pairs, shared)
    else:
        pairs, heights = _match_whole(a, b, shared)
        changed = []
    rows = pl.concat([each.new_rows for each in changed]).n_unique() if changed else 0
    columns = [_counted(each) for each in changed]
    summary = TableSummary(
        key=list(key),
        old_rows=heights[0] + equal_rows,
        new_rows=heights[1] + equal_rows,
        added=pairs.added.len(),
        removed=pairs.removed.len(),
        changed=rows,
        cells=sum(each.changed for each in columns),
        equal_rows=equal_rows,
        schema=changes_of(*schemas),
        columns=sorted(columns, key=lambda each: -each.changed),
    )
    return TableDiff(summary, a, b, pairs, changed)


def _changed_cells(a: pl.LazyFrame, b: pl.LazyFrame, pairs: Pairs, columns: list[str]) -> list[Cells]:
    found: list[Cells] = []
    rows = pairs.met.len() - pairs.added.len()
    if not rows:
        return found
    most = max(1, CELLS_AT_ONCE // rows)
    with phase("Comparing", total=len(columns), unit="columns") as step:
        for start in range(0, len(columns), most):
            names = columns[start : start + most]
            old, new = pl.collect_all([a.select(names), b.select(names)])
            for name, at in _different(old, new, pairs):
                if at.len():
                    rows = pairs.place[at]
                    found.append(Cells(name, rows, at, old[name][rows], new[name][at]))
                step()
    return found


def _different(old: pl.DataFrame, new: pl.DataFrame, pairs: Pairs) -> Iterator[tuple[str, pl.Series]]:
    """For each column the rows of the new side whose value is another than their partner's."""
    if pairs.runs is not None:
        for name in old.columns:
            a, b = old[name], new[name]
            found = [differs(a[x : x + rows], b[y : y + rows]).arg_true() + y for x, y, rows in pairs.runs]
            yield name, pl.concat(found).cast(INDEX)
    elif pairs.ascending:
        rows = pairs.met.arg_true()
        old, new = old.filter(pairs.paired(old.height)), new.filter(pairs.met)
        for name in old.columns:
            yield name, rows.filter(differs(old[name], new[name])).cast(INDEX)
    else:
        moved = old.rechunk()[pairs.place]
        for name in old.columns:
            yield name, (differs(moved[name], new[name]) & pairs.met).arg_true().cast(INDEX)


def _match_whole(a: pl.LazyFrame, b: pl.LazyFrame, columns: list[str]) -> tuple[Pairs, tuple[int, int]]:
    """Pair equal rows, the first occurrence with the first, as often as both sides have them."""
    with phase("Comparing rows"):
        old, new = _row_names(a, b, columns)
        keys = ["h1", "h2", "n"]
        removed = old.join(new, on=keys, how="anti", maintain_order="left")["#row"]
        added = new.join(old, on=keys, how="anti", maintain_order="left")["#row"]
    nothing = pl.Series([], dtype=INDEX)
    return Pairs(nothing, nothing, removed, added, None, False), (old.height, new.height)


def _row_names(a: pl.LazyFrame, b: pl.LazyFrame, columns: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """For each row of both sides 128 bits of hash, and how many equal rows came before it."""
    schemas = a.collect_schema(), b.collect_schema()
    retyped = [name for name in columns if schemas[0][name] != schemas[1][name]]
    if retyped:
        old, new = pl.collect_all([a.select(columns), b.select(columns)])
        for name in retyped:
            x, y = common_form(old[name], new[name])
            old, new = old.with_columns(x.alias(name)), new.with_columns(y.alias(name))
        a, b = old.lazy(), new.lazy()
    whole = pl.struct(columns) if columns else pl.lit(0)
    turned = pl.struct(columns[::-1]) if columns else pl.lit(0)
    hashes = [whole.hash(0x5DEECE66D).alias("h1"), turned.hash(0x2545F491).alias("h2")]
    old, new = pl.collect_all([side.select(hashes) for side in (a, b)])
    return _numbered(old), _numbered(new)


def _numbered(hashes: pl.DataFrame) -> pl.DataFrame:
    before = pl.lit(0, pl.UInt32)
    if hashes["h1"].n_unique() < hashes.height:
        before = pl.int_range(pl.len(), dtype=pl.UInt32).over("h1", "h2")
    return hashes.with_columns(before.alias("n")).with_row_index("#row")


def _counted(cells: Cells) -> ColumnChanges:
    return ColumnChanges(cells.column, cells.old.len(), cells.new.null_count(), cells.old.null_count())


def _picked(side: pl.LazyFrame, rows: pl.Series, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Some rows, in the order asked for."""
    chosen = pl.all() if columns is None else pl.col(list(columns))
    if not rows.len():
        return side.select(chosen).head(0).collect()
    return side.select(chosen.gather(pl.lit(rows))).collect()


def _shaped(rows: pl.DataFrame, keys: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    names = keys_named(key)
    return pl.concat([rows, keys.rename(names)], how="horizontal").select(
        "op", *names.values(), "column", "old", "new"
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if value is None or isinstance(value, str | int | float) else str(value)
        for name, value in row.items()
    }
