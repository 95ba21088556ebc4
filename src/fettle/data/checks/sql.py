"""Checks in SQL: a condition read by polars, or a query over the table `data` run by DuckDB; neither reaches a file."""

from __future__ import annotations

import re

import duckdb
import polars as pl

from fettle.core.errors import Invalid

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`""")
_UNUSUAL = re.compile(r"\\|\$|--|/\*|#")
_READING = re.compile(r"\b(select|with|from|values|table|read_\w+|scan_\w+|copy|attach)\b", re.IGNORECASE)
_EXTRACT = re.compile(r"\b(extract|trim|substring)\s*\([^()]*\)", re.IGNORECASE)
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}


def condition(text: str) -> pl.Expr:
    """An SQL condition as a polars expression.

    Sub-queries are refused before anything is read: polars would open a file that one names.

    Raises:
        Invalid: It is no condition, or has a query within.
    """
    bare = text if _UNUSUAL.search(text) else _QUOTED.sub("''", text)
    if found := _READING.search(_EXTRACT.sub("", bare)):
        raise Invalid(
            "An SQL condition speaks of the columns of one row; it holds no query.",
            found=found[0],
            hint="Give the whole query as `query`: SELECT * FROM data WHERE …",
        )
    try:
        return pl.sql_expr(text)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise Invalid(
            "The SQL condition cannot be read.", found=_first(error), hint=f"It is: {text}"
        ) from error


def rows_of(query: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that a query over the table `data` selects; its `row` column is the number of the row, from 1.

    Raises:
        Invalid: It is not one query that reads, names another table, or is wrong.
    """
    numbered = frame.with_row_index("row", offset=1) if "row" not in frame.columns else frame
    with duckdb.connect(config=_SETTINGS) as connection:
        try:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise Invalid(
                    "A check is one query that reads.", found=query[:200], hint="SELECT * FROM data WHERE …"
                )
            connection.register("data", numbered.to_arrow())
            made = pl.from_arrow(connection.sql(query).to_arrow_table())
        except duckdb.Error as error:
            hint = "The table is called data; `row` is the number of the row."
            raise Invalid("The query of the check cannot be run.", found=_first(error), hint=hint) from error
    return made if isinstance(made, pl.DataFrame) else made.to_frame()


def _first(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
