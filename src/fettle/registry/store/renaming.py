"""A model's new name goes to everything that speaks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.registry.store.aliases import aliases, changes, uses
from fettle.registry.store.approvals import protections, requests
from fettle.registry.store.holds import holds
from fettle.registry.store.models import edits, keep_number, last_number, models
from fettle.registry.store.tags import tags
from fettle.registry.store.versions import versions

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

NAMED = (versions, aliases, changes, uses, tags, edits, holds, requests)


def rename_model(tx: Transaction, name: str, to: str) -> None:
    """Give a model a name that no model and no protection has; numbers given out under either name stay taken.

    What its aliases ask for counts under both names from now on: whoever makes the old name anew is not free of it.
    """
    for row in tx.execute(sa.select(protections).where(protections.c.model == name)).mappings().all():
        tx.execute(protections.insert().values({**row, "model": to}))
    tx.execute(models.update().where(models.c.name == name).values(name=to))
    for table in NAMED:
        tx.execute(sa.update(table).where(table.c.model == name).values(model=to))
    keep_number(tx, to, max(last_number(tx, name), last_number(tx, to)))
