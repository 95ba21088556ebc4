"""Rows of what people made, as they are: moments as microseconds, JSON as its text, experiments by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fettle.core import canonical
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new
from fettle.tracking.store import collaboration, evaluation, inputs, runs, traces, upkeep, views
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
    )
}
"""What is taken elsewhere row by row."""
_NUMBERED = ("quotas", "models", "traces")
_MANY_NUMBERED = "evaluation_sets"


def rows(tx: Transaction, name: str, start: int, limit: int) -> list[dict[str, Any]]:
    """Rows of a table in the order of its key."""
    table = TABLES[name]
    query = table.select().order_by(*table.primary_key).offset(start).limit(limit)
    found = [dict(row) for row in tx.execute(query).mappings()]
    names = {row.number: row.name for row in tx.execute(sa.select(experiments.c.number, experiments.c.name))}
    return [_translated(name, row, names.get) for row in found]


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
