"""The table of tags, of models and of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.storage.upserts import upsert

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

tags = sa.Table(
    "registry_tags",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index("registry_tags_key", "key"),
)
"""Tags of models (version 0) and of versions."""


def set_tag(tx: Transaction, model: str, version: int, key: str, value: str | None) -> None:
    """Set a tag of a model (version 0) or version; None takes it away."""
    if value is None:
        where = (tags.c.model == model) & (tags.c.version == version) & (tags.c.key == key)
        tx.execute(tags.delete().where(where))
    else:
        tx.execute(upsert(tags), {"model": model, "version": version, "key": key, "value": value})


def drop_tags(tx: Transaction, model: str, version: int) -> None:
    tx.execute(tags.delete().where((tags.c.model == model) & (tags.c.version == version)))
