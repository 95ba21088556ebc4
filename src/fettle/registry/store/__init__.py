"""The tables of the registry, a module a subject, and the migrations in their one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.registry.store import aliases, approvals, holds, models, tags, versions

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def m001_initial(tx: Transaction) -> None:
    tx.create(models.models, versions.versions, aliases.aliases, aliases.changes)


def m002_life_of_a_version(tx: Transaction) -> None:
    """Tags get a table, numbers are kept, moves name the bundle; holds, approvals and what was deleted begin."""
    tx.extend(models.models, versions.versions, aliases.changes)
    tx.create(tags.tags, models.edits, models.numbers, versions.removed, aliases.uses, holds.holds)
    tx.create(approvals.protections, approvals.requests, approvals.approvals)
    table = versions.versions
    for row in tx.execute(sa.select(table.c.model, table.c.version, table.c.tags)).all():
        for key, value in row.tags.items():
            tags.set_tag(tx, row.model, row.version, key, value)
    last = sa.func.max(table.c.version).label("last")
    for row in tx.execute(sa.select(table.c.model, last).group_by(table.c.model)).all():
        models.keep_number(tx, row.model, row.last)
    moved = aliases.changes
    bundle = sa.select(table.c.bundle).where(
        (table.c.model == moved.c.model) & (table.c.version == moved.c.version)
    )
    tx.execute(moved.update().values(bundle=bundle.scalar_subquery()))


MIGRATIONS = [m001_initial, m002_life_of_a_version]
