"""Checks in SQL: a condition read by polars, or a query over the table `data` run by DuckDB; neither reaches a file."""

from __future__ import annotations

import re

import duckdb
import polars as pl

from fettle.core.errors import Invalid
from fettle.data.checks import limits

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
    "temp_directory": "",
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


def rows_of(
    query: str, frame: pl.DataFrame, *, time_s: float = limits.TIME_S, memory: str = limits.MEMORY
) -> pl.DataFrame:
    """The rows that a query over the table `data` selects; its `row` column is the number of the row, from 1.

    Args:
        query: The query.
        frame: The table.
        time_s: It may take so long, in seconds.
        memory: It may hold so much in memory, such as `2GB`.

    Raises:
        Invalid: It is not one query that reads, names another table, is wrong, takes too long or too much memory, or
            selects more rows than the table has.
    """
    numbered = frame.with_row_index("row", offset=1) if "row" not in frame.columns else frame
    with duckdb.connect(config={**_SETTINGS, "memory_limit": memory}) as connection:
        try:
            with limits.interrupted_after(connection, time_s):
                return _selected(connection, query, numbered)
        except duckdb.OutOfMemoryException as error:
            raise Invalid(
                f"The query of the check needs more than {memory} of memory.",
                found=_first(error),
                hint="Select fewer columns, or join by equal keys.",
            ) from error
        except duckdb.Error as error:
            hint = "The table is called data; `row` is the number of the row."
            raise Invalid("The query of the check cannot be run.", found=_first(error), hint=hint) from error


def _selected(connection: duckdb.DuckDBPyConnection, query: str, frame: pl.DataFrame) -> pl.DataFrame:
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Invalid(
            "A check is one query that reads.", found=query[:200], hint="SELECT * FROM data WHERE …"
        )
    connection.register("data", frame.to_arrow())
    most = max(frame.height, limits.LEAST_ROWS)
    made = pl.from_arrow(connection.sql(query).limit(most + 1).to_arrow_table())
    found = made if isinstance(made, pl.DataFrame) else made.to_frame()
    if found.height > most:
        raise Invalid(
            "The query of the check selects more rows than there are.",
            found=f"more than {most:,}",
            hint="It selects the rows of `data` that fail: SELECT * FROM data WHERE …",
        )
    return found


def _first(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
