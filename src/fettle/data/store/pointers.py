"""Branches and tags: what names a commit, where it pointed before, and who moved it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.core.errors import Conflict
from fettle.data.records.versions import Dataset, Move, Pointer
from fettle.data.store.tables import branches, commits, datasets, moves, tags
from fettle.data.store.versions import get_commits
from fettle.storage.upserts import insert_new

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def head_of(tx: Transaction, dataset: str, branch: str) -> str | None:
    """The commit a branch points at; None if there is no such branch yet."""
    query = sa.select(branches.c.head).where(branches.c.dataset == dataset, branches.c.name == branch)
    return tx.execute(query).scalar_one_or_none()


def tag_of(tx: Transaction, dataset: str, name: str) -> str | None:
    """The commit of a tag; None if there is no such tag."""
    query = sa.select(tags.c.commit).where(tags.c.dataset == dataset, tags.c.name == name)
    return tx.execute(query).scalar_one_or_none()


def move_head(tx: Transaction, move: Move) -> None:
    """Compare and set: move a branch if it still points at the old commit (empty: if it is not there).

    Raises:
        Conflict: Another commit was faster.
    """
    if not move.old:
        if head_of(tx, move.dataset, move.name) is not None:
            raise moved(move.dataset, move.name)
        fresh = {"dataset": move.dataset, "name": move.name, "head": move.new, "moved_at": move.at}
        tx.execute(branches.insert(), fresh)
    else:
        named = sa.and_(branches.c.dataset == move.dataset, branches.c.name == move.name)
        change = branches.update().values(head=move.new, moved_at=move.at) if move.new else branches.delete()
        if tx.execute(change.where(named, branches.c.head == move.old)).rowcount != 1:
            raise moved(move.dataset, move.name)
    _note(tx, move)


def _note(tx: Transaction, move: Move) -> None:
    tx.execute(moves.insert(), msgspec.structs.asdict(move))


def add_tag(tx: Transaction, tag: Pointer) -> None:
    """Keep a tag.

    Raises:
        Conflict: There is a tag of that name.
    """
    fresh = {
        "dataset": tag.dataset,
        "name": tag.name,
        "commit": tag.commit,
        "message": tag.message,
        "at": tag.at,
        "by": tag.by,
    }
    if tx.execute(insert_new(tags), fresh).rowcount != 1:
        raise Conflict(
            f"{tag.dataset!r} has a tag {tag.name!r} already.",
            hint="A tag always means the same version; choose another name, or remove it first.",
        )
    _note(tx, Move(tag.dataset, tag.name, "", tag.commit, tag.at, tag.by, "tag"))


def remove_tag(tx: Transaction, tag: Pointer, *, at: datetime, by: str) -> None:
    """Forget a tag."""
    tx.execute(tags.delete().where(tags.c.dataset == tag.dataset, tags.c.name == tag.name))
    _note(tx, Move(tag.dataset, tag.name, tag.commit, "", at, by, "tag removed"))


def list_pointers(tx: Transaction, dataset: str) -> list[Pointer]:
    """The branches and then the tags of a dataset, by name."""
    heads = tx.execute(
        sa.select(branches.c.name, branches.c.head, branches.c.moved_at)
        .where(branches.c.dataset == dataset)
        .order_by(branches.c.name)
    ).all()
    known = tx.execute(sa.select(tags).where(tags.c.dataset == dataset).order_by(tags.c.name)).all()
    return [
        *(
            Pointer(dataset, name, "branch", head, at, _moved_by(tx, dataset, name))
            for name, head, at in map(tuple, heads)
        ),
        *(
            Pointer(dataset, name, "tag", commit, at, by, message)
            for _, name, commit, message, at, by in map(tuple, known)
        ),
    ]


def _moved_by(tx: Transaction, dataset: str, name: str) -> str:
    last = (
        sa.select(moves.c.by)
        .where(moves.c.dataset == dataset, moves.c.name == name)
        .order_by(moves.c.seq.desc())
    )
    return tx.execute(last.limit(1)).scalar_one_or_none() or ""


def list_moves(tx: Transaction, dataset: str, name: str | None, most: int) -> list[Move]:
    """How branches and tags moved, newest first."""
    query = sa.select(moves).where(moves.c.dataset == dataset).order_by(moves.c.seq.desc()).limit(most)
    if name is not None:
        query = query.where(moves.c.name == name)
    return [Move(*tuple(row)[1:]) for row in tx.execute(query)]


def list_datasets(tx: Transaction) -> list[Dataset]:
    """All datasets by name."""
    named: dict[str, dict[str, str]] = {}
    for dataset, name, commit in map(
        tuple, tx.execute(sa.select(tags.c.dataset, tags.c.name, tags.c.commit))
    ):
        named.setdefault(dataset, {})[name] = commit
    heads: dict[str, dict[str, tuple[str, datetime]]] = {}
    moved_last = sa.select(branches.c.dataset, branches.c.name, branches.c.head, branches.c.moved_at)
    for dataset, branch, head, moved_at in map(tuple, tx.execute(moved_last.order_by(branches.c.moved_at))):
        heads.setdefault(dataset, {})[branch] = (head, moved_at)
    count = sa.select(commits.c.dataset, sa.func.count()).group_by(commits.c.dataset)
    counts = dict(map(tuple, tx.execute(count)))
    known = tx.execute(sa.select(datasets).order_by(datasets.c.name)).all()
    shown = {name: (at.get("main") or list(at.values())[-1])[0] for name, at in heads.items()}
    commit_of = {each.id: each for each in get_commits(tx, list(shown.values()))}
    return [
        Dataset(
            name=name,
            created_at=created_at,
            created_by=created_by,
            branches={branch: head for branch, (head, _) in sorted(heads[name].items())},
            rows=commit_of[shown[name]].rows,
            commits=counts[name],
            updated_at=max(moved_at for _, moved_at in heads[name].values()),
            files=commit_of[shown[name]].files,
            size_bytes=commit_of[shown[name]].size_bytes,
            tags=dict(sorted(named.get(name, {}).items())),
        )
        for name, created_at, created_by in map(tuple, known)
        if name in heads
    ]


def moved(dataset: str, branch: str) -> Conflict:
    """The error of whoever was slower."""
    return Conflict(
        f"The branch {branch!r} of {dataset!r} moved meanwhile.",
        found="another commit was made at the same time",
        hint="Look at the new head and commit again; nothing of yours was lost or written.",
        subject=f"dataset:{dataset}",
    )
