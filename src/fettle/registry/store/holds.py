"""The table of holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.registry.records.holds import ModelHold
from fettle.storage.columns import At

if TYPE_CHECKING:
    from datetime import datetime

    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

holds = sa.Table(
    "registry_holds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("released_at", At),
    sa.Column("released_by", sa.Text),
)


def add_hold(tx: Transaction, hold: ModelHold) -> None:
    tx.execute(holds.insert().values(**msgspec.structs.asdict(hold)))


def release_hold(tx: Transaction, hold: str, *, at: datetime, by: str) -> None:
    tx.execute(holds.update().where(holds.c.id == hold).values(released_at=at, released_by=by))


def list_holds(tx: Transaction, model: str | None = None, *, released: bool = False) -> list[ModelHold]:
    """Holds, oldest first; those that ended too if `released`."""
    query = sa.select(holds).order_by(holds.c.id)
    if model is not None:
        query = query.where(holds.c.model == model)
    if not released:
        query = query.where(holds.c.released_at.is_(None))
    return [ModelHold(**row) for row in tx.execute(query).mappings()]
