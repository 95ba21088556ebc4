"""Which metrics, parameters and tags there are at all: what a search that found nothing may have meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.core.errors import nearest
from fettle.tracking.records.search import All, Condition, Either, Field, Not, Term
from fettle.tracking.store.metrics import metrics
from fettle.tracking.store.runs import params, tags

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

_TABLES = {"metrics": metrics, "params": params, "tags": tags}
MOST_KEYS = 300
"""Keys of one family that are looked at for one that was meant."""
_MOST_FIELDS = 10


def unknown(tx: Transaction, condition: Condition) -> dict[Field, list[str]]:
    """The fields of a condition that no run has, each with the keys most like it."""
    found: dict[Field, list[str]] = {}
    for field in list(dict.fromkeys(_fields(condition)))[:_MOST_FIELDS]:
        if not _is_known(tx, field):
            found[field] = nearest(field.key, _keys(tx, _TABLES[field.family]), most=1)
    return found


def _fields(condition: Condition) -> Iterator[Field]:
    if isinstance(condition, All | Either):
        for each in condition.parts:
            yield from _fields(each)
    elif isinstance(condition, Not):
        yield from _fields(condition.part)
    elif isinstance(condition, Term) and condition.field.family in _TABLES:
        yield Field(condition.field.family, condition.field.key)


def _is_known(tx: Transaction, field: Field) -> bool:
    table = _TABLES[field.family]
    query = sa.select(sa.literal_column("1")).select_from(table).where(table.c.key == field.key)
    return tx.execute(query.limit(1)).first() is not None


def _keys(tx: Transaction, table: sa.Table) -> list[str]:
    """Different keys in their order, from one to the next in the index rather than through all rows."""
    found: list[str] = []
    following = sa.select(table.c.key).where(table.c.key > sa.bindparam("last")).order_by(table.c.key)
    while len(found) < MOST_KEYS:
        key = tx.execute(following.limit(1), {"last": found[-1] if found else ""}).scalar()
        if key is None:
            break
        found.append(key)
    return found
