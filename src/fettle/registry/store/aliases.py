"""The tables of aliases: what they name, how they moved, and who follows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.registry.records.aliases import AliasChange, AliasUse
from fettle.registry.store.kept import in_order
from fettle.storage.columns import At
from fettle.storage.upserts import insert_new

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

aliases = sa.Table(
    "registry_aliases",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("alias", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)
changes = sa.Table(
    "registry_alias_changes",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("alias", sa.Text, nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("previous", sa.Integer),
    sa.Column("move", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("override", sa.Boolean, nullable=False),
    sa.Column("bundle", sa.Text),
    sa.Column("request", sa.Text),
    sa.Index("registry_alias_changes_alias", "model", "alias"),
)
uses = sa.Table(
    "registry_uses",
    metadata,
    sa.Column("by", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("alias", sa.Text, nullable=False),
)


def alias_version(tx: Transaction, model: str, alias: str) -> int | None:
    where = (aliases.c.model == model) & (aliases.c.alias == alias)
    return tx.execute(sa.select(aliases.c.version).where(where)).scalar_one_or_none()


def alias_names(tx: Transaction, model: str) -> list[str]:
    return list(
        tx.execute(
            sa.select(aliases.c.alias).where(aliases.c.model == model).order_by(aliases.c.alias)
        ).scalars()
    )


def add_change(tx: Transaction, change: AliasChange) -> None:
    """Move the alias and keep the move."""
    where = (aliases.c.model == change.model) & (aliases.c.alias == change.alias)
    if change.version is None:
        tx.execute(aliases.delete().where(where))
    elif change.previous is None:
        tx.execute(aliases.insert().values(model=change.model, alias=change.alias, version=change.version))
    else:
        tx.execute(aliases.update().where(where).values(version=change.version))
    tx.execute(changes.insert().values(**msgspec.structs.asdict(change)))


def list_changes(tx: Transaction, model: str, alias: str | None = None) -> list[AliasChange]:
    """Moves of the aliases of a model, oldest first."""
    return in_order(tx, changes, AliasChange, model=model, alias=alias)


def add_use(tx: Transaction, use: AliasUse) -> None:
    """Note what follows an alias; it followed another one before, or none."""
    drop_use(tx, use.by)
    tx.execute(insert_new(uses), msgspec.structs.asdict(use))


def drop_use(tx: Transaction, by: str) -> None:
    tx.execute(uses.delete().where(uses.c.by == by))


def find_use(tx: Transaction, by: str) -> AliasUse | None:
    """What something follows now."""
    row = tx.execute(sa.select(uses).where(uses.c.by == by)).mappings().one_or_none()
    return None if row is None else AliasUse(**row)


def list_uses(tx: Transaction, model: str, alias: str | None = None) -> list[AliasUse]:
    query = sa.select(uses).where(uses.c.model == model).order_by(uses.c.by)
    if alias is not None:
        query = query.where(uses.c.alias == alias)
    return [AliasUse(**row) for row in tx.execute(query).mappings()]
