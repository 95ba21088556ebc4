"""The tables of labels, a module a subject: projects and items, the queue, the answers, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.labels.store.tables import TABLES

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def m001_initial(tx: Transaction) -> None:
    tx.create(*TABLES)


MIGRATIONS = [m001_initial]
