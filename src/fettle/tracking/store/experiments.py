"""The tables of experiments."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fettle.storage.columns import At
from fettle.storage.upserts import insert_new
from fettle.tracking.records.experiments import Experiment
from fettle.tracking.store.runs import runs

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

experiments = sa.Table(
    "tracking_experiments",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("created_at", At, nullable=False),
    sa.Column("updated_at", At, nullable=False),
    sa.Column("deleted_at", At),
    sa.Column("notes", sa.Text, nullable=False, server_default=""),
)
experiment_tags = sa.Table(
    "tracking_experiment_tags",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


def m002_experiments(tx: Transaction) -> None:
    """Experiments get rows of their own, numbered in the order in which they began; runs can be noted and deleted."""
    tx.extend(runs)
    tx.create(experiments, experiment_tags)
    began = sa.func.min(runs.c.started_at).label("began")
    found = tx.execute(sa.select(runs.c.experiment, began).group_by(runs.c.experiment).order_by(began)).all()
    for name, at in map(tuple, found):
        add_experiment(tx, name, at)


def add_experiment(tx: Transaction, name: str, at: datetime) -> bool:
    """Make an experiment with the next number; False if it is there already."""
    known = sa.select(sa.func.max(experiments.c.number)).scalar_subquery()
    number = tx.execute(sa.select(sa.func.coalesce(known, 0) + 1)).scalar_one()
    values = {"name": name, "number": 0 if name == "Default" else number, "created_at": at, "updated_at": at}
    return tx.execute(insert_new(experiments, keys=["name"]), values).rowcount == 1


def change_experiment(tx: Transaction, name: str, /, **fields: Any) -> None:
    """Set columns of an experiment; a new `name` goes to its runs too."""
    tx.execute(experiments.update().where(experiments.c.name == name).values(**fields))
    if "name" in fields:
        tx.execute(runs.update().where(runs.c.experiment == name).values(experiment=fields["name"]))


def set_experiment_tags(tx: Transaction, number: int, values: dict[str, str]) -> None:
    if values:
        named = (experiment_tags.c.number == number) & experiment_tags.c.key.in_(list(values))
        tx.execute(experiment_tags.delete().where(named))
        tx.execute(
            experiment_tags.insert(),
            [{"number": number, "key": key, "value": value} for key, value in values.items()],
        )


def remove_experiment_tag(tx: Transaction, number: int, key: str) -> bool:
    """Drop a tag; False if there is none."""
    named = (experiment_tags.c.number == number) & (experiment_tags.c.key == key)
    return tx.execute(experiment_tags.delete().where(named)).rowcount == 1


def find_experiment(tx: Transaction, name: str) -> Experiment | None:
    found = _complete(tx, experiments.c.name == name)
    return found[0] if found else None


def number_of(tx: Transaction, name: str) -> int | None:
    """The number of an experiment; None if there is none of the name."""
    return tx.execute(sa.select(experiments.c.number).where(experiments.c.name == name)).scalar_one_or_none()


def deleted_at(tx: Transaction, name: str) -> datetime | None:
    """When the experiment was put into the bin; None if it is in use."""
    return tx.execute(
        sa.select(experiments.c.deleted_at).where(experiments.c.name == name)
    ).scalar_one_or_none()


def find_numbered(tx: Transaction, number: int) -> Experiment | None:
    found = _complete(tx, experiments.c.number == number)
    return found[0] if found else None


def list_experiments(tx: Transaction, *, deleted: bool | None = False) -> list[Experiment]:
    """Experiments, the one with the newest run first; `deleted` None means those in the bin too."""
    if deleted is None:
        return _complete(tx, sa.true())
    return _complete(
        tx, experiments.c.deleted_at.is_not(None) if deleted else experiments.c.deleted_at.is_(None)
    )


def bin_runs(tx: Transaction, name: str, at: datetime) -> None:
    """Put the runs of an experiment that are in use into the bin."""
    tx.execute(
        runs.update().where((runs.c.experiment == name) & runs.c.deleted_at.is_(None)).values(deleted_at=at)
    )


def unbin_runs(tx: Transaction, name: str, at: datetime) -> None:
    """Take the runs that went into the bin at that moment out of it."""
    tx.execute(
        runs.update().where((runs.c.experiment == name) & (runs.c.deleted_at == at)).values(deleted_at=None)
    )


def _complete(tx: Transaction, condition: sa.ColumnElement[bool]) -> list[Experiment]:
    latest = sa.func.max(runs.c.started_at).label("latest_at")
    live = sa.and_(runs.c.experiment == experiments.c.name, runs.c.deleted_at.is_(None))
    query = (
        sa.select(experiments, sa.func.count(runs.c.id).label("runs"), latest)
        .select_from(experiments.outerjoin(runs, live))
        .where(condition)
        .group_by(*experiments.columns)
        .order_by(latest.desc().nulls_last(), experiments.c.number.desc())
    )
    rows = tx.execute(query).mappings().all()
    tags: dict[int, dict[str, str]] = {}
    if rows:
        which = experiment_tags.select().order_by(experiment_tags.c.key)
        if len(rows) == 1:
            which = which.where(experiment_tags.c.number == rows[0]["number"])
        for row in tx.execute(which):
            tags.setdefault(row.number, {})[row.key] = row.value
    return [Experiment(**row, tags=tags.get(row["number"], {})) for row in rows]
