"""What runs are sorted by, as columns: each comparable with the value of an earlier row, so that a page can go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import Join

from fettle.storage.texts import plain
from fettle.tracking.records.search import Field, Order
from fettle.tracking.store.conditions import DURATION
from fettle.tracking.store.metrics import metrics
from fettle.tracking.store.runs import params, runs, tags


class Then(Join):
    """A join whose left side is read first: SQLite, which keeps no statistics here, is told so."""

    inherit_cache = True

    def __init__(self, left: Any, right: Any, onclause: Any) -> None:
        super().__init__(left, right, onclause)


@compiles(Then, "sqlite")
def _cross(join: Then, compiler: SQLCompiler, asfrom: bool = False, **options: Any) -> str:
    del asfrom
    left = compiler.process(join.left, asfrom=True, **options)
    right = compiler.process(join.right, asfrom=True, **options)
    condition = compiler.process(join.onclause, **options) if join.onclause is not None else "1"
    return f"{left} CROSS JOIN {right} ON {condition}"


@compiles(Then)
def _plain_join(join: Then, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.visit_join(join, **options)


@dataclass(frozen=True)
class Key:
    """One column of the order.

    `nullable`: rows without a value come last, whichever way is sorted.
    """

    column: sa.ColumnElement[Any]
    kind: sa.types.TypeEngine[Any]
    descending: bool
    nullable: bool

    def ordered(self, *, known: bool = False) -> Any:
        """The term of ORDER BY; `known`: rows without a value are left out anyway."""
        way = self.column.desc() if self.descending else self.column.asc()
        return way.nulls_last() if self.nullable and not known else way

    def after(self, value: Any) -> sa.ColumnElement[bool] | None:
        """What is true of the rows that this column alone puts behind the value; None if of none."""
        if value is None:
            return None
        later = self.behind(value)
        return sa.or_(later, self.column.is_(None)) if self.nullable else later

    def same(self, value: Any) -> sa.ColumnElement[bool]:
        return self.column.is_(None) if value is None else self.column == sa.literal(value, self.kind)

    def not_after(self, value: Any) -> sa.ColumnElement[bool]:
        """What an index can be left at."""
        literal = sa.literal(value, self.kind)
        return self.column >= literal if self.descending else self.column <= literal

    def behind(self, value: Any) -> sa.ColumnElement[bool]:
        """What an index can be entered at behind all rows with the value, leaving out those without one."""
        literal = sa.literal(value, self.kind)
        return self.column < literal if self.descending else self.column > literal

    def not_before(self, value: Any) -> sa.ColumnElement[bool]:
        """What an index can be entered at."""
        literal = sa.literal(value, self.kind)
        return self.column <= literal if self.descending else self.column >= literal


@dataclass(frozen=True)
class Sorting:
    """The columns of one order; `table` is the one beside `runs` they are in, and `key` which of its rows.

    `indexed`: an index has the runs in this order.
    """

    keys: tuple[Key, ...]
    table: Any = None
    key: str = ""
    indexed: bool = False


_INDEXED = ("started_at", "id")
_TIMES = ("started_at", "ended_at", "archived_at", "deleted_at")
_NEWEST = (Order(Field("attribute", "started_at"), True), Order(Field("attribute", "id"), True))


def sortings(order: Sequence[Order]) -> list[Sorting]:
    """The columns of an order; the newest first, then the id, where the rest is alike."""
    found: list[Sorting] = []
    for place, each in enumerate((*order, *_NEWEST)):
        if any(each.field == other.field for other in (*order, *_NEWEST)[:place]):
            continue
        found.append(_sorting(each, place))
        if each.field == Field("attribute", "id"):
            break
    return found


def _sorting(order: Order, place: int) -> Sorting:
    if order.field.family == "attribute":
        return Sorting((_attribute(order),), indexed=order.field.key in _INDEXED)
    if order.field.family == "metrics":
        table = metrics.alias(f"sorted_{place}")
        column = sa.type_coerce(table.c[order.field.statistic], sa.Double)
        nan = sa.case((table.c.not_finite == "NaN", 0), else_=1)
        keys = (Key(column, sa.Double(), order.descending, True), Key(nan, sa.Integer(), False, False))
        return Sorting(keys, table, order.field.key, order.field.statistic == "last")
    if order.field.family == "tags":
        table = tags.alias(f"sorted_{place}")
        return Sorting(
            (Key(plain(table.c.value), sa.Text(), order.descending, True),), table, order.field.key
        )
    table = params.alias(f"sorted_{place}")
    text = Key(plain(table.c.text), sa.Text(), order.descending, True)
    number = Key(sa.type_coerce(table.c.number, sa.Double), sa.Double(), order.descending, True)
    return Sorting((text,) if order.as_text else (number, text), table, order.field.key, not order.as_text)


def _attribute(order: Order) -> Key:
    name = {"archived": "archived_at", "deleted": "deleted_at"}.get(order.field.key, order.field.key)
    if name == "duration_s":
        return Key(DURATION, sa.Double(), order.descending, True)
    column = runs.c[name]
    if name in _TIMES:
        return Key(
            sa.type_coerce(column, sa.BigInteger), sa.BigInteger(), order.descending, name != "started_at"
        )
    return Key(plain(column), sa.Text(), order.descending, name == "parent")
