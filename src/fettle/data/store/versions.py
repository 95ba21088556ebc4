"""Commits and their datasets, by their ids."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.core.errors import NotFound
from fettle.data.records.versions import Commit
from fettle.data.store.tables import add_parents, commits, datasets
from fettle.storage.upserts import insert_new

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

BATCH = 5_000
"""So many ids in one statement."""


def add_dataset(tx: Transaction, name: str, *, at: datetime, by: str) -> None:
    """Keep the dataset's name unless it is known already."""
    tx.execute(insert_new(datasets), {"name": name, "created_at": at, "created_by": by})


def dataset_names(tx: Transaction) -> list[str]:
    """The names of all datasets, also of those that have tags only."""
    return list(tx.execute(sa.select(datasets.c.name).order_by(datasets.c.name)).scalars())


def add_commit(tx: Transaction, commit: Commit) -> None:
    """Keep a commit; the same commit twice is one."""
    fields = {
        "id": commit.id,
        "dataset": commit.dataset,
        "parent": commit.parent,
        "at": commit.at,
        "rows": commit.rows,
        "record": commit,
        "profile": commit.profile_digest,
        "schema": commit.schema_digest,
    }
    tx.execute(insert_new(commits), fields)
    add_parents(tx, commit)


def get_commit(tx: Transaction, id: str) -> Commit:
    """The commit of that id.

    Raises:
        NotFound: There is none.
    """
    query = sa.select(commits.c.record, commits.c.profile, commits.c.schema).where(commits.c.id == id)
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no commit {id!r}.", hint="fettle data datasets", subject=f"commit:{id}")
    record, profile, schema = tuple(row)
    return msgspec.structs.replace(record, profile_digest=profile, schema_digest=schema)


def get_commits(tx: Transaction, ids: Sequence[str]) -> list[Commit]:
    """The commits of these ids that there are, in any order."""
    columns = (commits.c.record, commits.c.profile, commits.c.schema)
    return [
        msgspec.structs.replace(record, profile_digest=profile, schema_digest=schema)
        for some in batches(ids)
        for record, profile, schema in map(
            tuple, tx.execute(sa.select(*columns).where(commits.c.id.in_(some)))
        )
    ]


def known_commits(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Which of these ids are commits here."""
    return {
        found
        for some in batches(ids)
        for found in tx.execute(sa.select(commits.c.id).where(commits.c.id.in_(some))).scalars()
    }


def all_commits(tx: Transaction, dataset: str) -> set[str]:
    """The ids of all commits of a dataset, whether something names them or not."""
    return set(tx.execute(sa.select(commits.c.id).where(commits.c.dataset == dataset)).scalars())


def containing(tx: Transaction, digest: str) -> list[Commit]:
    """The commits whose record names the digest: as their tree, or as a file of a table."""
    named = sa.cast(commits.c.record, sa.Text).contains(digest, autoescape=True)
    return get_commits(tx, list(tx.execute(sa.select(commits.c.id).where(named)).scalars()))


def derived(tx: Transaction, id: str, key: str) -> list[Commit]:
    """The commits whose metadata names this one under the key, oldest first."""
    named = sa.and_(sa.cast(commits.c.record, sa.Text).contains(id, autoescape=True), commits.c.id != id)
    query = sa.select(commits.c.id).where(named).order_by(commits.c.at)
    found = get_commits(tx, list(tx.execute(query).scalars()))
    fits = [each for each in found if id in each.metadata.get(key, "")]
    return sorted(fits, key=lambda each: (each.at, each.id))


def set_digests(tx: Transaction, id: str, *, profile: str = "", schema: str = "") -> None:
    """Keep which objects hold the profile and the schema of a commit; empty leaves what there is."""
    values = {key: value for key, value in (("profile", profile), ("schema", schema)) if value}
    if values:
        tx.execute(commits.update().where(commits.c.id == id).values(**values))


def batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids in lists short enough for one statement: databases limit its parameters."""
    left = iter(ids)
    while some := list(itertools.islice(left, BATCH)):
        yield some
