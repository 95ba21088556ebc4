"""The tables of data: datasets, their commits, and the branches that name the newest."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.core.errors import Conflict, NotFound
from fettle.data.records import Commit, Dataset
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

datasets = sa.Table(
    "data_datasets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("created_at", At, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)
commits = sa.Table(
    "data_commits",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False, index=True),
    sa.Column("parent", sa.Text),
    sa.Column("at", At, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("record", Json(Commit), nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("schema", sa.Text, nullable=False),
)
branches = sa.Table(
    "data_branches",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("head", sa.Text, nullable=False),
    sa.Column("moved_at", At, nullable=False),
)

SHORTEST_PREFIX = 6


def m001_initial(tx: Transaction) -> None:
    tx.create(datasets, commits, branches)


MIGRATIONS = [m001_initial]


def add_dataset(tx: Transaction, name: str, *, at: datetime, by: str) -> None:
    """Keep the dataset's name unless it is known already."""
    tx.execute(insert_new(datasets), {"name": name, "created_at": at, "created_by": by})


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


def head_of(tx: Transaction, dataset: str, branch: str) -> str | None:
    """The commit a branch points at; None if there is no such branch yet."""
    query = sa.select(branches.c.head).where(branches.c.dataset == dataset, branches.c.name == branch)
    return tx.execute(query).scalar_one_or_none()


def move_head(tx: Transaction, dataset: str, branch: str, *, old: str | None, new: str, at: datetime) -> None:
    """Compare and set: point the branch at `new` if it still points at `old` (None: if it does not exist).

    Raises:
        Conflict: Another commit was faster.
    """
    if old is None:
        if head_of(tx, dataset, branch) is not None:
            raise _moved(dataset, branch)
        tx.execute(branches.insert().values(dataset=dataset, name=branch, head=new, moved_at=at))
        return
    still = (branches.c.dataset == dataset) & (branches.c.name == branch) & (branches.c.head == old)
    if tx.execute(branches.update().where(still).values(head=new, moved_at=at)).rowcount != 1:
        raise _moved(dataset, branch)


def find_commit(tx: Transaction, ref: str) -> Commit:
    """The commit that `name`, `name@branch` or `name@commit` (its first six characters or more) means.

    Raises:
        NotFound: There is no such dataset, branch or commit.
        Conflict: The prefix fits more than one commit.
    """
    dataset, _, version = ref.partition("@")
    version = version or "main"
    head = head_of(tx, dataset, version)
    if head is not None:
        return get_commit(tx, head)
    fits = sa.and_(commits.c.dataset == dataset, commits.c.id.startswith(version, autoescape=True))
    found = tx.execute(sa.select(commits.c.id).where(fits).limit(2)).scalars().all()
    if len(found) == 1 and len(version) >= SHORTEST_PREFIX:
        return get_commit(tx, found[0])
    if len(found) > 1 and len(version) >= SHORTEST_PREFIX:
        raise Conflict(f"{ref!r} fits more than one commit.", hint="Give more characters of the commit's id.")
    names = tx.execute(sa.select(datasets.c.name)).scalars().all()
    if dataset not in names:
        raise NotFound.among("dataset", dataset, names, hint="fettle data datasets")
    known = tx.execute(sa.select(branches.c.name).where(branches.c.dataset == dataset)).scalars().all()
    raise NotFound.among(f"version of {dataset}", version, known, hint=f"fettle data log {dataset}")


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


def ancestors(tx: Transaction, id: str, most: int) -> list[Commit]:
    """The commit and those before it, newest first."""
    found: list[Commit] = []
    step: str | None = id
    while step is not None and len(found) < most:
        found.append(get_commit(tx, step))
        step = found[-1].parent
    return found


def set_digests(tx: Transaction, id: str, *, profile: str = "", schema: str = "") -> None:
    """Keep which objects hold the profile and the schema of a commit; empty leaves what there is."""
    values = {key: value for key, value in (("profile", profile), ("schema", schema)) if value}
    if values:
        tx.execute(commits.update().where(commits.c.id == id).values(**values))


def list_datasets(tx: Transaction) -> list[Dataset]:
    """All datasets by name; `rows` are those of `main`, or of the branch moved last if there is no `main`."""
    heads: dict[str, dict[str, tuple[str, int, datetime]]] = {}
    joined = branches.join(commits, branches.c.head == commits.c.id)
    columns = (branches.c.dataset, branches.c.name, branches.c.head, commits.c.rows, branches.c.moved_at)
    moves = tx.execute(sa.select(*columns).select_from(joined).order_by(branches.c.moved_at))
    for dataset, branch, head, rows, moved_at in map(tuple, moves):
        heads.setdefault(dataset, {})[branch] = (head, rows, moved_at)
    count = sa.select(commits.c.dataset, sa.func.count()).group_by(commits.c.dataset)
    counts = dict(map(tuple, tx.execute(count)))
    known = tx.execute(sa.select(datasets).order_by(datasets.c.name))
    return [
        _dataset(name, created_at, created_by, heads[name], counts[name])
        for name, created_at, created_by in map(tuple, known)
        if name in heads
    ]


def _dataset(
    name: str, created_at: datetime, created_by: str, heads: dict[str, tuple[str, int, datetime]], count: int
) -> Dataset:
    shown = heads.get("main") or list(heads.values())[-1]
    return Dataset(
        name=name,
        created_at=created_at,
        created_by=created_by,
        branches={branch: head for branch, (head, _, _) in sorted(heads.items())},
        rows=shown[1],
        commits=count,
        updated_at=max(moved_at for _, _, moved_at in heads.values()),
    )


def _moved(dataset: str, branch: str) -> Conflict:
    return Conflict(
        f"The branch {branch!r} of {dataset!r} moved meanwhile.",
        found="another commit was made at the same time",
        hint="Look at the new head and commit again; nothing of yours was lost or written.",
        subject=f"dataset:{dataset}",
    )
