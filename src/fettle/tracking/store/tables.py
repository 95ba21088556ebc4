"""Some fields of many runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fettle.tracking.records.metrics import written
from fettle.tracking.records.search import Field
from fettle.tracking.store.conditions import DURATION
from fettle.tracking.store.metrics import metrics
from fettle.tracking.store.runs import params, runs, tags

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

_PORTION = 5000


def columns_of(tx: Transaction, ids: Sequence[str], fields: Sequence[Field]) -> list[list[Any]]:
    """For each field the values of these runs, None where a run lacks it; a query a family and 5,000 runs."""
    found: dict[tuple[Field, str], Any] = {}
    for start in range(0, len(ids), _PORTION):
        some = ids[start : start + _PORTION]
        found.update(_metrics(tx, some, [each for each in fields if each.family == "metrics"]))
        found.update(_attributes(tx, some, [each for each in fields if each.family == "attribute"]))
        for family, table in (("params", params), ("tags", tags)):
            asked = {each.key: each for each in fields if each.family == family}
            if asked:
                query = sa.select(table.c.run, table.c.key, table.c.value)
                where = (table.c.run.in_(some), table.c.key.in_(list(asked)))
                found.update(
                    ((asked[key], run), value)
                    for run, key, value in map(tuple, tx.execute(query.where(*where)))
                )
    return [[found.get((field, run)) for run in ids] for field in fields]


def _metrics(
    tx: Transaction, ids: Sequence[str], fields: Sequence[Field]
) -> Iterator[tuple[tuple[Field, str], Any]]:
    if not fields:
        return
    keys = {each.key for each in fields}
    query = metrics.select().where(metrics.c.run.in_(ids), metrics.c.key.in_(keys))
    for row in tx.execute(query).mappings():
        for field in fields:
            if field.key == row["key"]:
                value = row[field.statistic]
                if field.statistic == "last" and row["not_finite"] is not None:
                    value = row["not_finite"]
                yield (field, row["run"]), written(value) if isinstance(value, float) else value


def _attributes(
    tx: Transaction, ids: Sequence[str], fields: Sequence[Field]
) -> Iterator[tuple[tuple[Field, str], Any]]:
    if not fields:
        return
    columns = [_attribute(field.key) for field in fields]
    for run, *values in tx.execute(sa.select(runs.c.id, *columns).where(runs.c.id.in_(ids))):
        for field, value in zip(fields, values, strict=True):
            yield (field, run), value


def _attribute(key: str) -> Any:
    if key == "duration_s":
        return DURATION
    if key in ("archived", "deleted"):
        return runs.c[f"{key}_at"].is_not(None)
    return runs.c[key]
