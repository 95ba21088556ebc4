"""The tables of versions, those that are there and those that were deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.evaluation.records import GateResult
from fettle.registry.records.versions import ModelVersion, RemovedVersion
from fettle.registry.store.aliases import aliases
from fettle.registry.store.kept import in_order
from fettle.registry.store.tags import tags
from fettle.storage.columns import At, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

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
    sa.Column("tags", Json, nullable=False),  # empty since tags have a table of their own
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("kind", sa.Text, nullable=False, server_default="bundle"),
    sa.Column("source", sa.Text, nullable=False, server_default=""),
    sa.Column("manifest", sa.Text),
    sa.Column("logged_model", sa.Text),
    sa.Column("review", sa.Text, nullable=False, server_default="none"),
    sa.Column("updated_at", At),
    sa.UniqueConstraint("model", "bundle", name="registry_versions_bundle"),
    sa.Index("registry_versions_logged_model", "logged_model"),
    sa.Index("registry_versions_source", "source"),
)
removed = sa.Table(
    "registry_removed",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("bundle", sa.Text, nullable=False, index=True),
    sa.Column("at", At, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("record", Json(ModelVersion), nullable=False),
)

_ELSEWHERE = ("aliases", "tags")


def add_version(tx: Transaction, version: ModelVersion) -> None:
    fields = msgspec.structs.asdict(version)
    for name in _ELSEWHERE:
        del fields[name]
    tx.execute(versions.insert().values(tags={}, **fields))


def change_version(tx: Transaction, model: str, version: int, **fields: Any) -> None:
    where = (versions.c.model == model) & (versions.c.version == version)
    tx.execute(versions.update().where(where).values(**fields))


def drop_version(tx: Transaction, gone: RemovedVersion) -> None:
    """Take a version away and keep what is left of it."""
    where = (versions.c.model == gone.model) & (versions.c.version == gone.version)
    tx.execute(versions.delete().where(where))
    tx.execute(removed.insert().values(**msgspec.structs.asdict(gone)))


def list_removed(tx: Transaction, model: str) -> list[RemovedVersion]:
    return in_order(tx, removed, RemovedVersion, model=model)


def find_version(tx: Transaction, model: str, version: int) -> ModelVersion | None:
    found = select(tx, (versions.c.model == model) & (versions.c.version == version))
    return found[0] if found else None


def find_bundle(tx: Transaction, model: str, bundle: str) -> ModelVersion | None:
    found = select(tx, (versions.c.model == model) & (versions.c.bundle == bundle))
    return found[0] if found else None


def find_by_prefix(tx: Transaction, prefix: str, model: str | None = None) -> list[ModelVersion]:
    """Versions whose bundle's digest begins so, of one model or of any."""
    where = versions.c.bundle.startswith(prefix, autoescape=True)
    return select(tx, where if model is None else where & (versions.c.model == model))


def sharing(tx: Transaction, bundle: str, manifest: str | None = None) -> list[ModelVersion]:
    """Versions of any model, deleted ones as they last were among them, that have this bundle or these files."""
    same = versions.c.bundle == bundle
    gone = removed.c.bundle == bundle
    if manifest is not None:
        same |= versions.c.manifest == manifest
        gone |= sa.type_coerce(removed.c.record, sa.Text).contains(f'"{manifest}"')
    records = tx.execute(sa.select(removed.c.record).where(gone).order_by(removed.c.seq)).scalars()
    return [*select(tx, same), *records]


def list_versions(tx: Transaction, model: str) -> list[ModelVersion]:
    """All versions of a model, newest first."""
    return select(tx, versions.c.model == model)


def versions_from(
    tx: Transaction,
    *,
    run_id: str | None = None,
    flow_id: str | None = None,
    dataset_commit: str | None = None,
    logged_model: str | None = None,
) -> list[ModelVersion]:
    """Versions of any model that came from a run, a pipeline run, a dataset commit or a logged model."""
    sought = {
        "run_id": run_id,
        "flow_id": flow_id,
        "dataset_commit": dataset_commit,
        "logged_model": logged_model,
    }
    conditions = [versions.c[name] == value for name, value in sought.items() if value is not None]
    return select(tx, sa.and_(*conditions)) if conditions else []


def select(tx: Transaction, where: sa.ColumnElement[bool]) -> list[ModelVersion]:
    """The versions that meet a condition, by model, the newest first."""
    rows = tx.execute(sa.select(versions).where(where).order_by(versions.c.model, versions.c.version.desc()))
    return complete(tx, [dict(row) for row in rows.mappings()])


def complete(tx: Transaction, rows: list[dict[str, Any]]) -> list[ModelVersion]:
    """Rows of the table as records, with their aliases and tags."""
    named, tagged = _aliases(tx, rows), _tags(tx, rows)
    for row in rows:
        key = (row["model"], row["version"])
        row["gates"] = [GateResult(**each) for each in row["gates"]]
        row["aliases"] = named.get(key, [])
        row["tags"] = tagged.get(key, {})
        row["updated_at"] = row["updated_at"] or row["at"]
    return [ModelVersion(**row) for row in rows]


def _aliases(tx: Transaction, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, int], list[str]]:
    named: dict[tuple[str, int], list[str]] = {}
    if rows:
        wanted = aliases.c.model.in_({row["model"] for row in rows})
        for row in tx.execute(sa.select(aliases).where(wanted).order_by(aliases.c.alias)):
            named.setdefault((row.model, row.version), []).append(row.alias)
    return named


def _tags(tx: Transaction, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, int], dict[str, str]]:
    tagged: dict[tuple[str, int], dict[str, str]] = {}
    if rows:
        asked = sa.select(tags).where(tags.c.model.in_({row["model"] for row in rows}))
        if len(rows) == 1:
            asked = asked.where(tags.c.version == rows[0]["version"])
        for row in tx.execute(asked.order_by(tags.c.key)):
            tagged.setdefault((row.model, row.version), {})[row.key] = row.value
    return tagged
