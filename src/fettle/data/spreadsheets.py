"""Read a sheet of an Excel or OpenDocument workbook."""

from __future__ import annotations

import logging
from pathlib import Path

import fastexcel
import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.headers import check_header, column_names
from fettle.data.recognise import OnMixed, recognise_table

_QUIET = logging.getLogger("fastexcel")


def read(
    path: Path, name: str, *, sheet: str | None = None, mixed: OnMixed = "error"
) -> tuple[pl.DataFrame, list[str]]:
    """Read one sheet; its first filled row holds the names.

    Args:
        path: The workbook (.xlsx, .xlsm, .xlsb, .xls, .ods).
        name: What to call it in errors.
        sheet: Which sheet; None means the first that is not empty.
        mixed: What to do with a few texts in a column of numbers or dates.

    Returns:
        The table, typed, and notes on what had to be changed.

    Raises:
        Invalid: The workbook is broken or protected, or has no rows.
        NotFound: There is no such sheet.
    """
    _QUIET.setLevel(logging.ERROR)
    try:
        book = fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise _broken(name, error) from error
    if sheet is not None and sheet not in book.sheet_names:
        raise NotFound.among("sheet", sheet, book.sheet_names)
    notes: list[str] = []
    for each in [sheet] if sheet is not None else book.sheet_names:
        cells = _cells(book, each, name)
        if cells.height > 1:
            if len(book.sheet_names) > 1:
                notes.append(f"read the sheet {each!r} of {len(book.sheet_names)}; another: {name}#SHEET")
            return _table(cells, f"{name}#{each}", notes, mixed)
    raise Invalid(
        f"{name} has no rows.",
        found=f"{len(book.sheet_names)} sheet(s), all empty or with a header only",
        hint="Give a workbook with a header row and at least one row of values.",
    )


def _cells(book: fastexcel.ExcelReader, sheet: str, name: str) -> pl.DataFrame:
    """All filled rows and columns as texts."""
    try:
        cells = book.load_sheet(sheet, header_row=None, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        if "empty" in str(error).lower() or "no data" in str(error).lower():
            return pl.DataFrame()
        raise _broken(name, error) from error
    if cells.width == 0:
        return cells
    cells = cells.cast(pl.String).with_row_index("row")
    return cells.filter(
        ~pl.all_horizontal(pl.exclude("row").is_null() | (pl.exclude("row").str.strip_chars() == ""))
    )


def _table(
    cells: pl.DataFrame, name: str, notes: list[str], mixed: OnMixed
) -> tuple[pl.DataFrame, list[str]]:
    rows = cells["row"]
    filled = [column for column in cells.drop("row").iter_columns() if column.null_count() < len(column)]
    header = [column[0] for column in filled]
    check_header(header, name)
    names, renamed = column_names(header)
    texts = pl.DataFrame([column.slice(1).alias(final) for column, final in zip(filled, names, strict=True)])
    typed, changed = recognise_table(texts, name, lambda row: f"row {rows[row + 1] + 1}", mixed=mixed)
    midnight = [
        column.name
        for column in typed.iter_columns()
        if isinstance(column.dtype, pl.Datetime)
        and (column.dt.truncate("1d") == column).all(ignore_nulls=True)
    ]
    return typed.with_columns(pl.col(midnight).dt.date()), notes + renamed + changed


def _broken(name: str, error: fastexcel.FastExcelError) -> Invalid:
    reason = str(error).splitlines()[0].removeprefix("calamine error: ")
    return Invalid(
        f"{name} cannot be opened as a workbook.",
        found=reason,
        hint="Open it in a spreadsheet program and save it again as .xlsx without a password, or as CSV.",
    )
