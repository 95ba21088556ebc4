"""Tables of what happened: rows are only added, and read in the order they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

Record = TypeVar("Record")


def in_order(tx: Transaction, table: sa.Table, record: type[Record], **sought: Any) -> list[Record]:
    """The rows of a table with a column `seq`, as records, oldest first.

    Args:
        tx: The transaction.
        table: The table.
        record: What a row is; its fields are the other columns.
        **sought: Column and value; None: any.
    """
    query = sa.select(*(each for each in table.c if each.name != "seq")).order_by(table.c.seq)
    for name, value in sought.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    return [record(**row) for row in tx.execute(query).mappings()]
