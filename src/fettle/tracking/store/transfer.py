"""Rows of what people made, as they are: moments as microseconds, JSON as its text, experiments by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fettle.core import canonical
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new
from fettle.tracking.records.transfer import ExperimentRow
from fettle.tracking.store import collaboration, evaluation, inputs, runs, traces, upkeep, views
from fettle.tracking.store import experiments as experiment_rows
from fettle.tracking.store.experiments import experiments

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def _as_kept(table: sa.Table) -> sa.Table:
    """The same table with the types that its database has."""
    columns = (
        sa.Column(each.name, _plain(each.type), primary_key=each.primary_key) for each in table.columns
    )
    return sa.Table(table.name, sa.MetaData(), *columns)


def _plain(kind: Any) -> Any:
    return sa.BigInteger() if isinstance(kind, At) else sa.Text() if isinstance(kind, Json) else kind


TABLES = {
    each.name.removeprefix("tracking_"): _as_kept(each)
    for each in (
        collaboration.comments,
        collaboration.mentions,
        collaboration.pins,
        collaboration.links,
        collaboration.reports,
        views.views,
        upkeep.quotas,
        runs.artifacts,
        inputs.inputs,
        inputs.model_links,
        inputs.logged_models,
        inputs.model_metrics,
        inputs.files,
        traces.traces,
        traces.spans,
        evaluation.sets,
        evaluation.records,
        evaluation.scorers,
    )
}
"""What is taken elsewhere row by row."""
_NUMBERED = ("quotas", "models", "traces", "scorers")
_MANY_NUMBERED = "evaluation_sets"


def rows(
    tx: Transaction, name: str, after: Sequence[Any], limit: int
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Rows of a table in the order of its key, behind the key `after`, and the key of the last of them.

    A page begins behind a key and not behind so many rows: what is added or removed in front of it moves nothing.
    """
    table = TABLES[name]
    keys = list(table.primary_key)
    query = table.select().order_by(*keys).limit(limit)
    if after:
        known = (sa.literal(value, each.type) for each, value in zip(keys, after, strict=True))
        query = query.where(sa.tuple_(*keys) > sa.tuple_(*known))
    found = [dict(row) for row in tx.execute(query).mappings()]
    last = [found[-1][each.name] for each in keys] if found else []
    names = {row.number: row.name for row in tx.execute(sa.select(experiments.c.number, experiments.c.name))}
    return [_translated(name, row, names.get) for row in found], last


def key_of(name: str) -> list[type]:
    """The kinds of values that a table's key has."""
    return [each.type.python_type for each in TABLES[name].primary_key]


def add_experiment(tx: Transaction, given: ExperimentRow) -> bool:
    """Make an experiment with its times, under the next number here; False if there is one of the name."""
    if not experiment_rows.add_experiment(tx, given.name, given.created_at):
        return False
    experiment_rows.change_experiment(
        tx, given.name, notes=given.notes, updated_at=given.updated_at, deleted_at=given.deleted_at
    )
    number = experiment_rows.number_of(tx, given.name)
    assert number is not None  # it was made above
    experiment_rows.set_experiment_tags(tx, number, given.tags)
    return True


def add(tx: Transaction, name: str, given: Sequence[dict[str, Any]]) -> int:
    """Add rows as `rows` gave them; those that are here already stay as they are. How many were new."""
    numbers = {
        row.name: row.number for row in tx.execute(sa.select(experiments.c.number, experiments.c.name))
    }
    made = [_translated(name, row, numbers.get) for row in given]
    statement = insert_new(TABLES[name])
    known = [row for row in made if name not in _NUMBERED or row["experiment"] is not None]
    return sum(tx.execute(statement, row).rowcount for row in known)


def _translated(name: str, row: dict[str, Any], to: Callable[[Any], Any]) -> dict[str, Any]:
    if name in _NUMBERED:
        return row | {"experiment": to(row["experiment"])}
    if name == _MANY_NUMBERED:
        named = [to(each) for each in canonical.decode(row["experiments"].encode(), list[Any])]
        return row | {"experiments": canonical.encode([each for each in named if each is not None]).decode()}
    return row
