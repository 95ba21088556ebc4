"""The tables of features: every version of every definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.core.errors import NotFound
from fettle.features.records import Feature
from fettle.storage.columns import Json

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

definitions = sa.Table(
    "features_definitions",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("record", Json(Feature), nullable=False),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(definitions)


MIGRATIONS = [m001_initial]


def add(tx: Transaction, feature: Feature) -> None:
    """Keep a version of a feature."""
    values = {
        "name": feature.name,
        "version": feature.version,
        "digest": feature.digest,
        "record": feature,
    }
    tx.execute(definitions.insert().values(values))


def replace(tx: Transaction, feature: Feature) -> None:
    """Keep what is said about a version; what decides its values stays."""
    named = sa.and_(definitions.c.name == feature.name, definitions.c.version == feature.version)
    tx.execute(definitions.update().where(named).values(record=feature))


def newest(tx: Transaction, name: str) -> Feature | None:
    """The newest version of a feature; None if there is no such feature."""
    query = sa.select(definitions.c.record).where(definitions.c.name == name)
    return tx.execute(query.order_by(definitions.c.version.desc()).limit(1)).scalar_one_or_none()


def find(tx: Transaction, ref: str) -> Feature:
    """The feature that `name` (the newest version) or `name@2` means.

    Raises:
        NotFound: There is no such feature or version; the nearest names are offered.
    """
    name, _, version = ref.partition("@")
    known = history(tx, name)
    if not known:
        names = tx.execute(sa.select(definitions.c.name).distinct()).scalars().all()
        raise NotFound.among("feature", name, names, hint="fettle features find")
    if not version:
        return known[0]
    found = [each for each in known if str(each.version) == version.removeprefix("v")]
    if not found:
        raise NotFound.among(f"version of {name}", version, [str(each.version) for each in known])
    return found[0]


def history(tx: Transaction, name: str) -> list[Feature]:
    """The versions of a feature, newest first."""
    query = sa.select(definitions.c.record).where(definitions.c.name == name)
    return list(tx.execute(query.order_by(definitions.c.version.desc())).scalars())


def newest_of_all(tx: Transaction) -> list[Feature]:
    """The newest version of every feature, by name."""
    query = sa.select(definitions.c.record).order_by(definitions.c.name, definitions.c.version)
    return list({each.name: each for each in tx.execute(query).scalars()}.values())
