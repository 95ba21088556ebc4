"""Apply a fitted cleaning to a frame, operation by operation, and report what each changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.clean.apply import apply
from fettle.data.clean.words import words_of
from fettle.data.records import cleaning as c
from fettle.data.records.versions import Column
from fettle.data.types import STORED, normalise

EXAMPLES = 5
_ALIKE = ({"integer", "number"}, {"date", "datetime"})


@dataclass(frozen=True)
class Cleaned:
    """What cleaning gave.

    Attributes:
        frame: The cleaned rows, in their order.
        report: What was changed.
        flagged: Where rows were kept: which of them (by place) would have been left out. All false otherwise.
        places: For each cleaned row, its place (from 0) among the rows before.
    """

    frame: pl.DataFrame
    report: c.CleaningReport
    flagged: pl.Series
    places: pl.Series


def run(columns: Sequence[Column], steps: Sequence[c.Step], frame: pl.DataFrame, *, alone: bool) -> Cleaned:
    """Apply steps to a frame that has the columns; errors as `FittedCleaning.apply`."""
    frame = conformed(frame, columns)
    rows_before = frame.height
    flagged = pl.Series("flagged", [False]).new_from_index(0, frame.height).alias("flagged")
    places = pl.int_range(frame.height, eager=True).alias("places")
    done = []
    for step in steps:
        after, out = apply(step, frame, alone=alone)
        done.append(_done(step.operation, frame, after, out))
        if out is not None and alone:
            flagged = flagged | out
        elif out is not None:
            after, places = after.filter(~out), places.filter(~out)
        frame = after
    if not alone:
        flagged = pl.Series("flagged", [False]).new_from_index(0, frame.height)
    return Cleaned(frame, c.CleaningReport(rows_before, frame.height, done), flagged.alias("flagged"), places)


def conformed(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Bring a frame to the types that were fitted on, as far as nothing is lost.

    Raises:
        NotFound: A column is missing.
        Invalid: A column has another type.
    """
    for each in columns:
        if each.name not in frame.columns:
            raise NotFound.among("column", each.name, frame.columns)
    frame = normalise(frame)
    made = []
    for each in columns:
        column, wanted = frame[each.name], STORED[each.type]
        if column.dtype == wanted:
            continue
        if column.null_count() == len(column) or _widens(column, each):
            made.append(column.cast(wanted))
        elif not _alike(column, each):
            raise Invalid(
                f"The column {each.name!r} has another type than the cleaning was fitted on.",
                found=f"{column.dtype}, where {each.type} was expected",
                hint="Fit it again on the new form, or put a `cast` before the other operations.",
                subject=f"column:{each.name}",
            )
    return frame.with_columns(made)


def _widens(column: pl.Series, wanted: Column) -> bool:
    if wanted.type == "number":
        return column.dtype == pl.Int64
    if wanted.type == "datetime":
        return column.dtype == pl.Date
    whole = column.dtype == pl.Float64 and wanted.type == "integer"
    return whole and bool((column.is_finite() & (column == column.floor())).fill_null(True).all())


def _alike(column: pl.Series, wanted: Column) -> bool:
    return wanted.type == "integer" and column.dtype == pl.Float64


def _done(operation: c.Operation, before: pl.DataFrame, after: pl.DataFrame, out: pl.Series | None) -> c.Done:
    if isinstance(operation, c.Rename):
        added, removed = list(operation.columns.values()), list(operation.columns)
        return c.Done(words_of(operation), 0, {}, {}, 0, added, removed, [])
    shared = [name for name in before.columns if name in after.columns and before[name] is not after[name]]
    changes = {name: _changed(before[name], after[name]) for name in shared}
    changes = {name: each for name, each in changes.items() if each.any()}
    reading = isinstance(operation, c.Cast | c.Dates | c.Units)
    lost = {
        name: int((after[name].is_null() & before[name].is_not_null()).sum())
        for name in (changes if reading else ())
    }
    any_row = pl.DataFrame(list(changes.values())).select(pl.any_horizontal(pl.all())) if changes else None
    return c.Done(
        operation=words_of(operation),
        rows=int(any_row.to_series().sum()) if any_row is not None else 0,
        cells={name: int(each.sum()) for name, each in changes.items()},
        failed={name: count for name, count in lost.items() if count},
        dropped=int(out.sum()) if out is not None else 0,
        added=[name for name in after.columns if name not in before.columns],
        removed=[name for name in before.columns if name not in after.columns],
        examples=_examples(changes, before, after),
    )


def _changed(before: pl.Series, after: pl.Series) -> pl.Series:
    if before.dtype == after.dtype or (before.dtype.is_numeric() and after.dtype.is_numeric()):
        return before.ne_missing(after)
    return before.is_not_null()


def _examples(changes: dict[str, pl.Series], before: pl.DataFrame, after: pl.DataFrame) -> list[c.Change]:
    """Some changes, lost values first, different ones where there are such."""
    found = []
    for name, changed in changes.items():
        table = pl.DataFrame(
            {
                "row": changed.arg_true(),
                "old": before[name].filter(changed),
                "new": after[name].filter(changed),
            }
        )
        shown = table.unique(["old"], keep="first", maintain_order=True)
        shown = shown.sort(pl.col("new").is_not_null(), maintain_order=True)
        found += [c.Change(row, name, old, new) for row, old, new in shown.head(EXAMPLES).iter_rows()]
    return found
