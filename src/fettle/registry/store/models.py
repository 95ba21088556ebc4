"""The tables of models: names, tags, edits, and the numbers that were given out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.registry.records.models import Edit, Model
from fettle.registry.store.aliases import aliases
from fettle.registry.store.kept import in_order
from fettle.registry.store.tags import tags
from fettle.registry.store.versions import versions
from fettle.storage.columns import At
from fettle.storage.upserts import upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

models = sa.Table(
    "registry_models",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("updated_at", At),
)
edits = sa.Table(
    "registry_edits",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("old", sa.Text),
    sa.Column("new", sa.Text),
    sa.Column("at", At, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
)
numbers = sa.Table(
    "registry_numbers",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)
"""The last version number given out under a name; deleting and renaming leave it."""


def add_model(tx: Transaction, name: str, **fields: Any) -> bool:
    """Make the model; False if there is one of that name."""
    if tx.execute(sa.select(models.c.name).where(models.c.name == name)).one_or_none() is not None:
        return False
    tx.execute(models.insert().values(name=name, updated_at=fields["at"], **fields))
    return True


def change_model(tx: Transaction, name: str, **fields: Any) -> None:
    tx.execute(models.update().where(models.c.name == name).values(**fields))


def drop_model(tx: Transaction, name: str) -> None:
    """Take away a model that has no versions, with its tags."""
    tx.execute(tags.delete().where(tags.c.model == name))
    tx.execute(models.delete().where(models.c.name == name))


def model_names(tx: Transaction) -> list[str]:
    return list(tx.execute(sa.select(models.c.name).order_by(models.c.name)).scalars())


def find_model(tx: Transaction, name: str) -> Model | None:
    found = list_models(tx, [name])
    return found[0] if found else None


def list_models(tx: Transaction, names: Sequence[str] | None = None) -> list[Model]:
    """Models, by name; all of them, or those of `names` that there are."""
    counts = (
        sa.select(
            versions.c.model, sa.func.count().label("total"), sa.func.max(versions.c.version).label("latest")
        )
        .group_by(versions.c.model)
        .subquery()
    )
    query = (
        sa.select(models, counts.c.total, counts.c.latest)
        .outerjoin(counts, counts.c.model == models.c.name)
        .order_by(models.c.name)
    )
    if names is not None:
        query = query.where(models.c.name.in_(list(names)))
    named = _aliases(tx, names)
    tagged = model_tags(tx, names)
    return [
        Model(
            name=row.name,
            description=row.description,
            author=row.author,
            at=row.at,
            versions=row.total or 0,
            latest=row.latest or 0,
            aliases=named.get(row.name, {}),
            tags=tagged.get(row.name, {}),
            updated_at=row.updated_at or row.at,
        )
        for row in tx.execute(query)
    ]


def _aliases(tx: Transaction, names: Sequence[str] | None) -> dict[str, dict[str, int]]:
    query = sa.select(aliases).order_by(aliases.c.alias)
    if names is not None:
        query = query.where(aliases.c.model.in_(list(names)))
    named: dict[str, dict[str, int]] = {}
    for row in tx.execute(query):
        named.setdefault(row.model, {})[row.alias] = row.version
    return named


def model_tags(tx: Transaction, names: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    """Model → its own tags."""
    query = sa.select(tags).where(tags.c.version == 0).order_by(tags.c.key)
    if names is not None:
        query = query.where(tags.c.model.in_(list(names)))
    found: dict[str, dict[str, str]] = {}
    for row in tx.execute(query):
        found.setdefault(row.model, {})[row.key] = row.value
    return found


def add_edit(tx: Transaction, edit: Edit) -> None:
    tx.execute(edits.insert().values(**msgspec.structs.asdict(edit)))


def list_edits(tx: Transaction, model: str, version: int | None = None) -> list[Edit]:
    """Changes of descriptions and tags, oldest first."""
    return in_order(tx, edits, Edit, model=model, version=version)


def take_number(tx: Transaction, model: str) -> int:
    """The next version number under this name; never given out twice."""
    number = last_number(tx, model) + 1
    keep_number(tx, model, number)
    return number


def last_number(tx: Transaction, model: str) -> int:
    found = sa.select(numbers.c.last).where(numbers.c.model == model)
    return tx.execute(found).scalar_one_or_none() or 0


def keep_number(tx: Transaction, model: str, number: int) -> None:
    tx.execute(upsert(numbers), {"model": model, "last": number})


def touch(tx: Transaction, model: str, at: datetime) -> None:
    change_model(tx, model, updated_at=at)
