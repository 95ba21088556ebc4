"""The tables of checks: what is asked of a dataset, and what came of it on each version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.core.errors import NotFound
from fettle.data.records.checks import Check, CheckRun
from fettle.storage.columns import At, Json
from fettle.storage.upserts import upsert

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

checks = sa.Table(
    "data_checks",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("record", Json(Check), nullable=False),
    sa.Column("changed_at", At, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)
runs = sa.Table(
    "data_check_runs",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("check", sa.Text, primary_key=True),
    sa.Column("commit", sa.Text, primary_key=True),
    sa.Column("at", At, primary_key=True),
    sa.Column("record", Json(CheckRun), nullable=False),
)


def m004_checks(tx: Transaction) -> None:
    tx.create(checks, runs)


def set_checks(tx: Transaction, dataset: str, made: Iterable[Check], *, at: datetime, by: str) -> None:
    """Keep checks; one of the same id is replaced."""
    statement = upsert(checks)
    for each in made:
        row = {"dataset": dataset, "id": each.id, "record": each, "changed_at": at, "changed_by": by}
        tx.execute(statement, row)


def remove_check(tx: Transaction, dataset: str, id: str) -> None:
    """Forget a check; its results stay.

    Raises:
        NotFound: There is none of that id.
    """
    which = (checks.c.dataset == dataset) & (checks.c.id == id)
    if tx.execute(checks.delete().where(which)).rowcount != 1:
        known = [each.id for each in list_checks(tx, dataset)]
        raise NotFound.among(f"check of {dataset}", id, known, hint=f"fettle data checks {dataset}")


def list_checks(tx: Transaction, dataset: str) -> list[Check]:
    """The checks of a dataset, by their ids."""
    query = sa.select(checks.c.record).where(checks.c.dataset == dataset).order_by(checks.c.id)
    return list(tx.execute(query).scalars())


def add_runs(tx: Transaction, made: Iterable[CheckRun]) -> None:
    """Keep results; the same check on the same version at the same instant is one."""
    statement = upsert(runs)
    for each in made:
        fields = {
            "dataset": each.dataset,
            "check": each.check,
            "commit": each.commit,
            "at": each.at,
            "record": each,
        }
        tx.execute(statement, fields)


def list_runs(
    tx: Transaction, dataset: str, *, check: str = "", commit: str = "", most: int
) -> list[CheckRun]:
    """Results, the newest first; of one check or one version if that is asked."""
    query = sa.select(runs.c.record).where(runs.c.dataset == dataset)
    if check:
        query = query.where(runs.c.check == check)
    if commit:
        query = query.where(runs.c.commit == commit)
    return list(tx.execute(query.order_by(runs.c.at.desc(), runs.c.check).limit(most)).scalars())
