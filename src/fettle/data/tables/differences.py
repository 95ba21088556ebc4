"""How two versions of a table differ: the numbers, the rows, the cells, and a table of all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from fettle.data.records.diffs import TableSummary
from fettle.data.tables.compare import spelt
from fettle.data.tables.match import INDEX, keys_named

if TYPE_CHECKING:
    import pyarrow as pa


class Cells(NamedTuple):
    """The cells of one column that differ: which rows of the two sides, and both values in their own types."""

    column: str
    old_rows: pl.Series
    new_rows: pl.Series
    old: pl.Series
    new: pl.Series


class Found(NamedTuple):
    """What a comparison found.

    Attributes:
        removed: Rows of the old side alone, by their numbers, in order.
        added: Rows of the new side alone.
        changed: The cells that differ in the others, a record a column, in the new rows' order.
        changed_rows: How many rows those are.
    """

    removed: pl.Series
    added: pl.Series
    changed: list[Cells]
    changed_rows: int


class TableDiff:
    """How two versions of a table differ; made by `diff_tables`.

    Attributes:
        summary: The numbers.
        changed: The cells that differ, a record a column.
    """

    def __init__(self, summary: TableSummary, old: pl.LazyFrame, new: pl.LazyFrame, found: Found) -> None:
        self.summary = summary
        self.changed = found.changed
        self._old, self._new = old, new
        self._found = found

    @cached_property
    def added(self) -> pl.DataFrame:
        """The rows that only the new version has, whole."""
        return _picked(self._new, self._found.added)

    @cached_property
    def removed(self) -> pl.DataFrame:
        """The rows that only the old version has, whole."""
        return _picked(self._old, self._found.removed)

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
        side, rows = (self._new, self._found.added) if op == "added" else (self._old, self._found.removed)
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


def _picked(side: pl.LazyFrame, rows: pl.Series, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Some rows, in the order asked for; the others are read, but not held."""
    chosen = side if columns is None else side.select(columns)
    if not rows.len():
        return chosen.head(0).collect()
    asked = pl.DataFrame([rows.cast(INDEX).alias("#row")]).with_row_index("#order")
    numbered = chosen.with_row_index("#row")
    found = asked.lazy().join(numbered, on="#row", how="left", maintain_order="none")
    return found.sort("#order").drop("#row", "#order").collect(engine="streaming")


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
