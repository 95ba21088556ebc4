"""Ingest where the user is: read a source and make it a version of a dataset."""

from __future__ import annotations

from typing import Literal

from fettle.acts import Surface, errand
from fettle.core.errors import Invalid
from fettle.core.units import duration_s
from fettle.data.records.intake import Intake

GIB = 1 << 30


@errand("data.ingest")
def ingest(
    ws: Surface,
    source: str = "",
    *,
    dataset: str = "",
    append: bool = False,
    key: list[str] | None = None,
    time: str = "",
    lateness: str = "0s",
    existing: Literal["update", "skip", "error"] = "update",
    connection: str = "",
    sheet: str = "",
    encoding: str = "",
    separator: str = "",
    ragged: Literal["error", "skip", "pad"] = "error",
    mixed: Literal["error", "text", "missing"] = "error",
    time_column: str = "",
    message: str = "",
    branch: str = "main",
    max_gib: float = 64.0,
) -> Intake:
    """Read a source and commit its rows as the newest version of a dataset.

    A source is a file, a folder or a glob of files of one kind; a query over files; an address (https://…, s3://…,
    postgresql://…?table=orders, mysql://…, sqlite:///…); with a connection, a query or table of that database; in
    Python also a DataFrame or any iterable of rows. The same source once more makes no new version.

    Args:
        source: What to read. Passwords and tokens in it are written as '${NAME}' and taken from the environment.
        dataset: The dataset; empty: named after the source.
        append: Add all rows to those that are there, instead of replacing these.
        key: Columns that tell rows apart: rows with a new key are added, others treated as --existing says.
        time: The column that says when a row happened: only rows later than all before are added.
        lateness: How far behind the latest time a row may still come, such as 2d.
        existing: What to do with a row whose key is there with other values.
        connection: The database that has the table or runs the query; its address is in FETTLE_CONNECTION_NAME.
        sheet: The sheet of a workbook or the table of a database.
        encoding: The encoding of a text, such as windows-1252; empty: found out.
        separator: What divides the values of a CSV file; empty: found out.
        ragged: What to do with rows of a CSV file that have more or fewer fields than its header.
        mixed: What to do with a few texts in a column of numbers or dates.
        time_column: The column that says when a row happened, only to be noted with the version.
        message: Why.
        branch: The branch that gets the version.
        max_gib: The most that may be downloaded, in GiB.
    """
    from fettle.data import ingest as reading
    from fettle.data.intake import Plan, take_in

    _check_source(source, connection)
    plan = Plan(
        mode=_mode(append, bool(key), bool(time)),
        key=key or [],
        time=time or None,
        lateness_s=duration_s(lateness),
        existing=existing,
        time_column=time_column or None,
        branch=branch,
        message=message,
    )
    found = reading.read(
        source,
        mixed=mixed,
        encoding=encoding or None,
        ragged=ragged,
        separator=_separator(separator),
        sheet=sheet or None,
        connection=connection,
        cache=ws.folder / "cache",
        max_bytes=int(max_gib * GIB),
    )
    name = dataset or (reading.dataset_name(source) if not connection or source else connection)
    return take_in(ws, name, found, plan)


def _check_source(source: str, connection: str) -> None:
    from fettle.data.sources.addresses import refuse_secret

    refuse_secret(connection)
    if isinstance(source, str) and not source and not connection:
        raise Invalid("There is no source.", hint="fettle data ingest churn.csv")


def _mode(append: bool, by_key: bool, by_time: bool) -> Literal["append", "merge", "replace"]:
    """What becomes of the rows that are there."""
    if append and (by_key or by_time):
        raise Invalid(
            "Rows are either appended as they are, or brought in by key or time.",
            found="--append together with " + ("--key" if by_key else "--time"),
            hint="Leave out --append: with a key or time the rows that are there stay.",
        )
    return "append" if append else "merge" if by_key or by_time else "replace"


def _separator(text: str) -> str | None:
    """A separator as it is typed: one sign, or `tab`."""
    sign = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(sign) > 1:
        raise Invalid("A separator is a single sign.", found=repr(text), hint="Such as ';' or tab.")
    return sign or None
