"""The tables of what is asked of versions: protections, retention, holds and hooks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.core.errors import NotFound
from fettle.data.records.versions import Hold, Protection, Retention
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new, upsert

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

protections = sa.Table(
    "data_protections",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("pattern", sa.Text, primary_key=True),
    sa.Column("record", Json(Protection), nullable=False),
)
retentions = sa.Table(
    "data_retentions",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("pattern", sa.Text, primary_key=True),
    sa.Column("record", Json(Retention), nullable=False),
)
holds = sa.Table(
    "data_holds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False, index=True),
    sa.Column("commit", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("released_at", At),
    sa.Column("released_by", sa.Text, nullable=False),
)
removed = sa.Table(
    "data_removed",
    metadata,
    sa.Column("commit", sa.Text, primary_key=True),
    sa.Column("at", At, nullable=False),
)


def m003_policies(tx: Transaction) -> None:
    tx.create(protections, retentions, holds)


def m005_removed(tx: Transaction) -> None:
    tx.create(removed)


def set_protection(tx: Transaction, given: Protection) -> None:
    """Keep what is asked of branches, in place of what was asked of the same pattern."""
    values = {"dataset": given.dataset, "pattern": given.pattern, "record": given}
    tx.execute(upsert(protections), values)


def remove_protection(tx: Transaction, dataset: str, pattern: str) -> None:
    """Forget a protection.

    Raises:
        NotFound: There is none for that pattern.
    """
    named = sa.and_(protections.c.dataset == dataset, protections.c.pattern == pattern)
    if tx.execute(protections.delete().where(named)).rowcount != 1:
        known = [each.pattern for each in list_protections(tx) if each.dataset == dataset]
        raise NotFound.among(f"protection of {dataset}", pattern, known, hint="fettle data protections")


def list_protections(tx: Transaction) -> list[Protection]:
    """All protections, by dataset and pattern."""
    query = sa.select(protections.c.record).order_by(protections.c.dataset, protections.c.pattern)
    return list(tx.execute(query).scalars())


def protections_of(tx: Transaction, dataset: str, branch: str) -> list[Protection]:
    """The protections that a branch of a dataset falls under."""
    return [
        each
        for each in list_protections(tx)
        if each.dataset in ("*", dataset) and fnmatchcase(branch, each.pattern)
    ]


def set_retention(tx: Transaction, given: Retention) -> None:
    """Keep how long versions stay, in place of what was said of the same pattern."""
    values = {"dataset": given.dataset, "pattern": given.pattern, "record": given}
    tx.execute(upsert(retentions), values)


def remove_retention(tx: Transaction, dataset: str, pattern: str) -> None:
    """Forget a retention rule: versions stay for ever again."""
    named = sa.and_(retentions.c.dataset == dataset, retentions.c.pattern == pattern)
    tx.execute(retentions.delete().where(named))


def list_retentions(tx: Transaction) -> list[Retention]:
    """All retention rules, by dataset and pattern."""
    query = sa.select(retentions.c.record).order_by(retentions.c.dataset, retentions.c.pattern)
    return list(tx.execute(query).scalars())


def retention_of(rules: Iterable[Retention], dataset: str, branch: str) -> Retention | None:
    """The rule of a branch: that of the dataset before that of all, the shortest of several."""
    fits = [each for each in rules if each.dataset in ("*", dataset) and fnmatchcase(branch, each.pattern)]
    return min(fits, key=lambda each: (each.dataset == "*", each.days), default=None)


def add_hold(tx: Transaction, hold: Hold) -> None:
    """Keep a hold."""
    fields = ("id", "dataset", "commit", "kind", "reason", "at", "by", "released_at", "released_by")
    tx.execute(holds.insert().values({name: getattr(hold, name) for name in fields}))


def release_hold(tx: Transaction, id: str, *, at: datetime, by: str) -> Hold:
    """End a hold; who and when stays on record.

    Raises:
        NotFound: There is no such hold, or it was released before.
    """
    open_one = sa.and_(holds.c.id == id, holds.c.released_at.is_(None))
    if tx.execute(holds.update().where(open_one).values(released_at=at, released_by=by)).rowcount != 1:
        known = [each.id for each in list_holds(tx)]
        raise NotFound.among("hold", id, known, hint="fettle data holds")
    return Hold(*tuple(tx.execute(sa.select(holds).where(holds.c.id == id)).one()))


def list_holds(tx: Transaction, dataset: str | None = None, *, released: bool = False) -> list[Hold]:
    """The holds, oldest first."""
    query = sa.select(holds).order_by(holds.c.at)
    if dataset is not None:
        query = query.where(holds.c.dataset == dataset)
    if not released:
        query = query.where(holds.c.released_at.is_(None))
    return [Hold(*tuple(row)) for row in tx.execute(query)]


def note_removed(tx: Transaction, commits: Iterable[str], *, at: datetime) -> None:
    """Keep that the data of these commits are no longer kept; what was noted before stays as it is."""
    rows = [{"commit": each, "at": at} for each in commits]
    if rows:
        tx.execute(insert_new(removed), rows)


def removed_commits(tx: Transaction) -> dict[str, datetime]:
    """All commits whose data gc was allowed to remove, and since when."""
    return dict(map(tuple, tx.execute(sa.select(removed.c.commit, removed.c.at))))


def removed_at(tx: Transaction, commit: str) -> datetime | None:
    """Since when the data of a commit are no longer kept; None if they are."""
    return tx.execute(sa.select(removed.c.at).where(removed.c.commit == commit)).scalar_one_or_none()
