"""Read the result of an SQL query over files, run by DuckDB inside this process."""

from __future__ import annotations

import re
from glob import glob
from pathlib import Path

import duckdb
import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.headers import column_names
from fettle.data.types import normalise

_QUERY = re.compile(r"\s*(--[^\n]*\n\s*)*(select|with|from)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


def is_query(text: str) -> bool:
    """Whether a source is a query: it begins with SELECT, WITH or FROM and a space.

    Example:
        >>> is_query("select * from 'churn.csv'"), is_query("selected.csv")
        (True, False)
    """
    found = _QUERY.match(text)
    return bool(found) and text[found.end() : found.end() + 1].isspace()


def files_of(query: str, folder: Path = Path(".")) -> list[Path]:
    """The files that a query names in single quotes, globs included, in the order of their names."""
    found = {path for name in _QUOTED.findall(query) for path in _matching(name.replace("''", "'"), folder)}
    return sorted(found)


def located(query: str, folder: Path) -> str:
    """The same query with each file that it names relative to `folder` named by its whole path."""

    def whole(quoted: re.Match[str]) -> str:
        name = quoted[1].replace("''", "'")
        if Path(name).is_absolute() or not _matching(name, folder):
            return quoted[0]
        return "'" + str(folder.absolute() / name).replace("'", "''") + "'"

    return _QUOTED.sub(whole, query)


def _matching(name: str, folder: Path) -> list[Path]:
    """The files that a quoted text names, if it is a file's name at all."""
    if not name or "\x00" in name or "\n" in name:
        return []
    try:
        return [path for each in glob(str(folder / name), recursive=True) if (path := Path(each)).is_file()]
    except OSError:
        return []


def read(query: str) -> tuple[pl.DataFrame, list[str]]:
    """Run one query that reads, such as `SELECT * FROM 'churn.csv' WHERE age > 17`.

    Files are named in quotes, relative to the current folder: CSV, Parquet and JSON. The types are the query's own.

    Returns:
        The table, and notes on what had to be changed.

    Raises:
        Invalid: The query is wrong, is no query, or gives no rows.
        NotFound: A table, column or file that it names does not exist.
    """
    with duckdb.connect(config=_SETTINGS) as connection:
        try:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                kinds = ", ".join(str(each.type).rpartition(".")[2] for each in statements)
                raise Invalid(
                    "The source must be one query that reads.",
                    found=kinds or "nothing",
                    hint="SELECT … FROM 'file.csv'",
                )
            relation = connection.sql(query)
            names, notes = column_names(relation.columns)
            table = relation.to_arrow_table().rename_columns(names)
            frame = pl.from_arrow(table)
        except duckdb.Error as error:
            raise _failed(error) from error
        except pl.exceptions.PolarsError as error:
            raise Invalid(
                "The query gives a column that cannot be kept.",
                found=str(error).split(". Hint")[0],
                hint="Cast it to a number, a text or a timestamp in the query.",
            ) from error
    if not isinstance(frame, pl.DataFrame) or frame.height == 0:
        raise Invalid("The query gives no rows.", found=query.strip()[:200], hint="Widen its WHERE clause.")
    return normalise(frame), notes


def _failed(error: duckdb.Error) -> Invalid | NotFound:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0] if lines else type(error).__name__
    hint = next((line for line in lines[1:] if line.startswith(("Did you mean", "Candidate"))), "")
    if "extension" in str(error):
        hint = "Queries read local CSV, Parquet and JSON files; give a workbook or another file by its path instead."
    if isinstance(error, duckdb.CatalogException | duckdb.IOException):
        advice = "" if 'Did you mean "pg_' in hint or "sqlite_" in hint else hint
        return NotFound(
            "The query reads something that does not exist.",
            found=reason,
            hint=advice
            or "Name files in single quotes, relative to the current folder: SELECT * FROM 'churn.csv'",
        )
    return Invalid("The query cannot be run.", found=reason, hint=hint or "Check its SQL.")
