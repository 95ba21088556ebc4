"""The tables of the registry and all its SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.registry.records import AliasChange, GateResult, Model, ModelVersion
from fettle.storage.columns import At, Json

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

models = sa.Table(
    "registry_models",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
)
versions = sa.Table(
    "registry_versions",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("bundle", sa.Text, nullable=False, index=True),
    sa.Column("at", At, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, index=True),
    sa.Column("flow_id", sa.Text, index=True),
    sa.Column("dataset", sa.Text),
    sa.Column("dataset_commit", sa.Text, index=True),
    sa.Column("parent_version", sa.Integer),
    sa.Column("metrics", Json, nullable=False),
    sa.Column("gates", Json, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.UniqueConstraint("model", "bundle", name="registry_versions_bundle"),
)
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
    sa.Index("registry_alias_changes_alias", "model", "alias"),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(models, versions, aliases, changes)


MIGRATIONS = [m001_initial]


def add_model(tx: Transaction, name: str, **fields: Any) -> None:
    """Make the model if there is none of that name."""
    if tx.execute(sa.select(models.c.name).where(models.c.name == name)).one_or_none() is None:
        tx.execute(models.insert().values(name=name, **fields))


def list_models(tx: Transaction) -> list[Model]:
    counts = (
        sa.select(
            versions.c.model, sa.func.count().label("total"), sa.func.max(versions.c.version).label("latest")
        )
        .group_by(versions.c.model)
        .subquery()
    )
    query = (
        sa.select(models, counts.c.total, counts.c.latest)
        .join(counts, counts.c.model == models.c.name)
        .order_by(models.c.name)
    )
    named: dict[str, dict[str, int]] = {}
    for row in tx.execute(sa.select(aliases).order_by(aliases.c.alias)):
        named.setdefault(row.model, {})[row.alias] = row.version
    return [
        Model(
            name=row.name,
            description=row.description,
            author=row.author,
            at=row.at,
            versions=row.total,
            latest=row.latest,
            aliases=named.get(row.name, {}),
        )
        for row in tx.execute(query)
    ]


def model_names(tx: Transaction) -> list[str]:
    return list(tx.execute(sa.select(models.c.name).order_by(models.c.name)).scalars())


def add_version(tx: Transaction, version: ModelVersion) -> None:
    fields = msgspec.structs.asdict(version)
    del fields["aliases"]
    tx.execute(versions.insert().values(**fields))


def next_version(tx: Transaction, model: str) -> int:
    last = tx.execute(
        sa.select(sa.func.max(versions.c.version)).where(versions.c.model == model)
    ).scalar_one()
    return (last or 0) + 1


def set_status(tx: Transaction, model: str, version: int, status: str, reason: str) -> None:
    where = (versions.c.model == model) & (versions.c.version == version)
    tx.execute(versions.update().where(where).values(status=status, reason=reason))


def find_version(tx: Transaction, model: str, version: int) -> ModelVersion | None:
    found = _select(tx, (versions.c.model == model) & (versions.c.version == version))
    return found[0] if found else None


def find_bundle(tx: Transaction, model: str, bundle: str) -> ModelVersion | None:
    found = _select(tx, (versions.c.model == model) & (versions.c.bundle == bundle))
    return found[0] if found else None


def list_versions(tx: Transaction, model: str) -> list[ModelVersion]:
    """All versions of a model, newest first."""
    return _select(tx, versions.c.model == model)


def versions_from(
    tx: Transaction,
    *,
    run_id: str | None = None,
    flow_id: str | None = None,
    dataset_commit: str | None = None,
) -> list[ModelVersion]:
    """Versions of any model that came from a run, a pipeline run or a dataset commit."""
    sought = {"run_id": run_id, "flow_id": flow_id, "dataset_commit": dataset_commit}
    conditions = [versions.c[name] == value for name, value in sought.items() if value is not None]
    return _select(tx, sa.and_(*conditions)) if conditions else []


def _select(tx: Transaction, where: sa.ColumnElement[bool]) -> list[ModelVersion]:
    rows = tx.execute(sa.select(versions).where(where).order_by(versions.c.model, versions.c.version.desc()))
    found = [dict(row) for row in rows.mappings()]
    named: dict[tuple[str, int], list[str]] = {}
    for model in {row["model"] for row in found}:
        for row in tx.execute(sa.select(aliases).where(aliases.c.model == model).order_by(aliases.c.alias)):
            named.setdefault((row.model, row.version), []).append(row.alias)
    for row in found:
        row["gates"] = [GateResult(**each) for each in row["gates"]]
        row["aliases"] = named.get((row["model"], row["version"]), [])
    return [ModelVersion(**row) for row in found]


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
    query = sa.select(changes).where(changes.c.model == model).order_by(changes.c.seq)
    if alias is not None:
        query = query.where(changes.c.alias == alias)
    rows = tx.execute(query).mappings()
    return [AliasChange(**{key: row[key] for key in row if key != "seq"}) for row in rows]
