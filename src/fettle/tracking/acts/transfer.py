"""What people made around their runs, row by row, on its way to another workspace."""

from __future__ import annotations

from typing import Any

from fettle.acts import Context, Role, act
from fettle.core.errors import Invalid, NotFound
from fettle.tracking.acts import runs, upkeep
from fettle.tracking.names import check_experiment, check_values
from fettle.tracking.records.transfer import ExperimentRow, RowPage, RunPage
from fettle.tracking.store import experiments
from fettle.tracking.store import transfer as store
from fettle.tracking.store import upkeep as upkeep_rows

MOST_ROWS = 1000
"""Rows in one call."""
MOST_RUNS = 200
"""Runs in one call."""
_OF_FILES = ("artifacts", "files")


@act("tracking.rows", reads=True, plumbing=True)
def rows(ctx: Context, table: str, *, after: list[Any] | None = None, limit: int = MOST_ROWS) -> RowPage:
    """Show rows of what people made: comments, reports, logged models, traces and the like.

    Moments are microseconds since 1970, nested values JSON, experiments names.

    Args:
        table: Such as `comments`.
        after: Only rows behind this key; a page's `after` leads to the next one.
        limit: At most so many.
    """
    kinds = store.key_of(_known(table))
    if after and (len(after) != len(kinds) or not all(map(_fits, after, kinds))):
        raise Invalid(f"That is no key of {table}.", found=f"{after!r}"[:200], hint="Give a page's `after`.")
    return RowPage(*store.rows(ctx.tx, table, after or [], max(0, min(limit, MOST_ROWS))))


@act("tracking.run_page", reads=True, plumbing=True)
def run_page(
    ctx: Context, *, after: str = "", limit: int = MOST_RUNS, experiments: list[str] | None = None
) -> RunPage:
    """Show runs with all that is known of them, those in the bin and the archive too, as of one moment.

    Args:
        after: Only ids behind this one.
        limit: At most so many.
        experiments: Only those of these experiments.
    """
    ids = upkeep_rows.ids_after(ctx.tx, after, max(0, min(limit, MOST_RUNS)), experiments or [])
    found = [runs.existing(ctx, each, whole=True) for each in ids]
    return RunPage(found, ids[-1] if ids else "")


@act("tracking.experiment_rows", reads=True, plumbing=True)
def experiment_rows(ctx: Context) -> list[ExperimentRow]:
    """Show all experiments, those in the bin too, as of one moment and in the order of their numbers."""
    found = sorted(experiments.list_experiments(ctx.tx, deleted=None), key=lambda each: each.number)
    names = ExperimentRow.__struct_fields__
    return [ExperimentRow(**{name: getattr(each, name) for name in names}) for each in found]


@act("tracking.adopt_experiment", needs=Role.ADMIN, plumbing=True)
def adopt_experiment(ctx: Context, experiment: ExperimentRow) -> bool:
    """Take in an experiment of another workspace with its times; False if there is one of its name.

    Args:
        experiment: As `experiment_rows` gave it there; its number here is the next one.
    """
    check_experiment(experiment.name)
    check_values("tag", experiment.tags)
    return store.add_experiment(ctx.tx, experiment)


@act("tracking.adopt_rows", needs=Role.ADMIN, plumbing=True)
def adopt_rows(ctx: Context, table: str, rows: list[dict[str, Any]]) -> int:
    """Take in rows of another workspace as they are; those that are here already stay. Returns how many are new.

    Args:
        table: Such as `comments`.
        rows: As `rows` gave them there, at most 1,000.

    Raises:
        Unavailable: The content of a file has not arrived.
    """
    columns = {each.name: each.type.python_type for each in store.TABLES[_known(table)].columns}
    if len(rows) > MOST_ROWS:
        raise Invalid(
            "That are too many rows at once.", found=f"{len(rows):,}", hint=f"At most {MOST_ROWS:,}."
        )
    for row in rows:
        _check(table, row, columns)
        if table in _OF_FILES:
            row["size_bytes"] = upkeep.arrived(ctx, row["path"], row["digest"])
    return store.add(ctx.tx, table, rows)


def _known(table: str) -> str:
    if table not in store.TABLES:
        raise NotFound.among("table", table, list(store.TABLES))
    return table


def _check(table: str, row: dict[str, Any], columns: dict[str, type]) -> None:
    """Refuse a row with other columns, or other kinds of values, than the table has."""
    kinds = columns | ({"experiment": str} if "experiment" in columns else {})
    wrong = set(row) ^ set(columns) or {
        name for name, value in row.items() if value is not None and not _fits(value, kinds[name])
    }
    if wrong:
        raise Invalid(f"That is no row of {table}.", found=f"not as expected: {', '.join(sorted(wrong))}")


def _fits(value: Any, kind: type) -> bool:
    return isinstance(value, (int, float) if kind is float else kind)
