"""A comparison in words, for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from fettle.data.records.diffs import SchemaChange, TableSummary

if TYPE_CHECKING:
    from fettle.data.tables.differences import TableDiff

MOST_TEXT = 40
MOST_COLUMNS = 12
SIGNS = {"added": "+", "removed": "-", "changed": "~", "retyped": "~", "moved": ">"}


def diff_lines(diff: TableDiff, limit: int) -> list[str]:
    """Schema, rows, columns, and then at most `limit` changes of each kind."""
    summary = diff.summary
    if summary.same:
        return [f"no difference in {summary.new_rows:,} rows"]
    lines = [*_schema_lines(summary.schema), _row_line(summary)]
    if summary.columns:
        lines += ["", *aligned(_column_rows(summary))]
    for piece in diff.pieces(limit if summary.key else max(1, limit)):
        lines += _piece_lines(piece, summary, limit)
    return lines


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Texts in columns, each as wide as its widest; long ones are cut."""
    cut = [[_cut(each) for each in row] for row in rows]
    widths = [max(_cells(row[place]) for row in cut) for place in range(len(cut[0]))] if cut else []
    return [
        (
            indent
            + "  ".join(each + " " * (width - _cells(each)) for each, width in zip(row, widths, strict=True))
        ).rstrip()
        for row in cut
    ]


def _schema_lines(schema: Sequence[SchemaChange]) -> list[str]:
    words = {"added": "{new}", "removed": "{old}", "retyped": "{old} → {new}", "moved": "place {old} → {new}"}
    rows = [
        [f"{SIGNS[each.kind]} column {each.column}", words[each.kind].format(old=each.old, new=each.new)]
        for each in schema
    ]
    return aligned(rows, "")


def _row_line(summary: TableSummary) -> str:
    parts = [f"+{summary.added:,} added", f"-{summary.removed:,} removed"]
    if summary.key:
        parts.append(f"~{summary.changed:,} changed in {summary.cells:,} cells")
    by = f" by {', '.join(summary.key)}" if summary.key else ", whole rows"
    return f"rows {summary.old_rows:,} → {summary.new_rows:,}{by}: {', '.join(parts)}"


def _column_rows(summary: TableSummary) -> list[list[str]]:
    rows = [["column", "changed", "emptied", "filled"]]
    for each in summary.columns[:MOST_COLUMNS]:
        rows.append([each.column, f"{each.changed:,}", f"{each.emptied:,}", f"{each.filled:,}"])
    if (more := len(summary.columns) - MOST_COLUMNS) > 0:
        rows.append([f"… {more} more", "", "", ""])
    return rows


def _piece_lines(piece: pl.DataFrame, summary: TableSummary, limit: int) -> list[str]:
    if not piece.height:
        return []
    op = piece["op"][0]
    total = {"added": summary.added, "removed": summary.removed, "changed": summary.cells}[op]
    if summary.key:
        shown = piece.height
        keys = piece.columns[1:-3]
        names = [*keys, *(["column", "old", "new"] if op == "changed" else [])]
        rows = [
            ["", *names],
            *([SIGNS[op], *(_text(row[name]) for name in names)] for row in piece.iter_rows(named=True)),
        ]
    else:
        wide = (
            piece.rename({"row": "#row"})
            .with_columns(pl.coalesce("old", "new").alias("value"))
            .pivot("column", index="#row", values="value")
        )
        shown = wide.height
        names = wide.columns[1:]
        rows = [["", *names], *([SIGNS[op], *(_text(each) for each in row[1:])] for row in wide.iter_rows())]
    lines = ["", *aligned(_narrow(rows))]
    return lines if shown >= total else [*lines, f"  … {total - shown:,} more {op}"]


def _narrow(rows: list[list[str]]) -> list[list[str]]:
    """The first columns, where there are too many."""
    most = MOST_COLUMNS + 1
    return rows if len(rows[0]) <= most else [[*row[:most], "…"] for row in rows]


def _text(value: object) -> str:
    return "∅" if value is None else " ".join(str(value).split())


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"


def _cells(text: str) -> int:
    """How many places a text takes: two for a wide sign, none for a combining one."""
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.combining(each) > 0 for each in text)
